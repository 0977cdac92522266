"""Results as one HTML file that needs no network and no scripts.

    python3 report.py RESULTS... --out report.html [--capacity FILE]...
"""

import argparse
import json
import os
import sys

import plots
import record
import rows
from bed import Bed, Missing
from svg import escape

STYLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "report.css")

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title><style>{css}</style></head><body>
<h1>{title}</h1>
{body}
<script type="application/json" id="results">{data}</script>
</body></html>
"""


def facts(row):
    """What a bed is, in one paragraph."""
    data = row.data
    machine = data["machine"]
    libraries = ", ".join(f"{name} {version}" for name, version
                          in sorted(data["libraries"].items()))
    parts = (f"Machine {machine['digest']}: {machine['cpu']}, "
             f"{machine['cores']:g} cores, "
             f"{machine['memory_bytes'] / 2 ** 30:.0f} GiB, "
             f"kernel {machine['kernel']}",
             f"hypervisor {machine.get('hypervisor') or 'none known'}",
             f"Kafka {data['broker']['version']}", libraries)
    return "; ".join(filter(None, parts)) + "."


def section(title, draw, bed):
    try:
        body = draw(bed)
    except Missing as reason:
        body = f'<p class="note">Left out: {escape(reason)}.</p>'
    return f"<section><h3>{escape(title)}</h3>{body}</section>"


def chapter(bed):
    first = bed.all[0]
    workload = first.data["workload"]
    head = (f"<h2>Workload {escape(workload['name'])}</h2>"
            f'<p class="facts">{escape(facts(first))}</p>')
    if not bed.valid:
        return head + plots.void_rows(bed)
    return (head + plots.rows_table(bed) + plots.void_rows(bed)
            + "".join(section(title, draw, bed)
                      for title, draw in plots.SECTIONS))


def embedded(value):
    """JSON that no tag inside a text can end."""
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def beds(found, capacities, metric):
    """A bed each; a capacity search belongs to its workload's first one."""
    left = list(capacities)
    for held in rows.by(found, rows.bed).values():
        name = held[0].data["workload"]["name"]
        mine = [one for one in left if one["workload"] == name]
        left = [one for one in left if one["workload"] != name]
        yield Bed(held, mine, metric)


def page(found, capacities=(), metric=rows.GATED[0]):
    valid = sum(row.data["valid"] for row in found)
    intro = (f"<p>{len(found)} rows, {len(found) - valid} of them void. Only "
             "rows of one machine, broker and workload share a chapter; each "
             "row is drawn at the commit that was measured last.</p>")
    body = intro + "\n".join(map(chapter, beds(found, capacities, metric)))
    data = {"rows": [row.data for row in found], "capacity": list(capacities)}
    with open(STYLE, encoding="utf-8") as file:
        style = file.read()
    return PAGE.format(title="tacho: results of the lab", css=style, body=body,
                       data=embedded(data))


def read_capacities(paths):
    found = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            found += [json.loads(line) for line in filter(str.strip, file)]
    return found


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="+", metavar="RESULTS")
    parser.add_argument("--out", required=True, metavar="FILE")
    parser.add_argument("--capacity", action="append", default=[],
                        metavar="FILE", help="what capacity.report() gave, "
                                             "one JSON object a line")
    parser.add_argument("--metric", default=rows.GATED[0],
                        help="the one that History shows")
    options = parser.parse_args(arguments)
    try:
        found = rows.read(options.results)
        text = page(found, read_capacities(options.capacity), options.metric)
    except (record.RecordError, OSError, ValueError) as error:
        print(f"report: {error}", file=sys.stderr)
        return 65
    with open(options.out, "w", encoding="utf-8") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
