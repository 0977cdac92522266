"""The sections of a report: each draws rows of one bed, or says why not.

A section returns HTML; it raises Missing with the reason where there is nothing
to draw.
"""

import math
import statistics

import histogram
import rows
import stats
import svg

COLOURS = 8  # Labels beyond that are in tables only.
PERCENTILES = (0.5, 0.9, 0.99, 0.999, 0.9999)
LIMIT_MS = 350
PARTS = (("system", "cpu_seconds_per_million"),
         ("broker", "broker_cpu_seconds_per_million"),
         ("feed", "feed_cpu_seconds_per_million"))


class Missing(Exception):
    """Why a section is left out."""


def rank(system, label):
    """Raw, then tacho, then the others: the same in every report."""
    first = ("raw", "tacho")
    return (first.index(system) if system in first else len(first), label)


class Bed:
    """Rows of one machine, broker and workload; which of them are drawn."""

    def __init__(self, found, capacities=(), metric=rows.GATED[0]):
        self.all = found
        self.valid = [row for row in found if row.data["valid"]]
        self.void = [row for row in found if not row.data["valid"]]
        self.capacities, self.metric = capacities, metric
        self.labels = self.newest()
        self.raw = next((label for label, held in self.labels.items()
                         if held[0].data["row"]["system"] == "raw"), None)
        others = [label for label in self.labels if label != self.raw]
        self.kinds = {label: f"s{place}"
                      for place, label in enumerate(others[:COLOURS])}
        if self.raw:
            self.kinds[self.raw] = "raw"

    def newest(self):
        """Valid rows by label, of the commit that was measured last."""
        found = {}
        for label, held in rows.by(self.valid, lambda row: row.label).items():
            last = max(held, key=lambda row: row.data["time"]).commit
            found[label] = [row for row in held if row.commit == last]
        return dict(sorted(found.items(), key=lambda item: rank(
            item[1][0].data["row"]["system"], item[0])))

    def drawn(self, test):
        """(label, rows, class) of labels that have a colour and the data."""
        return [(label, held, self.kinds[label])
                for label, held in self.labels.items()
                if label in self.kinds and test(held)]


def number(value, digits=3):
    if value is None:
        return ""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:#.{digits}g}".rstrip(".")


def whole(value):
    return "" if value is None else f"{value:,.0f}"


def spread(found, scale=1.0):
    """'2.1 (1.9 to 2.3)' of values, or nothing."""
    if not found:
        return ""
    middle = number(statistics.median(found) * scale)
    return (f"{middle} ({number(min(found) * scale)} to "
            f"{number(max(found) * scale)})")


def table_cell(value):
    kind = ' class="long"' if len(str(value)) > 32 else ""
    return f"<td{kind}>{svg.escape(value)}</td>"


