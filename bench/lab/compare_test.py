"""compare.py on made-up results: pairs, refusals, gates, exit statuses."""

import copy
import io
import json
import math
import os
import tempfile
import unittest

import compare
import histogram
import rows
import sample

LABELS = ("raw", "tacho", "tacho 1s")


class HistogramTest(unittest.TestCase):
    ONE = {"bounds": [10, 20, 40], "counts": [2, 6, 2, 0]}

    def test_quantile(self):
        self.assertEqual(histogram.quantile(self.ONE, 0.5), 15)
        self.assertEqual(histogram.quantile(self.ONE, 0.9), 30)
        self.assertEqual(histogram.quantile(self.ONE, 1), 40)
        self.assertEqual(histogram.quantile(self.ONE, 0), 0)

    def test_quantile_at_the_ends(self):
        self.assertIsNone(histogram.quantile(
            {"bounds": [1], "counts": [0, 0]}, 0.5))
        self.assertEqual(histogram.quantile(
            {"bounds": [1, 2], "counts": [0, 0, 5]}, 0.5), 2)

    def test_merge(self):
        both = histogram.merge([self.ONE, self.ONE])
        self.assertEqual(both["counts"], [4, 12, 4, 0])
        other = {"bounds": [1], "counts": [1, 1]}
        self.assertIsNone(histogram.merge([self.ONE, other]))
        self.assertIsNone(histogram.merge([]))

    def test_total(self):
        self.assertEqual(histogram.total(self.ONE), 2 * 5 + 6 * 15 + 2 * 30)


class FileCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, records, name="rows.jsonl"):
        path = os.path.join(self.folder, name)
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(one) + "\n" for one in records)
        return path

    def compare(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        status = compare.main(list(arguments), out, err)
        return status, out.getvalue(), err.getvalue()


class RowsTest(FileCase):
    def read(self, records):
        return rows.read([self.write(records)])

    def of(self, found, label):
        return [row for row in found if row.label == label]

    def test_runs_in_one_file_are_told_apart(self):
        run = sample.results(rounds=2, labels=("raw", "tacho"))
        found = self.read(run + run)
        self.assertEqual([row.run for row in found], [0] * 4 + [1] * 4)
        self.assertEqual(len(rows.pairs(self.of(found, "raw"),
                                        self.of(found, "tacho"), "rate")), 4)

    def test_a_file_named_twice_is_read_once(self):
        path = self.write(sample.results(rounds=1))
        self.assertEqual(len(rows.read([path, path])), len(sample.ROWS))

    def test_abba_counts_once_a_round(self):
        made = sample.results(rounds=1, labels=LABELS[:2])
        again = copy.deepcopy(made[::-1])
        for place, (one, rate) in enumerate(zip(made + again,
                                                (1, 4, 16, 9)), 1):
            one["order"], one["metrics"]["rate"] = place, rate
        found = self.read(made + again)
        groups = list(rows.by(found, lambda row: row.label).values())
        ratio, = rows.pairs(*groups, "rate")
        self.assertAlmostEqual(ratio, math.log(math.sqrt(64) / 3))

    def test_void_and_missing_have_no_pair(self):
        made = sample.results(rounds=3, labels=LABELS[:2])
        del made[0]["metrics"]["rate"]
        made[2]["metrics"]["rate"] = 0
        found = self.read(made)
        groups = list(rows.by(found, lambda row: row.label).values())
        self.assertEqual(len(rows.pairs(*groups, "rate")), 1)

    def test_values(self):
        row, = self.read(sample.results(rounds=1, labels=("tacho",)))
        self.assertAlmostEqual(
            rows.value(row, "broker_cpu_seconds_per_million"), 0.52)
        del row.data["metrics"]["cpu_seconds_per_million"]
        self.assertGreater(rows.value(row, "cpu_seconds_per_million"), 0)
        self.assertLess(rows.value(row, "latency_ms.p50"),
                        rows.value(row, "latency_ms.p99.9"))
        for name in ("nothing", "latency_ms", "latency_ms.px", "x.p50",
                     "x_per_million"):
            self.assertIsNone(rows.value(row, name), name)

    def test_names(self):
        made = sample.results(rounds=1, labels=("tacho",))
        made[0]["row"]["label"] = "tacho@main"
        row, = self.read(made)
        for name, meant in (("tacho@main", True), ("tacho@main@9ac", True),
                            ("tacho", False), ("tacho@9ac", False),
                            ("tacho@main@", False)):
            self.assertEqual(rows.is_named(row, name), meant, name)


class CompareTest(FileCase):
    def test_no_effect_passes(self):
        made = sample.results(rounds=15, labels=LABELS)
        for one in made:
            if one["row"]["label"] == "tacho 1s":
                one["metrics"] = next(
                    other["metrics"] for other in made
                    if other["round"] == one["round"]
                    and other["row"]["label"] == "tacho")
        path = self.write(made, "same.jsonl")
        status, out, _ = self.compare("tacho", "tacho 1s", "--results", path,
                                      "--metric", "cpu_seconds_per_million")
        self.assertEqual(status, 0)
        self.assertRegex(out, r"1\.000 +1\.000 to 1\.000 +15  same")

    def test_dearer_build_trips_the_gate_and_its_stage_is_named(self):
        made = sample.results(rounds=9, labels=("raw", "tacho"))
        slow = copy.deepcopy(made)
        for one, other in zip(made, slow):
            other["order"] += 2
            other["row"]["label"] += " slow"
            other["metrics"]["cpu_seconds_per_million"] *= 1.09
            for name, held in other.get("histograms", {}).items():
                if name == "commit_flush_ms":
                    held["counts"] = [3 * count for count in held["counts"]]
        merged = [one for pair in zip(made[::2], made[1::2], slow[::2],
                                      slow[1::2]) for one in pair]
        path = self.write(merged)
        status, out, _ = self.compare("tacho", "tacho slow", "--results", path)
        self.assertEqual(status, 1, out)
        self.assertIn("GATE: cpu_seconds_per_million wholly worse", out)
        self.assertIn("slowest stage of A: apply", out)
        self.assertIn("stage that grew most: flush", out)
        status, out, _ = self.compare("tacho slow", "tacho", "--results", path)
        self.assertEqual(status, 0)
        self.assertRegex(out, r"cpu_seconds_per_million \(gate\).*better")

    def test_rate_is_not_gated(self):
        path = self.write(sample.results(rounds=9))
        status, out, _ = self.compare("raw", "tacho", "--results", path,
                                      "--metric", "rate")
        self.assertEqual(status, 0)

    def test_unstable_fails_if_strict(self):
        path = self.write(sample.results(rounds=3))
        arguments = ("tacho", "tacho 1s", "--results", path)
        status, out, _ = self.compare(*arguments)
        self.assertEqual(status, 0)
        self.assertIn("fewer than 7 pairs", out)
        self.assertEqual(self.compare(*arguments, "--strict")[0], 2)

    def test_two_machines_are_refused(self):
        other = sample.results(rounds=9)
        for one in other:
            one["machine"] = sample.machine("Another CPU")
        paths = (self.write(sample.results(rounds=9)),
                 self.write(other, "other.jsonl"))
        status, out, err = self.compare("tacho", "raw", "--results", paths[0],
                                        "--results", paths[1])
        self.assertEqual((status, out), (64, ""))
        self.assertIn("machine.cpu: AMD EPYC and Another CPU", err)
        self.assertNotIn("machine.cores", err)

    def test_two_brokers_and_workloads_are_refused(self):
        for part, field in (("broker", "version"), ("workload", "digest")):
            made = sample.results(rounds=9)
            for one in made[:20]:
                one[part][field] = "old"
            path = self.write(made, part)
            status, _, err = self.compare("tacho", "raw", "--results", path)
            self.assertEqual(status, 64)
            self.assertIn(f"{part}.{field}: old and ", err)

    def test_one_of_two_workloads_can_be_chosen(self):
        other = sample.results(rounds=9)
        for one in other:
            one["workload"] = {"name": "W2", "digest": "2"}
        path = self.write(sample.results(rounds=9) + other)
        self.assertEqual(
            self.compare("tacho", "raw", "--results", path)[0], 64)
        self.assertEqual(
            self.compare("tacho", "raw", "--results", path,
                         "--workload", "W2")[0], 0)

    def test_void_rows_do_not_count(self):
        made = sample.results(rounds=9)
        for one in made:
            if one["round"] == 4 and one["row"]["label"] == "tacho":
                sample.void(one, "load")
        path = self.write(made)
        _, out, _ = self.compare("raw", "tacho", "--results", path)
        self.assertIn("8 rows, 1 void left out", out)
        self.assertRegex(out, r" 8  worse")

    def test_wrong_result_that_claims_to_be_valid(self):
        made = sample.results(rounds=9)
        made[3]["result_check"]["wrong"] = 2
        status, _, err = self.compare("raw", "tacho", "--results",
                                      self.write(made))
        self.assertEqual(status, 65)
        self.assertIn(":4: /result_check/wrong: is 2, not 0", err)

    def test_nothing_to_compare(self):
        path = self.write(sample.results(rounds=1, labels=("raw",)))
        status, _, err = self.compare("raw", "tacho", "--results", path)
        self.assertEqual(status, 65)
        self.assertIn("no valid row of tacho (0 void); labels: raw", err)
        self.write(sample.results(rounds=1, labels=("tacho",)))
        status, _, err = self.compare("raw", "tacho", "--results", path)
        self.assertEqual(status, 65)
        self.assertIn("no round has valid rows of both", err)
        self.assertEqual(self.compare("raw", "tacho", "--results",
                                      path + ".none")[0], 65)


if __name__ == "__main__":
    unittest.main()
