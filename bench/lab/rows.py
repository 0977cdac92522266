"""Rows of results: their values, what they ran on, and their pairs."""

import math
import os
import statistics
from dataclasses import dataclass

import histogram
import record

GATED = ("cpu_seconds_per_million",)
PER_MILLION = "_per_million"


@dataclass(frozen=True)
class Row:
    data: dict
    path: str
    run: int  # Which run of the lab in its file.

    @property
    def label(self):
        return self.data["row"]["label"]

    @property
    def commit(self):
        return self.data["source"]["commit"]

    @property
    def round(self):
        return (self.path, self.data["workload"]["digest"], self.run,
                self.data["round"])


def read(paths):
    """Rows of files. A run ends where (round, order) does not rise."""
    found, runs = [], {}
    for path, data in record.read(dict.fromkeys(map(os.path.realpath, paths))):
        key = (path, data["workload"]["digest"])
        run, before = runs.get(key, (0, (0, 0)))
        place = (data["round"], data["order"])
        if place <= before:
            run += 1
        runs[key] = (run, place)
        found.append(Row(data, path, run))
    return found


def higher_is_better(metric):
    return metric.endswith("rate")


def value(row, metric):
    """A metric, NAME_per_million of one, or HISTOGRAM.pNN; None if absent."""
    metrics = row.data["metrics"]
    if metric in metrics:
        return metrics[metric]
    if metric.endswith(PER_MILLION) and metrics.get("messages"):
        amount = metrics.get(metric.removesuffix(PER_MILLION))
        return None if amount is None else amount * 1e6 / metrics["messages"]
    name, _, share = metric.partition(".p")
    held = row.data.get("histograms", {}).get(name)
    try:
        return histogram.quantile(held, float(share) / 100) if held else None
    except ValueError:
        return None


def values(rows, metric):
    found = (value(row, metric) for row in rows)
    return [one for one in found if one is not None]


def median(rows, metric):
    found = values(rows, metric)
    return statistics.median(found) if found else None


def is_named(row, name):
    """Is a row meant by LABEL or by LABEL@COMMIT?"""
    if row.label == name:
        return True
    label, at, commit = name.rpartition("@")
    return bool(at and commit and row.label == label
                and row.commit.startswith(commit))


def conditions(row):
    """What must be equal for rows to be compared."""
    data = row.data
    return {"machine": data["machine"],
            "broker": {"version": data["broker"]["version"],
                       **data["broker"].get("settings", {})},
            "workload": {"name": data["workload"]["name"],
                         "digest": data["workload"]["digest"]}}


def bed(row):
    """A key that is equal for rows that may be compared."""
    held = conditions(row)
    held["machine"] = held["machine"]["digest"]
    return record.digest(held)


def by(rows, key):
    """Rows in groups, both in the order in which they came."""
    groups = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def differences(rows):
    """Of rows that may not be compared: "machine.kernel: 6.1 and 6.5"."""
    held = [conditions(group[0]) for group in by(rows, bed).values()]
    found = []
    for part in ("machine", "broker", "workload"):
        for field in dict.fromkeys(name for one in held for name in one[part]):
            seen = list(dict.fromkeys(str(one[part].get(field))
                                      for one in held))
            if len(seen) > 1:
                found.append(f"{part}.{field}: {' and '.join(seen)}")
    return found


def pairs(first, second, metric):
    """ln(second / first) of each round that has both; zeros have no log.

    A label that came twice in a round (in the order A B B A) counts with the
    mean of its logs.
    """
    found = []
    others = by(second, lambda row: row.round)
    for key, held in by(first, lambda row: row.round).items():
        below = [math.log(one) for one in values(held, metric) if one > 0]
        above = [math.log(one) for one in values(others.get(key, ()), metric)
                 if one > 0]
        if below and above:
            found.append(statistics.fmean(above) - statistics.fmean(below))
    return found
