"""The sections of a report, in the order in which people look.

A section draws the rows of one bed and returns HTML; it raises bed.Missing with
the reason where there is nothing to draw.
"""

from pieces import table
from plots_bars import against_raw, cost, memory
from plots_capacity import capacity
from plots_history import history
from plots_latency import latency
from plots_time import rate_and_lag


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
