"""Plots of bars: rates against raw, CPU by part, memory."""

import statistics

import rows
import stats
import svg
from bed import Missing
from pieces import beside, number, spread, table
from plots_time import over_time

PARTS = (("system", "cpu_seconds_per_million"),
         ("broker", "broker_cpu_seconds_per_million"),
         ("feed", "feed_cpu_seconds_per_million"))


def against_raw(bed):
    """Rates as shares of raw's, in pairs of a round."""
    if bed.raw is None:
        raise Missing("no row of the system raw to compare with")
    base = bed.labels[bed.raw]
    found = {label: stats.compare(rows.pairs(base, held, "rate"), True)
             for label, held in bed.labels.items() if label != bed.raw}
    found = {label: one for label, one in found.items() if one.pairs}
    if not found:
        raise Missing("no round has a rate of raw and of another row")
    most = max([1] + [one.high or one.ratio for one in found.values()])
    names = [bed.raw, *found]
    chart = svg.bars(names, svg.Linear(0, 100 * most),
                     "Rates in percent of raw", "% of raw's rate")
    chart.bar(0, 0, 100, "raw", f"{bed.raw}: 100 %")
    for place, (label, one) in enumerate(found.items(), 1):
        chart.bar(-place, 0, 100 * one.ratio, bed.kinds.get(label, "raw"),
                  f"{label}: {100 * one.ratio:.0f} %")
        if one.low is not None:
            chart.whisker(-place, 100 * one.low, 100 * one.high)
    lines = [(bed.raw, spread(rows.values(base, "rate"), 1e-6), "100", "", "")]
    for label, one in found.items():
        ends = ("too few pairs" if one.low is None else
                f"{100 * one.low:.0f} to {100 * one.high:.0f}")
        lines.append((label,
                      spread(rows.values(bed.labels[label], "rate"), 1e-6),
                      f"{100 * one.ratio:.0f}", ends, one.pairs))
    return beside([chart], [table(
        ("row", "M messages/s: median (range)", "% of raw", "98 % interval",
         "pairs"), lines)])


def cost(bed):
    """CPU a message by who spends it."""
    found = {label: [rows.median(held, metric) for _, metric in PARTS]
             for label, held in bed.labels.items()}
    found = {label: parts for label, parts in found.items()
             if parts[0] is not None}
    if not found:
        raise Missing("no row has CPU seconds")
    most = max(sum(part or 0 for part in parts) for parts in found.values())
    chart = svg.bars(list(found), svg.Linear(0, most * 1.08),
                     "CPU a message by part", "µs of CPU a message")
    for place, (label, parts) in enumerate(found.items()):
        start = 0.0
        for index, ((name, _), part) in enumerate(zip(PARTS, parts)):
            if part:
                chart.bar(-place, start, start + part, f"part{index}",
                          f"{label}, {name}: {part:.3g} µs")
                start += part
        chart.text(chart.px(start) + 5, chart.py(-place) + 4, f"{start:.2f}")
    lines = [(label, *map(number, parts),
              number(sum(part or 0 for part in parts)))
             for label, parts in found.items()]
    keys = [(name, f"part{index}") for index, (name, _) in enumerate(PARTS)]
    return beside([chart], [table(
        ("row", "system", "broker", "feed", "all, µs a message"), lines)],
        keys)


def memory(bed):
    found = {label: rows.values(held, "rss_peak_bytes")
             for label, held in bed.labels.items()}
    found = {label: seen for label, seen in found.items() if seen}
    if not found:
        raise Missing("no row has its memory")
    most = max(max(seen) for seen in found.values()) / 1e6
    chart = svg.bars(list(found), svg.Linear(0, most), "Peak memory",
                     "peak RSS, MB: median and range")
    for place, (label, seen) in enumerate(found.items()):
        middle = statistics.median(seen) / 1e6
        chart.bar(-place, 0, middle, bed.kinds.get(label, "raw"),
                  f"{label}: {middle:.0f} MB")
        chart.whisker(-place, min(seen) / 1e6, max(seen) / 1e6)
    charts = [chart]
    timed = over_time(bed, "rss_bytes", "Memory over time", "RSS, bytes")
    if timed:
        charts.append(timed[0])
    lines = [(label, spread(seen, 1e-6)) for label, seen in found.items()]
    return beside(charts, [table(("row", "peak RSS, MB: median (range)"),
                                 lines)],
                  [(label, kind) for label, _, kind in timed[1]]
                  if timed else ())
