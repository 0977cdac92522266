"""The lab: systems side by side on one real broker, one workload, in rounds.

  ./run lab --workload W1 --with raw,tacho,kstreams,flink --rounds 3

Each row gets the same bytes, the same aggregation and the same guarantee, and
the same oracle judges its results; a row with a wrong result, or whose feed fell
behind, is void: kept and shown, never averaged. One JSON line a row
(record.schema.json) goes to the results file; a table to the terminal.
"""

import argparse
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
from measure import Lab, On, say

ROOT = pathlib.Path(__file__).resolve().parents[2]
MOST_LOAD = 0.5           # Cores that others use before a row; --most-load.
MOST_BEHIND = 0.01        # Of the run, a feed.


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
        "intervals": {"commit_ms": lab.interval_ms},
    }
    return line | ({"result_check": judged} if judged else {})


def await_quiet(most, seconds=120):
    """How many cores others keep busy, once it is little enough or the time
    is up."""
    deadline = time.monotonic() + seconds
    while (busy := machine.load()) > most and time.monotonic() < deadline:
        time.sleep(1)
    return busy


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
                "GROUP", "MESSAGES", lab.interval_ms, "STATE"))
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
    if workload["kind"] == "live" and not all(r.has_results for r in rows):
        raise SystemExit("lab: raw counts what is there already; it has no "
                         "row in a live workload")
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
