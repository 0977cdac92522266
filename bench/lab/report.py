"""Results as one HTML file that needs no network and no scripts.

    python3 report.py RESULTS... --out report.html [--capacity FILE]...
"""

import argparse
import json
import sys

import plots
import record
import rows
from svg import escape

CSS = """
:root { --page: #fcfcfb; --ink: #1c1c1a; --soft: #63625e; --line: #e4e3df;
  --bad: #b3261e; --raw: #8f8e88; --s0: #2a78d6; --s1: #e0602a; --s2: #18996b;
  --s3: #c48400; --s4: #d0508a; --s5: #00800a; --s6: #4a3aa7; --s7: #d23c3b;
  --part0: #4a3aa7; --part1: #8f84d8; --part2: #ccc7ee; }
@media (prefers-color-scheme: dark) { :root { --page: #1a1a19;
  --ink: #f2f1ed; --soft: #a9a8a2; --line: #383835; --bad: #f2867e;
  --raw: #85847e; --s0: #4a90e8; --s1: #e4703c; --s2: #22a878; --s3: #cf9416;
  --s4: #dd6a9c; --s5: #3ba344; --s6: #9085e9; --s7: #e66767;
  --part0: #a79df5; --part1: #7166c4; --part2: #463d86; } }
:root { color-scheme: light dark; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px 20px 60px; max-width: 1240px;
  background: var(--page); color: var(--ink);
  font: 15px/1.45 system-ui, "DejaVu Sans", sans-serif; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 20px;
  margin: 44px 0 4px; padding-top: 14px; border-top: 2px solid var(--line); }
h3 { font-size: 16px; margin: 30px 0 8px; }
p { margin: 4px 0 10px; } .note, .facts { color: var(--soft); }
.void { color: var(--bad); font-weight: 600; }
.pair { display: grid; gap: 10px 32px; align-items: start; }
.pair > div { min-width: 0; }
@media (min-width: 1020px) { .pair {
  grid-template-columns: minmax(0, 13fr) minmax(0, 11fr); } }
figure { margin: 0 0 12px; } svg { display: block; width: 100%; height: auto;
  max-width: 720px; font: 12px system-ui, "DejaVu Sans", sans-serif; }
.table { overflow-x: auto; margin-bottom: 14px; } table { border-collapse:
  collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 12px 4px 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); white-space: nowrap; }
td.long { white-space: normal; min-width: 240px; }
th { white-space: normal; color: var(--soft); font-weight: 600; vertical-align: bottom; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 16px;
  margin: 0 0 6px; padding: 0; font-size: 13px; }
.key { display: inline-block; width: 11px; height: 11px; margin-right: 6px;
  border-radius: 2px; background: var(--c); }
svg text { fill: var(--ink); } svg .name, svg .note { fill: var(--soft); }
svg .note { font-size: 11px;
  paint-order: stroke; stroke: var(--page); stroke-width: 3px; } .grid { stroke: var(--line); }
.mark { stroke: var(--soft); stroke-dasharray: 4 3; }
.whisker { stroke: var(--ink); stroke-width: 1.5; fill: none; }
rect, .dot { fill: var(--c); } .dot { stroke: var(--page); }
.faint { opacity: .35; }
.line { stroke: var(--c); stroke-width: 2; fill: none;
  stroke-linejoin: round; } .thin { stroke-width: 1.25; }
.dashed { stroke-dasharray: 2 4; }
""" + "".join(f".{name} {{ --c: var(--{name}); }}\n" for name in
              ["raw"] + [f"s{i}" for i in range(plots.COLOURS)]
              + [f"part{i}" for i in range(len(plots.PARTS))])

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
    except plots.Missing as reason:
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
        yield plots.Bed(held, mine, metric)


def page(found, capacities=(), metric=rows.GATED[0]):
    valid = sum(row.data["valid"] for row in found)
    intro = (f"<p>{len(found)} rows, {len(found) - valid} of them void. Only "
             "rows of one machine, broker and workload share a chapter; each "
             "row is drawn at the commit that was measured last.</p>")
    body = intro + "\n".join(map(chapter, beds(found, capacities, metric)))
    data = {"rows": [row.data for row in found], "capacity": list(capacities)}
    return PAGE.format(title="tacho: results of the lab", css=CSS, body=body,
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
