"""Is B better or worse than A, by the pairs of them in one round?

    python3 compare.py A B [--metric NAME]... [--results FILE]...

A and B are labels of rows, or LABEL@COMMIT. Only valid rows count, and only of
one machine, one broker and one workload: others are refused. Each metric has
its own false alarms (2 % at most), so that one of many may be one. Exit status:
1 if a gated metric is wholly worse than 5 %, 2 with --strict if one is
unstable, 64 if rows may not be compared, 65 if there is nothing to compare or a
file is wrong.
"""

import argparse
import glob
import os
import sys

import histogram
import record
import rows
import stats

RESULTS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       os.pardir, "results", "*.jsonl")
METRICS = ("cpu_seconds_per_million", "broker_cpu_seconds_per_million",
           "rate", "steady_rate", "latency_ms.p50", "latency_ms.p99",
           "rss_peak_bytes", "changelog_bytes_per_million", "start_seconds")


class Refusal(Exception):
    """Why there is no comparison, with the exit status."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def choose(found, name, workload):
    """Valid rows that a name means; says so if there are none."""
    named = [row for row in found if rows.is_named(row, name)
             and workload in (None, row.data["workload"]["name"])]
    valid = [row for row in named if row.data["valid"]]
    if not valid:
        labels = sorted({row.label for row in found})
        raise Refusal(65, f"no valid row of {name} ({len(named)} void); "
                          f"labels: {', '.join(labels) or 'none'}")
    return valid, len(named) - len(valid)


def refuse_others(first, second):
    """Two machines, brokers or workloads are never compared."""
    if len(rows.by(first + second, rows.bed)) > 1:
        different = "\n  ".join(rows.differences(first + second))
        raise Refusal(64, "rows of different conditions are not compared "
                          f"(see --workload and --results):\n  {different}")


def compare(first, second, metrics):
    """[(metric, median of A, median of B, Comparison)] of what was measured."""
    table = []
    for metric in metrics:
        result = stats.compare(rows.pairs(first, second, metric),
                               rows.higher_is_better(metric))
        if result.pairs:
            table.append((metric, rows.median(first, metric),
                          rows.median(second, metric), result))
    return table


def number(amount):
    """Four digits, without an exponent where it can be."""
    if amount >= 10_000:
        return f"{amount:,.0f}"
    return f"{amount:.4g}"


def cells(metric, first, second, result):
    ends = ("fewer than 7 pairs" if result.low is None else
            f"{result.low:.3f} to {result.high:.3f}")
    gate = " (gate)" if metric in rows.GATED else ""
    return (metric + gate, number(first), number(second),
            f"{result.ratio:.3f}", ends, str(result.pairs), result.verdict)


def lines(table):
    """Columns as wide as their widest cell, numbers to the right."""
    width = [max(map(len, column)) for column in zip(*table)]
    for row in table:
        yield "  ".join(
            text.ljust(size) if place in (0, len(row) - 1) else
            text.rjust(size)
            for place, (text, size) in enumerate(zip(row, width))).rstrip()


def slowest(group):
    """'apply, 46 % of a commit', or None without histograms of stages."""
    sums = histogram.stages([row.data for row in group])
    whole = sum(sums.values())
    if not whole:
        return None
    stage = max(sums, key=sums.get)
    return f"{stage}, {100 * sums[stage] / whole:.0f} % of a commit"


def grown(first, second):
    """The stage whose time per message grew most from A to B, if by 5 %."""
    def cost(group):
        messages = sum(rows.values(group, "messages"))
        sums = histogram.stages([row.data for row in group])
        return {name: one / messages for name, one in sums.items()
                if messages}
    before, after = cost(first), cost(second)
    steps = {name: after[name] - before[name]
             for name in after if name in before}
    stage = max(steps, key=steps.get, default=None)
    if stage is None or after[stage] <= before[stage] * (1 + stats.BOUND):
        return None
    return (f"{stage}, {before[stage] * 1e6:.4g} to {after[stage] * 1e6:.4g} "
            "ms per million messages")


def heading(letter, name, group, void):
    commits = ", ".join(dict.fromkeys(row.commit[:10] for row in group))
    left = f", {void} void left out" if void else ""
    return f"{letter}: {name}, {len(group)} rows{left}, commit {commits}"


def show(names, groups, voids, table, out):
    first, second = groups
    held = rows.conditions(first[0])
    for letter, name, group, void in zip("AB", names, groups, voids):
        print(heading(letter, name, group, void), file=out)
    print(f"workload {held['workload']['name']}, broker "
          f"{held['broker']['version']}, machine {held['machine']['digest']}; "
          f"ratios are B to A, interval {100 * (1 - stats.LEVEL):.0f} %\n",
          file=out)
    head = ("metric", "A median", "B median", "ratio", "interval", "pairs",
            "verdict")
    for line in lines([head] + [cells(*one) for one in table]):
        print(line, file=out)
    for letter, group in zip("AB", groups):
        stage = slowest(group)
        if stage:
            print(f"slowest stage of {letter}: {stage}", file=out)
    stage = grown(first, second)
    if stage:
        print(f"stage that grew most: {stage}", file=out)


def status(table, strict, out):
    """1 if a gated metric is wholly worse, 2 if --strict and unstable."""
    gated = [(metric, result) for metric, _, _, result in table
             if metric in rows.GATED]
    worse = [metric for metric, result in gated
             if result.wholly_worse(rows.higher_is_better(metric))]
    if worse:
        print(f"GATE: {', '.join(worse)} wholly worse than "
              f"{100 * stats.BOUND:.0f} %", file=out)
        return 1
    unstable = [metric for metric, result in gated
                if result.verdict == "unstable"]
    if unstable:
        print(f"unstable: {', '.join(unstable)}: more rounds or less noise "
              "are needed", file=out)
    return 2 if unstable and strict else 0


def parse(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a", metavar="A")
    parser.add_argument("b", metavar="B")
    parser.add_argument("--metric", action="append", metavar="NAME",
                        help="also NAME_per_million and latency_ms.p99")
    parser.add_argument("--results", action="append", metavar="FILE")
    parser.add_argument("--workload", metavar="NAME")
    parser.add_argument("--strict", action="store_true")
    try:
        return parser.parse_args(arguments)
    except SystemExit as end:
        raise SystemExit(64 if end.code else 0) from None


def run(options, out):
    found = rows.read(options.results or sorted(glob.glob(RESULTS)))
    first, void_a = choose(found, options.a, options.workload)
    second, void_b = choose(found, options.b, options.workload)
    refuse_others(first, second)
    table = compare(first, second, options.metric or METRICS)
    if not table:
        raise Refusal(65, "no round has valid rows of both with such a metric")
    show((options.a, options.b), (first, second), (void_a, void_b), table, out)
    return status(table, options.strict, out)


def main(arguments, out=sys.stdout, err=sys.stderr):
    try:
        return run(parse(arguments), out)
    except Refusal as refusal:
        print(f"compare: {refusal}", file=err)
        return refusal.status
    except (record.RecordError, OSError) as error:
        print(f"compare: {error}", file=err)
        return 65


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
