"""The greatest load that meets the objective, by search.

As Theodolite defines them: capacity(resources) is the greatest load that the
resources bear, demand(load) the least resources that bear it. A load is borne
if every objective is met: the lag grows by at most 0.1 % of the load, p99 is at
most 350 ms, and the results are right. measure(load) is injected; it returns
{"lag_slope": messages/s, "p99_ms": ms, "ok": results are right}.

The search doubles the load until one is not borne (or halves it until one is),
halves the gap until it is within 5 %, and then confirms: near the edge one run
is luck, so that the answer has been borne in three of up to five runs more, and
what was not confirmed is searched below, each load with a confirmation. The
answer is near the edge that half of the runs bear, not at the one that all do.
"""

import json
import math
import sys
from dataclasses import asdict, dataclass, field

import rows

RESOLUTION = 0.05
WARM_UP_SECONDS = 10
RUNS, NEEDED = 5, 3  # Of a confirmation.


@dataclass(frozen=True)
class Objective:
    lag_share: float = 0.001  # Of the load, messages/s per message/s.
    p99_ms: float = 350

    def failures(self, load, measured):
        """Why a load is not borne; nothing if it is."""
        found = []
        slope, p99 = measured["lag_slope"], measured["p99_ms"]
        if not measured["ok"]:
            found.append("results are wrong")
        if slope is None or slope > self.lag_share * load:
            found.append("lag grows")
        if p99 is None or p99 > self.p99_ms:
            found.append("p99")
        return found


@dataclass(frozen=True)
class Trial:
    load: float
    lag_slope: float | None
    p99_ms: float | None
    ok: bool
    failures: tuple


@dataclass
class Found:
    """load is 0 if none was borne, and only a bound if it is the limit."""

    load: float = 0
    confirmed: bool = False
    at_limit: bool = False
    trials: list = field(default_factory=list)


class Search:
    """One search; it keeps every trial, also those that it did not follow."""

    def __init__(self, measure, objective=Objective(), resolution=RESOLUTION):
        self.measure = measure
        self.objective = objective
        self.step = 1 + resolution
        self.trials = []

    def bears(self, load):
        measured = self.measure(load)
        failures = tuple(self.objective.failures(load, measured))
        self.trials.append(Trial(load, measured["lag_slope"],
                                 measured["p99_ms"], measured["ok"], failures))
        return not failures

    def confirm(self, load):
        """Borne in NEEDED of at most RUNS runs; ends as soon as it is known."""
        borne = failed = 0
        while borne < NEEDED and failed <= RUNS - NEEDED:
            if self.bears(load):
                borne += 1
            else:
                failed += 1
        return borne == NEEDED

    def bracket(self, start, least, most):
        """(borne, not borne) twice apart; 0 and None where there is none."""
        if self.bears(start):
            low = start
            while low < most:
                high = min(2 * low, most)
                if not self.bears(high):
                    return low, high
                low = high
            return low, None
        high = start
        while high > least:
            low = max(high / 2, least)
            if self.bears(low):
                return low, high
            high = low
        return 0, high

    def narrow(self, low, high, test):
        while high > low * self.step:
            middle = math.sqrt(low * high)
            if test(middle):
                low = middle
            else:
                high = middle
        return low

    def below(self, high, least):
        """The greatest confirmed load under one that was not confirmed.

        Steps down become longer, so that an erratic system ends soon too.
        """
        step = self.step
        while high > least:
            low = max(high / step, least)
            if self.confirm(low):
                return self.narrow(low, high, self.confirm)
            high, step = low, step * step
        return 0

    def run(self, start, least, most):
        low, high = self.bracket(start, least, most)
        if low and high:
            low = self.narrow(low, high, self.bears)
        confirmed = bool(low) and self.confirm(low)
        if low and not confirmed:
            low, high = self.below(low, least), low
            confirmed = low > 0
        return Found(low, confirmed, confirmed and high is None, self.trials)


def search(measure, start, least=1_000, most=100_000_000,
           objective=Objective(), resolution=RESOLUTION):
    """The capacity of what measure() runs, from a first guess."""
    if not 0 < least <= start <= most:
        raise ValueError("least <= start <= most is needed, above 0")
    return Search(measure, objective, resolution).run(start, least, most)


def capacity(found):
    """[(resources, load)] of {resources: Found}, by resources."""
    return [(resources, one.load) for resources, one in sorted(found.items())]


def demand(found, loads):
    """[(load, least resources, or None)]: what bears it, of those tried."""
    table = capacity(found)
    return [(load, next((resources for resources, most in table
                         if most >= load), None)) for load in sorted(loads)]


def report(label, workload, found, loads=None):
    """What report.py draws: one JSON object for a row and a workload."""
    borne = [load for _, load in capacity(found) if load]
    return {
        "label": label, "workload": workload, "capacity": capacity(found),
        "demand": demand(found, loads if loads is not None else borne),
        "at_limit": [one for one in sorted(found) if found[one].at_limit],
        "trials": [{"resources": resources, **asdict(trial)}
                   for resources, one in sorted(found.items())
                   for trial in one.trials],
    }


def slope(points, warm_up=WARM_UP_SECONDS):
    """Least squares over [[seconds, value]] after a warm-up, or None."""
    kept = [(t, value) for t, value in points if t >= warm_up]
    if len(kept) < 3:
        return None
    middle_t = math.fsum(t for t, _ in kept) / len(kept)
    middle = math.fsum(value for _, value in kept) / len(kept)
    spread = math.fsum((t - middle_t) ** 2 for t, _ in kept)
    if spread == 0:
        return None
    return math.fsum((t - middle_t) * (value - middle)
                     for t, value in kept) / spread


def measurement(row, warm_up=WARM_UP_SECONDS):
    """What measure() returns, from a row of rows.py."""
    return {"lag_slope": slope(row.data.get("series", {}).get("lag", ()),
                               warm_up),
            "p99_ms": rows.value(row, "latency_ms.p99"),
            "ok": row.data["valid"]}


def table(one):
    """The two tables of a report() as text."""
    yield f"{one['label']}, {one['workload']}"
    yield "cores  capacity, messages/s"
    for cores, load in one["capacity"]:
        limit = ", or more" if cores in one["at_limit"] else ""
        yield f"{cores:>5}  {load:,.0f}{limit}"
    yield "load, messages/s  demand, cores"
    for load, cores in one["demand"]:
        yield f"{load:>16,.0f}  {cores if cores is not None else 'more'}"


if __name__ == "__main__":
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            for line in filter(str.strip, file):
                print("\n".join(table(json.loads(line))))
