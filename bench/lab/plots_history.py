"""A metric by commit."""

import statistics

import rows
import svg
from bed import Missing
from pieces import beside, number, plain, table


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
