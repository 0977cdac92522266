"""Pieces of the report's page: texts of numbers, tables, legends."""

import statistics

import svg


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


def plain(value):
    return f"{value:g}"


def table(head, lines):
    cells = "".join(f"<th>{svg.escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(map(table_cell, line)) + "</tr>"
                   for line in lines)
    return (f'<div class="table"><table><thead><tr>{cells}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>")


def table_cell(value):
    kind = ' class="long"' if len(str(value)) > 32 else ""
    return f"<td{kind}>{svg.escape(value)}</td>"


def legend(entries):
    keys = "".join(f'<li><i class="key {kind}"></i>{svg.escape(name)}</li>'
                   for name, kind in entries)
    return f'<ul class="legend">{keys}</ul>'


def beside(charts, tables, keys=(), kind="pair"):
    drawn = "".join(f"<figure>{chart.svg()}</figure>" for chart in charts)
    return (f'<div class="{kind}"><div>{legend(keys) if keys else ""}{drawn}'
            f'</div><div>{"".join(tables)}</div></div>')
