"""Made-up results, for tests and to look at a report without a broker.

    python3 sample.py FILE      writes results as JSON lines
"""

import bisect
import math
import random
import sys

import record

# label: system, M messages/s, CPU-s per M of system, broker, p50 ms, RSS MB
ROWS = {
    "raw": ("raw", 4.29, 0.33, 0.30, None, 104),
    "tacho": ("tacho", 2.13, 0.75, 0.52, 140, 342),
    "tacho 1s": ("tacho", 2.30, 0.66, 0.45, 560, 351),
    "kstreams": ("kstreams", 0.62, 2.9, 0.61, 180, 1480),
    "flink": ("flink", 0.81, 2.1, 0.50, 310, 1730),
}
MESSAGES = 8_000_000
PHASES = {"produce": 31, "flush": 27, "offsets": 4.1, "commit": 0.9,
          "apply": 53}
BOUNDS = [round(2 ** (step / 4), 3) for step in range(-4, 56)]


def histogram(rng, middle, spread=0.35, count=4000):
    counts = [0] * (len(BOUNDS) + 1)
    for _ in range(count):
        value = middle * math.exp(rng.gauss(0, spread))
        if rng.random() < 0.004:
            value *= 3
        counts[bisect.bisect_left(BOUNDS, value)] += 1
    return {"bounds": BOUNDS, "counts": counts}


def machine(cpu="AMD EPYC"):
    facts = {"cpu": cpu, "cores": 2, "memory_bytes": 24 << 30,
             "kernel": "6.1.0", "hypervisor": "kvm", "governor": None,
             "cgroup": None}
    return {**facts, "digest": record.digest(facts)}


def metrics(rng, label, scale):
    _, rate, cpu, broker, _, rss = ROWS[label]
    speed = rate * 1e6 * math.exp(rng.gauss(0, 0.12))
    cost = cpu * scale * math.exp(rng.gauss(0, 0.015))
    return {
        "messages": MESSAGES, "seconds": MESSAGES / speed,
        "rate": speed, "steady_rate": speed * 1.02,
        "cpu_seconds": cost * MESSAGES / 1e6, "cpu_seconds_per_million": cost,
        "broker_cpu_seconds": broker * MESSAGES / 1e6,
        "feed_cpu_seconds": 0.5 * MESSAGES / 1e6,
        "rss_peak_bytes": int(rss * 1e6 * math.exp(rng.gauss(0, 0.02))),
        "input_bytes": MESSAGES * 284, "start_seconds": 0.1,
    }


def series(rng, rate, rss):
    times = [float(second) for second in range(1, 41)]
    stall = {20, 21, 22}
    rates = [0 if t in stall else rate * 1e6 * math.exp(rng.gauss(0, 0.08))
             for t in times]
    lag, lags = 4e6, []
    for value in rates:
        lag = max(2e4 * rng.random(), lag + 0.5e6 - value * 0.6)
        lags.append(lag)
    grown = [rss * 1e6 * (1 - 0.6 * math.exp(-t / 6)) for t in times]
    return {"rate": [list(p) for p in zip(times, rates)],
            "lag": [list(p) for p in zip(times, lags)],
            "rss_bytes": [list(p) for p in zip(times, grown)]}


def row(rng, label, number, order, commit, day, scale):
    system, rate, _, _, latency, rss = ROWS[label]
    made = {
        "schema": 1, "round": number, "order": order,
        "time": f"2026-11-{day:02}T10:{number:02}:{order:02}Z",
        "workload": {"name": "W1", "digest": "5eed5eed", "text": "W1 bulk"},
        "row": {"system": system, "label": label, "settings": {},
                "command": ["tacho", "run", "job.yaml"]},
        "source": {"commit": commit, "dirty": False, "build": "release"},
        "libraries": {"librdkafka": "2.0.2"}, "machine": machine(),
        "broker": {"version": "4.2.1", "settings": {"log.dirs": "tmp"}},
        "load_before": 0.3, "valid": True, "void_reasons": [],
        "result_check": {"expected": 9000, "found": 9000, "missing": 0,
                         "wrong": 0, "extra": 0},
        "metrics": metrics(rng, label, scale), "series": series(rng, rate, rss),
    }
    if latency:
        made["histograms"] = {"latency_ms": histogram(rng, latency)}
        made["marks"] = [[19.5, "kill -9"], [22.5, "ready"]]
        made["intervals"] = {"commit_ms": 200}
    if system == "tacho":
        for phase, middle in PHASES.items():
            made["histograms"][f"commit_{phase}_ms"] = histogram(
                rng, middle, count=200)
    return made


def void(made, *reasons):
    made.update(valid=False, void_reasons=list(reasons))


def results(rounds=9, labels=tuple(ROWS), commit="9ac73bc", day=28, scale=None,
            seed=1):
    """One run of the lab; scale multiplies the CPU of a label."""
    rng = random.Random(seed)
    made = []
    for number in range(1, rounds + 1):
        turn = list(labels)
        rng.shuffle(turn)
        made += [row(rng, label, number, order, commit, day,
                     (scale or {}).get(label, 1))
                 for order, label in enumerate(turn, 1)]
    return made


def history():
    """Five days of runs, of which the fourth made tacho dearer."""
    found = []
    for place, (commit, scale) in enumerate(
            (("9773bb7", 1.0), ("83474a2", 0.98), ("59656f8", 0.97),
             ("517f27d", 1.09), ("9ac73bc", 1.08))):
        found += results(commit=commit, day=24 + place, seed=place,
                         scale={"tacho": scale, "tacho 1s": scale})
    void(found[-3], "load before was 1.9, more than 0.5")
    void(found[7], "feed was 4.2 % behind, more than 1 %", "12 results missing")
    return found


if __name__ == "__main__":
    for one in history():
        record.append(sys.argv[1], one)
