"""Latency by percentile, and p50 and p99 of each round."""

import math
import statistics

import histogram
import rows
import svg
from bed import Missing
from pieces import beside, number, plain, spread, table


PERCENTILES = (0.5, 0.9, 0.99, 0.999, 0.9999)
LIMIT_MS = 350


def merged(held):
    """The latency histogram of all rounds: buckets are added, not averaged."""
    found = [row.data["histograms"]["latency_ms"] for row in held
             if "latency_ms" in row.data.get("histograms", {})]
    return histogram.merge(found)


def counted(held):
    one = merged(held)
    return bool(one and sum(one["counts"]))


def curve(one):
    """(x, ms) by percentile; x is -log10(1 - share), up to the last sample."""
    last = math.log10(sum(one["counts"]))
    end = min(last, -math.log10(1 - PERCENTILES[-1]))
    places = [end * step / 120 for step in range(3, 121)]
    return [(x, histogram.quantile(one, 1 - 10 ** -x)) for x in places]


def latency(bed):
    drawn = bed.drawn(counted)
    if not drawn:
        raise Missing("no row has a histogram of latencies with equal buckets")
    curves = [(label, kind, curve(merged(held)))
              for label, held, kind in drawn]
    seen = [ms for *_, points in curves for _, ms in points if ms > 0]
    if not seen:
        raise Missing("all latencies are 0")
    y = svg.Log(min(seen), max(*seen, LIMIT_MS))
    names = {-math.log10(1 - p): f"p{100 * p:g}" for p in PERCENTILES}
    chart = svg.Chart(svg.Named(names, 0, max(names) + 0.1), y,
                      "Latency by percentile", y_name="ms, log", height=300,
                      x_name="percentile of messages", format_y=plain)
    for label, kind, points in curves:
        chart.line(points, kind, label)
    chart.level(LIMIT_MS, f"objective: p99 at most {LIMIT_MS} ms")
    lines = [(label, *(spread(rows.values(held, f"latency_ms.p{p}"))
                       for p in (50, 99)),
              number(histogram.quantile(merged(held), 0.999)),
              f"{sum(merged(held)['counts']):,}")
             for label, held, _ in drawn]
    return beside([chart, quantiles(drawn)], [table(
        ("row", "p50 ms: median of rounds (range)", "p99 ms",
         "p99.9 of all rounds", "messages timed"), lines)],
        [(label, kind) for label, _, kind in drawn])


def quantiles(drawn):
    """p50 and p99 of each round, with the range of rounds."""
    found = [(label, kind, *(rows.values(held, f"latency_ms.p{p}")
                             for p in (50, 99)))
             for label, held, kind in drawn]
    seen = [one for *_, p50, p99 in found for one in p50 + p99 if one > 0]
    chart = svg.bars([label for label, *_ in found],
                     svg.Log(min(seen), max(seen)), "p50 and p99 by round",
                     "p50 (left) and p99 (right) of each round, ms, log")
    for place, (label, kind, p50, p99) in enumerate(found):
        chart.bar(-place, statistics.median(p50), statistics.median(p99),
                  kind + " faint", f"{label}: median p50 to median p99", 6)
        for name, held in (("p50", p50), ("p99", p99)):
            for one in held:
                chart.dot(one, -place, kind, f"{label} {name}: {one:.0f} ms",
                          3.5)
    return chart