def table(head, lines):
    cells = "".join(f"<th>{svg.escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(map(table_cell, line)) + "</tr>"
                   for line in lines)
    return (f'<div class="table"><table><thead><tr>{cells}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>")


def legend(entries):
    keys = "".join(f'<li><i class="key {kind}"></i>{svg.escape(name)}</li>'
                   for name, kind in entries)
    return f'<ul class="legend">{keys}</ul>'


def beside(charts, tables, keys=(), kind="pair"):
    drawn = "".join(f"<figure>{chart.svg()}</figure>" for chart in charts)
    return (f'<div class="{kind}"><div>{legend(keys) if keys else ""}{drawn}'
            f'</div><div>{"".join(tables)}</div></div>')


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


def plain(value):
    return f"{value:g}"


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


def typical(held, series):
    """The row with the middle rate, of those that have a series."""
    kept = sorted((row for row in held if row.data.get("series", {}).get(
        series)), key=lambda row: rows.value(row, "rate") or 0)
    return kept[len(kept) // 2] if kept else None


def over_time(bed, series, title, y_name, format_y=svg.short):
    """(chart, [(label, row, class)]) of a series, with marks; or None."""
    drawn = [(label, typical(held, series), kind) for label, held, kind
             in bed.drawn(lambda held: typical(held, series))]
    if not drawn:
        return None
    points = {label: row.data["series"][series] for label, row, _ in drawn}
    times = [t for held in points.values() for t, _ in held]
    values = [value for held in points.values() for _, value in held]
    chart = svg.Chart(svg.Linear(min(0, *times), max(times), 8),
                      svg.Linear(min(0, *values), max(values), 4), title,
                      x_name="seconds", y_name=y_name, format_y=format_y,
                      height=220)
    for label, _, kind in drawn:
        chart.line(points[label], kind, label)
    for place, (t, text) in enumerate(marks(drawn)):
        chart.mark(t, text, place % 3)
    return chart, drawn


def marks(drawn):
    """Marks of the rows drawn; what several rows share has no name before."""
    held = {}
    for label, row, _ in drawn:
        for t, text in row.data.get("marks", ()):
            held.setdefault((t, text), []).append(label)
    return [(t, text if len(labels) > 1 or len(drawn) == 1 else
             f"{labels[0]}: {text}")
            for (t, text), labels in sorted(held.items())]


def rate_and_lag(bed):
    found = [over_time(bed, "rate", "Rate over time", "messages/s"),
             over_time(bed, "lag", "Lag over time", "lag, messages")]
    kept = [one for one in found if one]
    if not kept:
        raise Missing("no row has a series of rates or of lag")
    drawn = max((one[1] for one in kept), key=len)
    lines = []
    for label, row, _ in drawn:
        series = row.data["series"]
        lag = [value for _, value in series.get("lag", ())]
        rates = [value for _, value in series.get("rate", ())]
        events = "; ".join(f"{t:g} s {text}"
                           for t, text in row.data.get("marks", ()))
        lines.append((label, row.data["round"],
                      whole(statistics.median(rates) if rates else None),
                      whole(max(lag, default=None)),
                      whole(lag[-1] if lag else None), events))
    return beside([one[0] for one in kept], [table(
        ("row", "round drawn", "median rate", "most lag", "last lag", "marks"),
        lines)], [(label, kind) for label, _, kind in drawn])


def ideal(points):
    """What as much for each core as the fewest cores bear would be."""
    cores, load = points[0]
    return [(0, 0)] + [(other, load / cores * other) for other, _ in points]


def capacity_kinds(bed, found):
    """Colours of the rows' labels, and unused ones for others."""
    spare = iter(f"s{place}" for place in range(COLOURS)
                 if f"s{place}" not in bed.kinds.values())
    return [bed.kinds.get(one["label"]) or next(spare, "raw")
            for one in found]


def capacity_chart(found, kinds):
    xs = [cores for one in found for cores, _ in one["capacity"]]
    ys = [load for one in found for _, load in ideal(one["capacity"])
          + one["capacity"]]
    chart = svg.Chart(svg.Linear(0, max(xs)), svg.Linear(0, max(ys) or 1),
                      "Capacity by cores", x_name="cores",
                      y_name="capacity, messages/s", format_x=plain)
    for one, kind in zip(found, kinds):
        chart.line(ideal(one["capacity"]), kind + " thin dashed",
                   f"{one['label']}, ideal")
        chart.line(one["capacity"], kind, one["label"])
        for cores, load in one["capacity"]:
            chart.dot(cores, load, kind, f"{one['label']}: {load:,.0f} "
                                         f"messages/s on {cores:g} cores")
    return chart


def demand_chart(found, kinds):
    pairs = [pair for one in found for pair in one["demand"]]
    borne = [cores for _, cores in pairs if cores is not None]
    if not borne:
        return None
    chart = svg.Chart(svg.Linear(0, max(load for load, _ in pairs)),
                      svg.Linear(0, max(borne), 4), "Demand by load",
                      x_name="load, messages/s", y_name="demand, cores",
                      format_y=plain, height=200)
    for one, kind in zip(found, kinds):
        chart.line(one["demand"], kind, one["label"], steps=True)
        for load, cores in one["demand"]:
            if cores is not None:
                chart.dot(load, cores, kind, f"{one['label']}: {cores:g} cores "
                                             f"for {load:,.0f} messages/s")
    return chart


def capacity(bed):
    found = [one for one in bed.capacities if one["capacity"]]
    if not found:
        raise Missing("no capacity search of this workload (--capacity FILE)")
    lines = [(one["label"], f"{cores:g}", f"{load:,.0f}" + (
        " or more" if cores in one["at_limit"] else ""))
        for one in found for cores, load in one["capacity"]]
    needs = [(one["label"], f"{load:,.0f}",
              "more" if cores is None else f"{cores:g}")
             for one in found for load, cores in one["demand"]]
    kinds = capacity_kinds(bed, found)
    charts = [capacity_chart(found, kinds), demand_chart(found, kinds)]
    return beside([chart for chart in charts if chart], [
        table(("row", "cores", "capacity, messages/s"), lines),
        table(("row", "load, messages/s", "demand, cores"), needs),
        '<p class="note">Dotted: the load of the fewest cores, times the '
        "cores. Demand: the least cores tried that bear the load.</p>"],
        [(one["label"], kind) for one, kind in zip(found, kinds)])


def history(bed):
    """Medians of a metric by commit, with the middle half of the rounds."""
    metric = bed.metric
    first = {}
    for row in sorted(bed.valid, key=lambda row: row.data["time"]):
        first.setdefault(row.commit, len(first))
    found = {}
    for (label, commit), held in rows.by(
            bed.valid, lambda row: (row.label, row.commit)).items():
        seen = rows.values(held, metric)
        if seen and label in bed.kinds:
            found.setdefault(label, {})[commit] = seen
    found = {label: found[label] for label in bed.labels if label in found}
    if len(first) < 2 or not found:
        raise Missing(f"{metric} was measured at fewer than two commits")
    shares = {label: of_oldest(first, held) for label, held in found.items()}
    every = [one for held in shares.values() for seen in held.values()
             for one in seen]
    names = {place: commit[:7] for commit, place in first.items()}
    chart = svg.Chart(svg.Named(names, -0.3, len(first) - 0.7),
                      svg.Linear(min(every), max(every)),
                      f"{metric} by commit", x_name="commit, oldest first",
                      y_name=f"{metric}, % of the oldest commit",
                      format_y=plain)
    for label, held in shares.items():
        draw_history(chart, label, bed.kinds[label], first, held)
    better = "more" if rows.higher_is_better(metric) else "less"
    return beside([chart], [history_table(first, found),
                            f'<p class="note">{better} is better; in brackets '
                            "the change from the commit before, of medians "
                            "that are not paired.</p>"],
                  [(label, bed.kinds[label]) for label in found], "stack")


def of_oldest(first, held):
    """Values by commit in percent of the median of the row's oldest."""
    base = statistics.median(held[min(held, key=first.get)]) or 1
    return {commit: [100 * one / base for one in seen]
            for commit, seen in held.items()}


def draw_history(chart, label, kind, first, held):
    order = sorted(held, key=first.get)
    chart.line([(first[commit], statistics.median(held[commit]))
                for commit in order], kind, label)
    for commit in order:
        seen = held[commit]
        middle = statistics.median(seen)
        if len(seen) > 2:
            low, _, high = statistics.quantiles(seen, method="inclusive")
            chart.stem(first[commit], low, high, kind)
        chart.dot(first[commit], middle, kind,
                  f"{label} {commit[:7]}: {middle:.1f} %, {len(seen)} rounds")


def history_table(first, found):
    lines, before = [], {}
    for commit in first:
        line = [commit[:7]]
        for label, held in found.items():
            text = ""
            if commit in held:
                middle = statistics.median(held[commit])
                text = number(middle)
                if before.get(label):
                    change = 100 * (middle / before[label] - 1)
                    text += f" ({change:+.1f} %)"
                before[label] = middle
            line.append(text)
        lines.append(line)
    return table(("commit", *found), lines)


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


def void_rows(bed):
    if not bed.void:
        return '<p class="note">No row is void.</p>'
    lines = [(row.data["time"], row.data["round"], row.label, row.commit[:10],
              "; ".join(row.data["void_reasons"])) for row in bed.void]
    return (f'<p class="void">{len(bed.void)} of {len(bed.all)} rows are void: '
            "they are in no figure below.</p>"
            + table(("time", "round", "row", "commit", "why it is void"),
                    lines))


def rows_table(bed):
    """What the figures are of."""
    lines = []
    for label, held in bed.labels.items():
        source = held[0].data["source"]
        void = sum(row.label == label and row.commit == held[0].commit
                   for row in bed.void)
        lines.append((label, held[0].data["row"]["system"],
                      source["commit"][:10]
                      + (" and changes" if source.get("dirty") else ""),
                      source.get("build", ""), len(held), void,
                      max(row.data["time"] for row in held)))
    return table(("row", "system", "commit", "build", "rounds", "void",
                  "measured last"), lines)


SECTIONS = (("Rates against raw", against_raw),
            ("CPU a message, by part", cost),
            ("Latency", latency),
            ("Rate and lag over time", rate_and_lag),
            ("Capacity and demand", capacity),
            ("History", history),
            ("Memory", memory))
