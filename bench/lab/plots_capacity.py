"""Capacity by cores and demand by load."""

import svg
from bed import COLOURS, Missing
from pieces import beside, plain, table


def capacity_kinds(bed, found):
    """Colours of the rows' labels, and unused ones for others."""
    spare = iter(f"s{place}" for place in range(COLOURS)
                 if f"s{place}" not in bed.kinds.values())
    return [bed.kinds.get(one["label"]) or next(spare, "raw")
            for one in found]


def ideal(points):
    """What as much for each core as the fewest cores bear would be."""
    cores, load = points[0]
    return [(0, 0)] + [(other, load / cores * other) for other, _ in points]


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
