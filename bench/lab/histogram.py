"""Histograms as records have them: {bounds, counts}, the last count open."""

STAGE_PREFIX = "commit_"
STAGE_TOTAL = "commit_total_ms"


def merge(histograms):
    """The sum of histograms, or None if there is none or bounds differ."""
    bounds = {tuple(one["bounds"]) for one in histograms}
    if len(bounds) != 1:
        return None
    counts = [sum(column) for column in
              zip(*(one["counts"] for one in histograms))]
    return {"bounds": list(bounds.pop()), "counts": counts}


def edges(histogram):
    """(from, to, count) of each bucket; the open one ends where it begins."""
    low = min(0, histogram["bounds"][0])
    highs = histogram["bounds"] + histogram["bounds"][-1:]
    for high, count in zip(highs, histogram["counts"]):
        yield low, high, count
        low = high


def quantile(histogram, share):
    """Linear inside a bucket; None where nothing was counted."""
    total = sum(histogram["counts"])
    if total == 0:
        return None
    wanted, below = share * total, 0
    for low, high, count in edges(histogram):
        if count and below + count >= wanted:
            return low + (high - low) * (wanted - below) / count
        below += count
    return histogram["bounds"][-1]


def total(histogram):
    """About the sum of all values: each as the middle of its bucket."""
    return sum((low + high) / 2 * count
               for low, high, count in edges(histogram))


def stages(records):
    """Milliseconds by stage of a commit, summed over records."""
    sums = {}
    for record in records:
        for name, one in record.get("histograms", {}).items():
            if name.startswith(STAGE_PREFIX) and name != STAGE_TOTAL:
                stage = name.removeprefix(STAGE_PREFIX).removesuffix("_ms")
                sums[stage] = sums.get(stage, 0) + total(one)
    return sums
