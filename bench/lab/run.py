"""The lab: systems side by side on one real broker, one workload, in rounds.

  ./run lab --workload W1 --with raw,tacho,kstreams,flink --rounds 3

Each row gets the same bytes, the same aggregation and the same guarantee, and
the same oracle judges its results; a row with a wrong result, or whose feed fell
behind, is void: kept and shown, never averaged. One JSON line a row
(record.schema.json) goes to the results file; a table to the terminal.
"""

import argparse
import collections
import datetime
import hashlib
import json
import pathlib
import random
import shutil
import statistics
import sys
import tempfile
import time
import tomllib

import machine
import record as records
import systems
from broker import Broker
from kafka.admin import KafkaAdminClient, NewTopic
from processes import CpuSeries, Measured, cpu_seconds

ROOT = pathlib.Path(__file__).resolve().parents[2]
MOST_LOAD = 0.5           # Cores that others use before a row; --most-load.
MOST_BEHIND = 0.01        # Of the run, a feed.
READY_SECONDS = 60
TOPIC_SECONDS = 30
BULK_SECONDS = 900

On = collections.namedtuple(
    "On", "bootstrap topic partitions output group messages interval_ms state")


class Lab:
    """One workload on one broker."""

    def __init__(self, arguments, workload, scratch):
        self.arguments = arguments
        self.workload = workload
        self.scratch = pathlib.Path(scratch)
        self.logs = 0
        self.broker = Broker(self.scratch / "broker")
        self.admin = KafkaAdminClient(bootstrap_servers=self.broker.bootstrap)
        self.fed = None

    def close(self):
        self.admin.close()
        self.broker.stop()

    def topics(self, *names, partitions):
        self.admin.create_topics(
            [NewTopic(n, partitions, 1) for n in names],
            timeout_ms=TOPIC_SECONDS * 1000)
        deadline = time.monotonic() + TOPIC_SECONDS
        while not set(names) <= set(self.admin.list_topics()):
            if time.monotonic() > deadline:
                raise RuntimeError(f"topics are not there: {names}")
            time.sleep(0.1)

    def start(self, command, env=None):
        self.logs += 1
        return Measured(command, self.scratch / f"{self.logs:03}.log", env)

    def part(self, *arguments):
        return self.start([systems.PART, *arguments])

    def run_part(self, event, *arguments, seconds=3600):
        part = self.part(*arguments)
        if part.wait(seconds) != 0:
            raise RuntimeError(f"lab_part {arguments[0]}: {part.log}")
        return part.events(event)[-1]

    # What all rows of a bulk workload read.
    def fill(self):
        w = self.workload
        self.topics("input", partitions=w["partitions"])
        self.fed = self.run_part(
            "fed", "fill", self.broker.bootstrap, "input",
            self.scratch / "expected", w["messages"], w["vehicles"],
            w.get("step_ms", 1000))
        say(f"input: {self.fed['messages']:,} messages of "
            f"{self.fed['bytes'] / self.fed['messages']:.0f} bytes")

    def row(self, system, name):
        """Runs a system once; everything that the record says of it."""
        live = self.workload["kind"] == "live"
        topic = f"input-{name}" if live else "input"
        on = On(self.broker.bootstrap, topic, self.workload["partitions"],
                f"results-{name}", f"lab-{name}",
                0 if live else self.fed["messages"],
                self.arguments.interval_ms or self.workload["interval_ms"],
                self.scratch / f"state-{name}")
        self.topics(on.output, f"{on.output}-rejects", f"{on.output}-late",
                    partitions=on.partitions)
        if live:
            self.topics(topic, partitions=on.partitions)
        on.state.mkdir()
        result = live_row(self, system, on) if live else \
            bulk_row(self, system, on)
        result["changelog_bytes"] = self.broker.bytes_of(f"{on.group}-")
        result["input_bytes"] = self.broker.bytes_of(f"{topic}-")
        shutil.rmtree(on.state)
        self.admin.delete_topics(
            [t for t in self.admin.list_topics()
             if t.startswith((on.group, on.output))
             or (live and t == topic)])
        return result


def check(lab, system, on, expected):
    if not system.has_results:
        return None
    found = lab.run_part("check", "check", on.bootstrap, on.output, expected)
    found.pop("event")
    return found


