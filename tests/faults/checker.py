"""Says what is wrong with the history of a run: check(history) -> violations.

Each rule looks at one thing and names it in its violations:

  outputs      every sink, per partition, is exactly what the model writes for
               the input below the committed offset: same records, same order
  observed     a reader during the run saw a prefix of the final log
  open         no transaction is open at the end
  offsets      no committed offset of the group ever went back, and all input
               is below the last ones
  epochs       the commits of the group and the meta records of the changelog
               are the same epochs: same number, writer and offset, in order
  changelog    after every epoch the changelog holds the model's state
  owner        every meta record, marker and committed offset says whose it is
  store        every RocksDB directory holds the model's state at the offset
               of its marker; one of each partition is at the committed offset
  ledger       input = rejects + filtered + late + counted in windows
"""

import json
from collections import Counter

import formats
from history import SINKS, Violation
from model import ANYTHING, Lane

MAX_PER_RULE = 5  # Violations of one rule and place; the rest is counted.
WHOLE_EVERY = 50  # Epochs between looks at the whole state of a lane.


class Report:
    def __init__(self):
        self.violations = []
        self._counts = Counter()

    def add(self, rule, where, what):
        self._counts[rule, where] += 1
        if self._counts[rule, where] <= MAX_PER_RULE:
            self.violations.append(Violation(rule, where, what))

    def finish(self):
        for (rule, where), count in self._counts.items():
            if count > MAX_PER_RULE:
                self.violations.append(Violation(
                    rule, where, f"and {count - MAX_PER_RULE} more"))
        return self.violations


def check(history):
    report = Report()
    check_open(history, report)
    check_offsets(history, report)
    check_observed(history, report)
    for partition in range(len(history.input)):
        LaneCheck(history, partition, report).run()
    return report.finish()


def check_open(history, report):
    for (topic, partition), (committed, high) in history.ends.items():
        if committed != high:
            report.add("open", f"{topic}-{partition}",
                       f"read_committed ends at {committed}, the log at {high}")


def check_offsets(history, report):
    for partition, commits in enumerate(history.commits):
        where = f"{history.topic}-{partition}"
        last = -1
        for commit in commits:
            if commit.offset < last:
                report.add("offsets", where,
                           f"went back from {last} to {commit.offset}")
            last = commit.offset
        log = history.input[partition]
        if log and last <= log[-1].offset:
            report.add("offsets", where, f"committed {last}, the last input "
                       f"is at {log[-1].offset}")
        end = history.ends.get((history.topic, partition), (None, last))[1]
        for commit in commits:
            if commit.offset > end:
                report.add("offsets", where,
                           f"jumped to {commit.offset}, past the end {end}")


def digest(record):
    """What a reader remembers of a record."""
    return hash((record.key, record.value))


def check_observed(history, report):
    for sink, partitions in history.observed.items():
        for partition, seen in enumerate(partitions):
            log = history.outputs[sink][partition]
            final = [(r.offset, digest(r)) for r in log]
            if seen != final[: len(seen)]:
                at = next((i for i, pair in enumerate(seen)
                           if final[i : i + 1] != [pair]), 0)
                report.add("observed", f"{sink}-{partition}",
                           f"at its record {at} a reader saw offset "
                           f"{seen[at][0]}, which the log does not have there")


