"""Series over time, with what happened when."""

import statistics

import rows
import svg
from bed import Missing
from pieces import beside, table, whole


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