def wait_ready(process, system, on):
    name, count = system.ready
    process.await_event(name, count or on.partitions, READY_SECONDS)
    return time.time()


def bulk_row(lab, system, on):
    """All of the input is there; ends when it is committed."""
    process = lab.start(system.command(on))
    if not system.has_results:
        if process.wait(BULK_SECONDS) != 0:
            raise RuntimeError(f"{system.label}: see {process.log}")
        counted = process.events("raw")[-1]
        seconds = counted["seconds"]
        result = finish(process, on.messages, seconds, seconds / 2,
                        process.cpu(), 0.0)
        # Its results are the messages that it has counted.
        result["result_check"] = {
            "expected": on.messages, "found": counted["messages"],
            "missing": max(0, on.messages - counted["messages"]), "wrong": 0,
            "extra": max(0, counted["messages"] - on.messages)}
        return result
    started = time.time()
    ready = wait_ready(process, system, on)
    cpu = CpuSeries({"system": process.pid, "broker": lab.broker.process.pid})
    follow = lab.part("follow", on.bootstrap, on.group, on.topic,
                      on.partitions, "until_end")
    if follow.wait(BULK_SECONDS) != 0:
        raise RuntimeError(f"{system.label} never reached the end")
    lags = follow.events("lag")
    end = lags[-1]["time_ms"] / 1e3
    cpu.stop()
    process.stop()
    half = when_half(lags, on.messages) or ready
    result = finish(process, on.messages, end - ready, end - half,
                    cpu.between("system", ready, end),
                    cpu.between("broker", ready, end))
    result["start_seconds"] = ready - started
    result["lag"] = [[round(e["time_ms"] / 1e3 - ready, 2),
                      e["end"] - e["committed"]] for e in lags]
    result["result_check"] = check(lab, system, on, lab.scratch / "expected")
    return result


def when_half(lags, messages):
    """When half of the messages were committed, between two looks."""
    before = None
    for event in lags:
        if event["committed"] >= messages / 2:
            if before is None or event["committed"] == before["committed"]:
                return event["time_ms"] / 1e3
            share = (messages / 2 - before["committed"]) / (
                event["committed"] - before["committed"])
            return (before["time_ms"] + share * (
                event["time_ms"] - before["time_ms"])) / 1e3
        before = event
    return None


def live_row(lab, system, on):
    """Messages come at their rate; what counts is what follows the warm-up."""
    w = lab.workload
    process = lab.start(system.command(on))
    started = time.time()
    ready = wait_ready(process, system, on)
    expected = lab.scratch / "expected"
    feed = lab.part("pace", on.bootstrap, on.topic, expected, w["rate"],
                    w["vehicles"], w["seconds"])
    follow = lab.part("follow", on.bootstrap, on.group, on.topic,
                      on.partitions, "until_stopped")
    feed.await_event("sent", 1, READY_SECONDS)
    cpu = CpuSeries({"system": process.pid, "broker": lab.broker.process.pid,
                     "feed": feed.pid})
    begin = time.time() + w["warm_up_seconds"]
    end = begin + w["seconds"] - w["warm_up_seconds"] - 2
    time.sleep(max(0.0, end - time.time()))
    cpu.stop()
    if feed.wait(600) != 0:
        raise RuntimeError(f"the feed failed: {feed.log}")
    fed = feed.events("fed")[-1]
    caught_up = await_lag_zero(follow, 60)
    follow.stop()
    process.stop()
    messages = w["rate"] * (end - begin)
    result = finish(process, messages, end - begin, end - begin,
                    cpu.between("system", begin, end),
                    cpu.between("broker", begin, end))
    result["messages"] = fed["messages"]
    result["feed_cpu_seconds"] = cpu.between("feed", begin, end)
    result["start_seconds"] = ready - started
    result["behind_ms"] = fed["behind_ms"]
    result["lag"] = [[round(e["time_ms"] / 1e3 - begin, 2),
                      e["end"] - e["committed"]]
                     for e in follow.events("lag")]
    if not caught_up:
        result["void"] = ["did not catch up within 60 s of the feed's end"]
    else:
        result["result_check"] = check(lab, system, on, expected)
    return result


