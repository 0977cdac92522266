"""One row of the lab: a system is started on the broker, watched and judged."""

import collections
import pathlib
import shutil
import sys
import time

import systems
from kafka.admin import KafkaAdminClient, NewTopic
from lab_broker import Broker
from processes import CpuSeries, Measured

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
        self.interval_ms = arguments.interval_ms or workload.get("interval_ms")

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
                self.interval_ms, self.scratch / f"state-{name}")
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
    found = lab.run_part("check", "check", on.bootstrap, on.output,
                         on.partitions, expected)
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


def say(text):
    print(f"lab: {text}", file=sys.stderr, flush=True)