class LaneCheck:
    """One partition: runs the model along the epochs of its changelog."""

    def __init__(self, history, partition, report):
        self.history = history
        self.partition = partition
        self.where = f"partition {partition}"
        self.report = report
        self.model = Lane(history.job, history.topic, partition)
        self.log = history.input[partition]
        self.next = 0  # Index into the log.
        self.names = {}  # Table tag -> name.
        commits = history.commits[partition]
        self.committed = commits[-1].offset if commits else 0
        self.stores = {}  # next offset -> [(store, marker)]
        self.log_id = 0  # As the changelog's first record says.
        self.owner = None  # (cluster, digest of the job), once one was seen.

    def add(self, rule, what, where=None):
        self.report.add(rule, where or self.where, what)

    def run(self):
        self._learn_log_id()
        self._read_markers()
        self._check_changelog()
        self._advance(self.committed)
        for offset in list(self.stores):
            self._check_stores(offset)
        for sink in SINKS:
            self._check_sink(sink)
        self._check_ledger()

    def _advance(self, offset):
        """Takes the input below `offset`, with a stop where a store is."""
        while self.next < len(self.log) and self.log[self.next].offset < offset:
            message = self.log[self.next]
            self._check_stores(message.offset)
            self.model.take(message)
            self.next += 1
            self._check_stores(message.offset + 1)
        self._check_stores(offset)

    # ---- Outputs.

    def _check_sink(self, sink):
        actual = self.history.outputs[sink][self.partition]
        expected = self.model.outputs[sink]
        where = f"{sink}-{self.partition}"
        for i, (a, e) in enumerate(zip(actual, expected)):
            if not matches(a, e):
                self.add("outputs", f"record {i} (offset {a.offset}) is "
                         f"{brief(a)}, not {brief(e)}", where)
                return  # What follows is shifted.
        if len(actual) > len(expected):
            self.add("outputs", f"{len(actual)} records, not {len(expected)};"
                     f" too many: {brief(actual[len(expected)])}", where)
        if len(actual) < len(expected):
            self.add("outputs", f"{len(actual)} records, not {len(expected)};"
                     f" missing: {brief(expected[len(actual)])}", where)

    # ---- Epochs and state.

    def _check_changelog(self):
        state = {}  # (table, vehicle, subkey) -> value
        touched = set()
        epochs = []
        records = self.history.changelog[self.partition]
        record = None
        try:
            self._learn_names(records)
            for record in records:
                if record.key == formats.IDENTITY_KEY:
                    if record is not records[0]:
                        self.add("changelog", f"offset {record.offset}: an "
                                 "identity record that is not the first")
                    formats.parse_identity(record.value)
                    continue
                if record.key != formats.META_KEY:
                    table, vehicle, subkey, value = formats.parse_change(
                        record, self.names)
                    key = table, vehicle, subkey
                    state.pop(key, None)
                    if value is not None:
                        state[key] = formats.parse_value(table, value)
                    touched.add(key)
                    continue
                marker = formats.parse_marker(record.value)
                epochs.append((marker.epoch, marker.writer, marker.next_offset))
                self._advance(marker.next_offset)
                whole = len(epochs) % WHOLE_EVERY == 0
                self._check_epoch(marker, state, None if whole else touched)
                touched.clear()
        except formats.Corrupt as e:
            at = "" if record is None else f"offset {record.offset}: "
            self.add("changelog", f"{at}{e}")
            return
        if touched:
            self.add("changelog", f"{len(touched)} changes follow the last "
                     "meta record: half an epoch")
        self._check_epochs(epochs)
        if epochs:
            self._check_whole("changelog", f"after epoch {epochs[-1][0]}",
                              state)

    def _learn_log_id(self):
        first = next(iter(self.history.changelog[self.partition]), None)
        if first is None or first.key != formats.IDENTITY_KEY:
            return
        try:
            self.log_id = formats.parse_identity(first.value)
        except formats.Corrupt:
            pass  # The changelog is checked later.

    def _learn_names(self, records):
        for record in records:
            if record.key == formats.META_KEY:
                try:
                    names = formats.parse_marker(record.value).tables
                except formats.Corrupt as e:
                    raise formats.Corrupt(f"meta record: {e}") from e
                self.names.update((formats.table_tag(n), n) for n in names)

    def _check_owner(self, marker, at):
        """The group has its job's name in these tests."""
        job, topic = self.history.job, self.history.topic
        for what, found, wanted in (("group", marker.group, job),
                                    ("input", marker.topic, topic),
                                    ("job", marker.job, job)):
            if found != wanted:
                self.add("owner", f"{at}: of {what} {found}, not {wanted}")
        if marker.log_id != self.log_id:
            self.add("owner", f"{at}: of changelog {marker.log_id}, not "
                     f"{self.log_id}")
        same = marker.cluster, marker.job_digest
        self.owner = self.owner or same
        if not marker.cluster or same != self.owner:
            self.add("owner", f"{at}: of cluster and job {same}, not "
                     f"{self.owner}")
        # Until state points come, results and state move together.
        if marker.published != marker.next_offset or marker.digests:
            self.add("owner", f"{at}: published up to {marker.published}")

    def _check_epoch(self, marker, state, touched):
        at = f"epoch {marker.epoch}, offset {marker.next_offset}"
        self._check_owner(marker, at)
        if marker.partition_time != self.model.time:
            self.add("changelog", f"{at}: partition time "
                     f"{marker.partition_time}, not {self.model.time}")
        if touched is None:
            self._check_whole("changelog", at, state)
            return
        for key in touched:
            why = self.model.mismatch(*key, state.get(key))
            if why:
                self.add("changelog", f"{at}: {why}")

    def _check_whole(self, rule, at, state):
        keys = set(state)
        for table in self.names.values():
            keys |= {(table, *key) for key in self.model.keys(table)}
        for key in sorted(keys):
            why = self.model.mismatch(*key, state.get(key))
            if why:
                self.add(rule, f"{at}: {why}")

    def _check_epochs(self, epochs):
        """The group's commits and the changelog tell the same story."""
        commits = []
        for commit in self.history.commits[self.partition]:
            found = formats.parse_metadata(commit.metadata)
            if found and found.job != self.history.job:
                self.add("owner", f"offset {commit.offset} was committed by "
                         f"job {found.job}")
            if found and found.epoch:
                if found.published != commit.offset:
                    self.add("owner", f"offset {commit.offset}: published up "
                             f"to {found.published}")
                epoch = found.epoch, found.writer, commit.offset
                # A client whose connection broke asks again, in the same
                # transaction.
                if commits[-1:] != [epoch]:
                    commits.append(epoch)
            elif not found or ";start;" not in commit.metadata:
                self.add("epochs", f"offset {commit.offset} was committed "
                         f"with metadata '{commit.metadata}'")
        for i, (a, b) in enumerate(zip(commits, epochs)):
            if a != b:
                self.add("epochs", f"commit {i} is epoch {a}, the changelog "
                         f"has {b}")
                return
        if len(commits) != len(epochs):
            self.add("epochs", f"{len(commits)} epochs in the group's "
                     f"offsets, {len(epochs)} in the changelog")

    # ---- RocksDB.

    def _read_markers(self):
        stores = (self.history.stores or [[]] * len(self.history.input))
        current = False
        for store in stores[self.partition]:
            if store.marker is None:
                continue
            try:
                marker = formats.parse_marker(store.marker)
            except formats.Corrupt as e:
                self.add("store", f"{store.name}: {e}")
                continue
            if marker.restoring:
                continue
            self._check_owner(marker, store.name)
            self.stores.setdefault(marker.next_offset, []).append(
                (store, marker))
            current = current or marker.next_offset == self.committed
        if stores[self.partition] and not current:
            self.add("store", "no directory is at the committed offset "
                     f"{self.committed}, but {sorted(self.stores)}")

    def _check_stores(self, offset):
        for store, marker in self.stores.pop(offset, []):
            self._check_store(store, marker)

    def _check_store(self, store, marker):
        state = {}
        try:
            for table, entries in store.tables.items():
                for key, value in entries.items():
                    name = table, *formats.parse_state_key(key)
                    state[name] = formats.parse_value(table, value)
        except formats.Corrupt as e:
            self.add("store", f"{store.name}: {e}")
            return
        self._check_whole(
            "store", f"{store.name} at offset {marker.next_offset}", state)

    # ---- Conservation.

    def _check_ledger(self):
        """Counts of what is in the topics, against each other."""
        outputs = {s: self.history.outputs[s][self.partition] for s in SINKS}
        below = [r for r in self.log if r.offset < self.committed]
        windows = self.model.streams["stats"]
        try:
            emitted = sum(json.loads(r.value)["samples"]
                          for r in outputs["stats"])
        except (ValueError, KeyError, TypeError):
            self.add("ledger", "a record of stats is not an object")
            return
        still_open = sum(len(w.rows) for w in windows.windows.values())
        late = sum(dict(r.headers).get("tacho.stream") == b"stats"
                   for r in outputs["late"])
        refused = len(outputs["rejects"])
        total = (refused + self.model.skipped + windows.filtered + late
                 + emitted + still_open)
        if total != len(below):
            self.add("ledger", f"{len(below)} messages in; {refused} rejects "
                     f"+ {self.model.skipped} tombstones + {windows.filtered} filtered + {late} late + {emitted}"
                     f" in closed + {still_open} in open windows = {total}")


def matches(record, expected):
    if record.key != expected.key or (
        not same_headers(record.headers, expected.headers)
    ):
        return False
    if not isinstance(expected.value, list):
        return record.value == expected.value
    try:
        pairs = json.loads(record.value, object_pairs_hook=list)
    except (ValueError, TypeError):
        return False
    return pairs == [tuple(p) for p in expected.value]


def same_headers(headers, expected):
    """Names and values in order; ANYTHING is what is said to people only."""
    return len(headers) == len(expected) and all(
        a[0] == b[0] and (b[1] is ANYTHING or a[1] == b[1])
        for a, b in zip(headers, expected))


def brief(record):
    text = f"{record.key} = {record.value}"
    if record.headers:
        text += f" {dict(record.headers)}"
    return text[:400]
