"""The checker accepts a right history and refuses each broken one."""

import copy
import dataclasses
import json
import random
import unittest

import checker
import formats
import telemetry
from history import SINKS, Commit, History, Record, Store
from load import longest_gap
from model import ANYTHING, Lane

JOB, TOPIC, WRITER = "job", "job.in", "00000000-0000-4000-8000-000000000001"
TABLES = ("clock", "fast.0.excursions", "hot.1.excursions", "stats.1.closed",
          "stats.1.odometers", "stats.1.windows")


def state_of(lane):
    return {(table, *key): lane.entry(table, *key)
            for table in TABLES for key in lane.keys(table)}


def encode(table, value):
    return formats.write_value(
        table, value[1] if value[0] is ANYTHING else value)


class Writer:
    """Plays tacho for one partition: messages in, epochs out."""

    def __init__(self, partition, messages, per_epoch):
        self.lane = Lane(JOB, TOPIC, partition)
        self.outputs = {sink: [] for sink in SINKS}
        self.changelog = []
        self.commits = [Commit(0, formats.write_metadata(JOB))]
        self.old_store = None
        self._append(*formats.write_identity(1))
        before = {}
        for epoch, start in enumerate(range(0, len(messages), per_epoch), 1):
            chunk = messages[start : start + per_epoch]
            for message in chunk:
                self.lane.take(message)
            before = self._commit(epoch, chunk[-1].offset + 1, before)

    def _commit(self, epoch, offset, before):
        for sink, log in self.outputs.items():
            for output in self.lane.outputs[sink][len(log):]:
                value = output.value
                if isinstance(value, list):
                    value = json.dumps(dict(value)).encode()
                # Markers of transactions take offsets too.
                headers = tuple((n, b"?" if v is ANYTHING else v)
                                for n, v in output.headers)
                log.append(Record(len(log) * 2, 0, output.key, value,
                                  headers))
        now = state_of(self.lane)
        for key in sorted(set(before) | set(now)):
            if before.get(key) == now.get(key):
                continue
            value = encode(key[0], now[key]) if key in now else None
            self._append(*formats.write_change(*key, value))
        marker = formats.write_marker(epoch, WRITER, offset, TABLES,
                                      partition_time=self.lane.time)
        self._append(formats.META_KEY, marker)
        self.commits.append(Commit(offset, formats.write_metadata(
            JOB, epoch, WRITER, offset)))
        self.store = self._store("worker-0", marker, now)
        self.old_store = self.old_store or self._store("worker-1", marker, now)
        return now

    def _append(self, key, value):
        self.changelog.append(Record(len(self.changelog), 0, key, value))

    def _store(self, name, marker, state):
        tables = {table: {} for table in TABLES}
        for (table, vehicle, subkey), value in state.items():
            tables[table][formats.state_key(vehicle, subkey)] = encode(
                table, value)
        return Store(name, marker, tables)