def await_lag_zero(follow, seconds):
    """Two looks in turn without lag: the ends are asked once a second."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        lags = follow.events("lag")[-2:]
        if len(lags) == 2 and all(e["end"] <= e["committed"] for e in lags):
            return True
        time.sleep(0.5)
    return False


def finish(process, messages, seconds, half_seconds, cpu, broker_cpu):
    usage = process.usage
    millions = messages / 1e6
    return {
        "messages": messages, "seconds": seconds, "rate": messages / seconds,
        "steady_seconds": half_seconds,
        "steady_rate": messages * (0.5 if half_seconds < seconds else 1.0) /
        half_seconds,
        "cpu_seconds": cpu, "cpu_seconds_per_million": cpu / millions,
        "cpu_seconds_whole": usage.ru_utime + usage.ru_stime,
        "broker_cpu_seconds": broker_cpu,
        "rss_peak_bytes": usage.ru_maxrss * 1024,
        "context_switches": usage.ru_nvcsw + usage.ru_nivcsw,
        "page_faults": usage.ru_minflt + usage.ru_majflt,
    }


def void_reasons(lab, system, load, found):
    reasons = list(found.pop("void", []))
    if load > lab.arguments.most_load:
        reasons.append(f"{load:.2f} cores were busy before it")
    judged = found.get("result_check")
    if judged is not None:
        for what in ("missing", "wrong", "extra"):
            if judged[what]:
                reasons.append(f"{judged[what]} results {what}")
        if not judged["expected"]:
            reasons.append("no window was closed, so that nothing was checked")
    elif system.has_results and not reasons:
        reasons.append("its results were not checked")
    seconds = lab.workload.get("seconds", 0)
    if found.get("behind_ms", 0) > MOST_BEHIND * seconds * 1e3:
        reasons.append(f"the feed was {found['behind_ms']} ms behind")
    return reasons


def make_record(lab, system, place, load, found):
    w = lab.workload
    lag = found.pop("lag", [])
    judged = found.pop("result_check", None)
    now = datetime.datetime.now(datetime.timezone.utc)
    line = {
        "schema": 1, "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "round": place[0], "order": place[1],
        "workload": {"name": w["name"], "digest": w["digest"],
                     "text": w["text"]},
        "row": {"system": system.label.split("-")[0].split("+")[0]
                .split(":")[0], "label": system.label,
                "settings": system.settings,
                "command": [str(c) for c in found.pop("command")]},
        "source": lab.source, "libraries": found.pop("libraries"),
        "machine": lab.machine,
        "broker": {"version": lab.broker.version,
                   "settings": {k: str(v) for k, v in
                                lab.broker.settings.items()
                                if "listeners" not in k and "dirs" not in k
                                and "voters" not in k}},
        "load_before": load, "valid": not found["void_reasons"],
        "void_reasons": found.pop("void_reasons"),
        "metrics": found, "series": {"lag": lag} if lag else {},
        "intervals": {"commit_ms": lab.arguments.interval_ms
                      or w["interval_ms"]},
    }
    return line | ({"result_check": judged} if judged else {})


def await_quiet(most, seconds=120):
    """How many cores others keep busy, once it is little enough or the time
    is up."""
    deadline = time.monotonic() + seconds
    while (busy := machine.load()) > most and time.monotonic() < deadline:
        time.sleep(1)
    return busy


def say(text):
    print(f"lab: {text}", file=sys.stderr, flush=True)


def run_rows(lab, rows, results):
    kept = []
    draw = random.Random(lab.arguments.seed)
    for round_ in range(1, lab.arguments.rounds + 1):
        order = draw.sample(rows, len(rows))
        for place, system in enumerate(order, 1):
            load = await_quiet(lab.arguments.most_load)
            name = f"{rows.index(system)}-{round_}"
            found = lab.row(system, name)
            found["void_reasons"] = void_reasons(lab, system, load, found)
            found["libraries"] = machine.libraries(system.version())
            found["command"] = system.command(On(
                "BOOTSTRAP", "INPUT", lab.workload["partitions"], "OUTPUT",
                "GROUP", "MESSAGES", lab.arguments.interval_ms
                or lab.workload["interval_ms"], "STATE"))
            line = make_record(lab, system, (round_, place), load, found)
            records.append(results, line)
            kept.append(line)
            m = line["metrics"]
            say(f"round {round_}, {system.label}: "
                f"{m['rate'] / 1e6:.2f} M/s, "
                f"{m['cpu_seconds_per_million']:.2f} CPU-s per M"
                + ("" if line["valid"] else
                   f"; VOID: {'; '.join(line['void_reasons'])}"))
    return kept


def spread(values, digits):
    if not values:
        return "-"
    return (f"{statistics.median(values):.{digits}f} "
            f"({min(values):.{digits}f} to {max(values):.{digits}f})")


def table(rows, kept):
    """Medians of the rows that count."""
    raw = {k["round"]: k["metrics"]["rate"] for k in kept
           if k["row"]["label"] == "raw" and k["valid"]}
    print("| row | M/s | of raw, in its round % | second half M/s | "
          "CPU-s per M | broker's | changelog per input byte | RSS MB | "
          "start s | void |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for system in rows:
        mine = [k for k in kept if k["row"]["label"] == system.label]
        good = [k for k in mine if k["valid"]]
        m = [k["metrics"] for k in good]
        share = [100 * k["metrics"]["rate"] / raw[k["round"]] for k in good
                 if k["round"] in raw]
        print("| " + " | ".join([
            system.label,
            spread([x["rate"] / 1e6 for x in m], 2), spread(share, 0),
            spread([x["steady_rate"] / 1e6 for x in m], 2),
            spread([x["cpu_seconds_per_million"] for x in m], 2),
            spread([x["broker_cpu_seconds"] / x["messages"] * 1e6
                    for x in m], 2),
            spread([x["changelog_bytes"] / x["input_bytes"] for x in m], 3),
            spread([x["rss_peak_bytes"] / 2**20 for x in m], 0),
            spread([x.get("start_seconds", 0) for x in m], 1),
            f"{len(mine) - len(good)} of {len(mine)}"]) + " |")


def read_workload(name, overrides):
    path = pathlib.Path(name)
    if not path.suffix:
        path = ROOT / "bench/lab/workloads" / f"{name}.toml"
    text = path.read_text()
    workload = tomllib.loads(text)
    for override in overrides:
        key, value = override.split("=", 1)
        workload[key] = type(workload[key])(value)
    identity = json.dumps(workload, sort_keys=True)
    return workload | {
        "text": text,
        "digest": hashlib.sha256(identity.encode()).hexdigest()[:16]}


def parse():
    parser = argparse.ArgumentParser(
        prog="./run lab", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", default="W1",
                        help="a file in bench/lab/workloads, or a path")
    parser.add_argument("--with", dest="rows", default="raw,tacho",
                        help=systems.find.__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], metavar="K=V",
                        help="another value in the workload: another workload")
    parser.add_argument("--interval-ms", type=int, default=0)
    parser.add_argument("--most-load", type=float, default=MOST_LOAD)
    parser.add_argument("--seed", type=int, default=int(time.time()),
                        help="of the order of rows in each round")
    parser.add_argument("--tacho", default=ROOT / "build/release/tacho")
    parser.add_argument("--results", default=None,
                        help="bench/results/MACHINE.jsonl unless told")
    return parser.parse_args()


def main():
    arguments = parse()
    workload = read_workload(arguments.workload, arguments.set)
    rows = [systems.find(n, arguments.tacho)
            for n in arguments.rows.split(",")]
    here = machine.describe()
    results = pathlib.Path(arguments.results or
                           ROOT / f"bench/results/{here['digest']}.jsonl")
    results.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tacho-lab-",
                                     ignore_cleanup_errors=True) as scratch:
        lab = Lab(arguments, workload, scratch)
        lab.machine, lab.source = here, machine.source()
        try:
            if workload["kind"] == "bulk":
                lab.fill()
            kept = run_rows(lab, rows, results)
        except Exception:
            kept_logs = results.parent / "failed-logs"
            shutil.rmtree(kept_logs, ignore_errors=True)
            kept_logs.mkdir()
            for log in lab.scratch.glob("*.log"):
                shutil.copy(log, kept_logs)
            say(f"failed; logs are in {kept_logs}")
            raise
        finally:
            lab.close()
    print(f"\n{workload['name']}, {arguments.rounds} rounds, commit "
          f"{lab.source['commit']}{' and changes' if lab.source['dirty'] else ''}"
          f", {here['cores']} cores of {here['cpu']}; medians (range)\n")
    table(rows, kept)
    say(f"records: {results}")
    return 0 if all(k["valid"] for k in kept) else 1


if __name__ == "__main__":
    sys.exit(main())
