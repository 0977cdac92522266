"""Rows that may be compared, and which of them a report draws."""

import rows

COLOURS = 8  # Labels beyond that are in tables only.


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