def right_history(seed=1, partitions=2, count=1200):
    fleet = telemetry.Fleet(random.Random(seed), vehicles=6,
                            start_ms=1_700_000_000_000, step_ms=8000)
    inputs = [[] for _ in range(partitions)]
    for i in range(count):
        key, value = fleet.message()
        log = inputs[i % partitions]
        log.append(Record(len(log), fleet.now, key, value))
    writers = [Writer(p, log, 19) for p, log in enumerate(inputs)]
    ends = {}
    for sink in SINKS:
        for p, writer in enumerate(writers):
            ends[f"{JOB}.{sink}", p] = (len(writer.outputs[sink]) * 2,) * 2
    for p, log in enumerate(inputs):
        ends[TOPIC, p] = (len(log), len(log))
    outputs = {s: [w.outputs[s] for w in writers] for s in SINKS}
    observed = {s: [[(r.offset, checker.digest(r)) for r in log[: len(log) // 2]]
                    for log in logs] for s, logs in outputs.items()}
    return History(JOB, TOPIC, inputs, outputs,
                   [w.changelog for w in writers], [w.commits for w in writers],
                   ends, [[w.store, w.old_store] for w in writers], observed)


class CheckerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.right = right_history()

    def setUp(self):
        self.history = copy.deepcopy(self.right)

    def assert_refused(self, rule):
        found = checker.check(self.history)
        self.assertIn(rule, {v.rule for v in found}, "\n".join(map(str, found)))

    def last_meta(self, partition=0):
        log = self.history.changelog[partition]
        return max(i for i, r in enumerate(log) if r.key == formats.META_KEY)

    def test_accepts_right_histories(self):
        for seed in range(2, 5):
            self.assertEqual(checker.check(right_history(seed)), [])
        self.assertEqual(checker.check(self.history), [])

    def test_the_right_history_has_something_of_everything(self):
        for sink in SINKS:
            self.assertGreater(len(self.history.outputs[sink][0]), 5, sink)
        keys = {formats.table_tag(t): t for t in TABLES}
        changed = {formats.parse_change(r, keys)[0]
                   for r in self.history.changelog[0]
                   if len(r.key) > 1}  # Neither identity nor meta record.
        self.assertEqual(changed, set(TABLES))

    def test_refuses_an_output_dropped(self):
        for sink in SINKS:
            for at in (0, 3, -1):
                with self.subTest(sink=sink, at=at):
                    self.setUp()
                    del self.history.outputs[sink][0][at]
                    self.assert_refused("outputs")

    def test_refuses_an_output_duplicated(self):
        for sink in SINKS:
            with self.subTest(sink=sink):
                self.setUp()
                log = self.history.outputs[sink][1]
                log.insert(3, log[2])
                self.assert_refused("outputs")

    def test_refuses_the_tail_duplicated(self):
        log = self.history.outputs["stats"][0]
        log.append(log[-1])
        self.assert_refused("outputs")

    def test_refuses_outputs_reordered(self):
        log = self.history.outputs["stats"][0]
        log[2], log[3] = log[3], log[2]
        self.assert_refused("outputs")

    def test_refuses_another_value_key_or_header(self):
        for sink, change in (
            ("stats", {"value": b'{"vehicle_id":"x"}'}),
            ("alerts", {"key": b"other"}),
            ("alerts", {"headers": (("a", b"b"),)}),
            ("rejects", {"headers": ()}),
            ("late", {"value": b"{}"}),
        ):
            with self.subTest(sink=sink, change=change):
                self.setUp()
                log = self.history.outputs[sink][0]
                log[1] = dataclasses.replace(log[1], **change)
                self.assert_refused("outputs")

    def test_refuses_a_lost_input_behind_a_committed_offset(self):
        # As if tacho had never seen it: nothing was written for it.
        log = self.history.input[0]
        at = next(i for i, m in enumerate(log) if i > 300 and
                  b'"ignition":true' in m.value and b'_km":' in m.value)
        log.insert(at, log[at])
        self.assert_refused("ledger")

    def test_refuses_a_stale_entry_in_the_store(self):
        store = self.history.stores[0][0]
        key = next(iter(store.tables["stats.1.windows"]))
        valid, cells = formats.parse_value(
            "stats.1.windows", store.tables["stats.1.windows"][key])
        store.tables["stats.1.windows"][key] = formats.write_value(
            "stats.1.windows", (valid, (cells[0] - 1, *cells[1:])))
        self.assert_refused("store")

    def test_refuses_a_store_that_misses_or_has_too_much(self):
        for table in ("clock", "stats.1.odometers"):
            with self.subTest(table=table):
                self.setUp()
                entries = self.history.stores[0][0].tables[table]
                key = next(iter(entries))
                entries[formats.state_key(b"ghost", 0)] = entries.pop(key)
                self.assert_refused("store")

    def test_refuses_old_state_under_a_new_marker(self):
        store, old = self.history.stores[0]
        self.history.stores[0] = [Store("mixed", store.marker, old.tables)]
        self.assert_refused("store")

    def test_refuses_stores_that_are_all_behind(self):
        del self.history.stores[1][0]
        self.assert_refused("store")

    def test_accepts_a_store_that_is_behind_beside_one_that_is_not(self):
        self.assertEqual(len(self.history.stores[0]), 2)
        self.assertEqual(checker.check(self.history), [])

    def test_refuses_a_marker_with_a_wrong_checksum(self):
        store = self.history.stores[0][0]
        store.marker = store.marker[:-1] + bytes([store.marker[-1] ^ 1])
        self.assert_refused("store")

    def test_refuses_a_changelog_that_lost_a_change(self):
        log = self.history.changelog[0]
        del log[self.last_meta() - 1]
        self.assert_refused("changelog")

    def test_refuses_a_changelog_value_with_a_wrong_checksum(self):
        log = self.history.changelog[0]
        at = next(i for i, r in enumerate(log) if r.key[0] == 1 and r.value)
        value = log[at].value
        log[at] = dataclasses.replace(
            log[at], value=bytes([value[0], value[1] ^ 1]) + value[2:])
        self.assert_refused("changelog")

    def test_refuses_a_changelog_that_ends_in_half_an_epoch(self):
        del self.history.changelog[0][self.last_meta()]
        self.assert_refused("changelog")

    def test_refuses_a_transaction_without_its_offsets(self):
        del self.history.commits[0][20]
        self.assert_refused("epochs")

    def test_accepts_offsets_that_a_client_sent_twice(self):
        commits = self.history.commits[0]
        commits.insert(20, commits[20])
        self.assertEqual(checker.check(self.history), [])

    def test_refuses_a_transaction_without_its_changelog(self):
        log = self.history.changelog[0]
        metas = [i for i, r in enumerate(log) if r.key == formats.META_KEY]
        del log[metas[9] + 1 : metas[10] + 1]
        self.assert_refused("epochs")

    def test_refuses_a_transaction_without_its_outputs(self):
        commits = self.history.commits[0]
        from_, to = commits[9].offset, commits[14].offset
        log = self.history.outputs["rejects"][0]
        log[:] = [r for r in log if not (
            from_ <= int(dict(r.headers)["tacho.offset"]) < to)]
        self.assert_refused("outputs")

    def test_refuses_half_of_the_partitions_of_the_last_epoch(self):
        last = self.history.commits[1].pop()
        self.assertGreater(last.offset, self.history.commits[1][-1].offset)
        self.assert_refused("offsets")

    def test_refuses_an_aborted_record_that_a_reader_saw(self):
        seen = self.history.observed["stats"][0]
        seen.insert(2, (seen[1][0] + 1, checker.digest(
            Record(0, 0, b"aborted", b"{}"))))
        self.assert_refused("observed")

    def test_refuses_an_aborted_record_in_the_final_log(self):
        log = self.history.outputs["stats"][0]
        log.insert(2, dataclasses.replace(
            log[5], offset=log[1].offset + 1, key=b"aborted"))
        self.assert_refused("outputs")

    def test_refuses_a_record_that_a_reader_missed(self):
        del self.history.observed["alerts"][0][0]
        self.assert_refused("observed")

    def test_refuses_an_offset_that_jumped(self):
        commits = self.history.commits[0]
        commits[20] = dataclasses.replace(
            commits[20], offset=commits[20].offset + 1)
        self.assert_refused("epochs")

    def test_refuses_a_jump_past_the_end(self):
        self.history.commits[0].append(Commit(10**6, formats.write_metadata(JOB)))
        self.assert_refused("offsets")

    def test_refuses_an_offset_that_decreased(self):
        commits = self.history.commits[0]
        commits.insert(10, Commit(commits[5].offset, commits[5].metadata))
        self.assert_refused("offsets")

    def rewrite_last_meta(self, **changed):
        """Its writer is right in all but what is changed."""
        log = self.history.changelog[0]
        at = self.last_meta()
        old = formats.parse_marker(log[at].value)
        fields = {"job": old.job, "group": old.group, "topic": old.topic,
                  "cluster": old.cluster, "published": old.published,
                  "partition_time": old.partition_time,
                  "log_id": old.log_id} | changed
        log[at] = dataclasses.replace(log[at], value=formats.write_marker(
            old.epoch, old.writer, old.next_offset, old.tables, **fields))

    def test_accepts_a_meta_record_that_was_written_again(self):
        self.rewrite_last_meta()
        self.assertEqual(checker.check(self.history), [])

    def test_refuses_meta_records_of_others(self):
        for changed in ({"group": "eu"}, {"topic": "cars"}, {"job": "other"},
                        {"cluster": "elsewhere"}, {"cluster": ""},
                        {"published": 0}, {"log_id": 2}, {"log_id": 0}):
            with self.subTest(**changed):
                self.history = copy.deepcopy(self.right)
                self.rewrite_last_meta(**changed)
                self.assert_refused("owner")

    def test_refuses_a_changelog_without_its_identity(self):
        del self.history.changelog[0][0]
        self.assert_refused("owner")

    def test_refuses_a_second_identity(self):
        log = self.history.changelog[0]
        key, value = formats.write_identity(1)
        log.append(dataclasses.replace(log[-1], key=key, value=value))
        self.assert_refused("changelog")

    def test_refuses_an_identity_that_does_not_read(self):
        log = self.history.changelog[0]
        log[0] = dataclasses.replace(log[0], value=log[0].value[:-1])
        self.assert_refused("changelog")

    def test_refuses_offsets_of_another_job(self):
        commits = self.history.commits[0]
        commits[20] = dataclasses.replace(
            commits[20], metadata=commits[20].metadata + "x")
        self.assert_refused("owner")

    def test_refuses_offsets_of_an_earlier_format(self):
        commits = self.history.commits[0]
        commits[20] = dataclasses.replace(
            commits[20], metadata=f"tacho1;g=0;e=20;w={WRITER}")
        self.assert_refused("epochs")

    def test_names_of_changelogs(self):
        for (group, topic), name in {
                ("eu", "cars-raw"): "eu-cars_2Draw-changelog-g0",
                ("eu-cars", "raw"): "eu-cars-raw-changelog-g0",
                ("a_b", "x.2D"): "a_5Fb-x_2E2D-changelog-g0",
                ("é/1", "v.t"): "_C3_A9_2F1-v.t-changelog-g0"}.items():
            self.assertEqual(formats.changelog_topic(group, topic), name)

    def test_refuses_input_that_was_never_committed(self):
        self.history.input[0].append(dataclasses.replace(
            self.history.input[0][-1],
            offset=self.history.input[0][-1].offset + 1))
        self.assert_refused("offsets")

    def test_refuses_an_open_transaction(self):
        self.history.ends[f"{JOB}.stats", 0] = (10, 11)
        self.assert_refused("open")


class StallTest(unittest.TestCase):
    def test_takes_the_longest_gap(self):
        self.assertEqual(longest_gap([1, 2, 9, 10], 0, 11), 7)

    def test_counts_what_is_before_the_first_and_after_the_last(self):
        self.assertEqual(longest_gap([1, 6, 7], 2, 9), 4)
        self.assertEqual(longest_gap([1, 3, 12], 2, 9), 6)
        self.assertEqual(longest_gap([], 2, 9), 7)


if __name__ == "__main__":
    unittest.main()
