"""Records against the schema, and the checker against its own rules."""

import contextlib
import copy
import io
import json
import os
import tempfile
import unittest

import record
import sample


class CheckerTest(unittest.TestCase):
    def errors(self, value, schema):
        checker = record.Checker(schema)
        checker.check(value, schema)
        return checker.errors

    def test_keywords(self):
        for value, schema, right in (
                (1, {"type": "integer"}, True),
                (1.0, {"type": "integer"}, True),
                (1.5, {"type": "integer"}, False),
                (True, {"type": "integer"}, False),
                (True, {"const": 1}, False),
                (None, {"type": ["string", "null"]}, True),
                (0, {"exclusiveMinimum": 0}, False),
                (-1, {"minimum": 0}, False),
                ("", {"minLength": 1}, False),
                ("abc", {"pattern": "^b"}, False),
                ([1, "a"], {"items": {"type": "integer"}}, False),
                ([1, "a"], {"prefixItems": [{}], "items":
                            {"type": "string"}}, True),
                ([1], {"minItems": 2}, False),
                ([1, 2], {"maxItems": 1}, False),
                ({"a": 1}, {"additionalProperties": False}, False),
                ({"a": 1}, {"properties": {"a": {}},
                            "additionalProperties": False}, True),
                ({}, {"required": ["a"]}, False),
                (1, {"$ref": "#/$defs/x", "$defs":
                     {"x": {"type": "string"}}}, False),
                (1, {"if": {"const": 1}, "then": {"minimum": 2}}, False),
                (3, {"if": {"const": 1}, "else": {"minimum": 4}}, False)):
            with self.subTest(value=value, schema=schema):
                self.assertEqual(not self.errors(value, schema), right)

    def test_unknown_keyword(self):
        with self.assertRaises(NotImplementedError):
            self.errors(1, {"multipleOf": 2})

    def test_path(self):
        schema = {"properties": {"a": {"items": {"type": "string"}}}}
        self.assertEqual(self.errors({"a": ["x", 1]}, schema),
                         ["/a/1: is not of type string"])

    def test_schema_uses_known_keywords_everywhere(self):
        """Also in branches that no sample enters."""
        def walk(schema):
            record.Checker(record.SCHEMA).check(None, schema)
            for inner in ("properties", "$defs"):
                for part in schema.get(inner, {}).values():
                    walk(part)
            for inner in ("items", "additionalProperties", "if", "then",
                          "else"):
                if isinstance(schema.get(inner), dict):
                    walk(schema[inner])
        walk(record.SCHEMA)


class RecordTest(unittest.TestCase):
    def setUp(self):
        self.row = sample.results(rounds=1)[0]

    def broken(self, change):
        row = copy.deepcopy(self.row)
        change(row)
        return record.check(row)

    def test_samples_are_right(self):
        for row in sample.results():
            self.assertEqual(record.check(row), [])

    def test_wrong_result_cannot_be_valid(self):
        for name in ("missing", "wrong", "extra"):
            def change(row):
                row["result_check"][name] = 1
            self.assertIn(f"/result_check/{name}: is 1, not 0",
                          self.broken(change))

    def test_valid_needs_a_check(self):
        self.assertEqual(self.broken(lambda row: row.pop("result_check")),
                         ["/: has no result_check"])

    def test_void_needs_a_reason(self):
        def change(row):
            row["valid"] = False
        self.assertEqual(self.broken(change),
                         ["/void_reasons: has fewer than 1 items"])

    def test_histogram(self):
        def fewer(row):
            row["histograms"] = {"latency_ms": {"bounds": [1, 2],
                                                "counts": [1, 2]}}
        self.assertEqual(len(self.broken(fewer)), 1)

        def falling(row):
            row["histograms"] = {"latency_ms": {"bounds": [2, 1],
                                                "counts": [1, 2, 3]}}
        self.assertEqual(len(self.broken(falling)), 1)

    def test_unknown_field(self):
        self.assertEqual(self.broken(lambda row: row.update(new=1)),
                         ["/new: is not a field of the schema"])

    def test_metrics_may_be_added(self):
        def change(row):
            row["metrics"]["bytes_per_message"] = 1.5
        self.assertEqual(self.broken(change), [])


class FileTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "rows.jsonl")

    def test_round_trip(self):
        rows = sample.results(rounds=2)
        for row in rows:
            record.append(self.path, row)
        self.assertEqual([row for _, row in record.read([self.path])], rows)

    def test_wrong_lines_are_named(self):
        with open(self.path, "w") as file:
            file.write(json.dumps(sample.results(rounds=1)[0]))
            file.write('\n\n{"schema": NaN}\n')
        with self.assertRaisesRegex(record.RecordError, ":3: NaN"):
            record.read([self.path])
        with self.assertRaises(record.RecordError):
            record.append(self.path, {"schema": 2})
        with contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(record.main([self.path]), 65)


class DigestTest(unittest.TestCase):
    def test_order_of_keys_does_not_matter(self):
        self.assertEqual(record.digest({"a": 1, "b": 2}),
                         record.digest({"b": 2, "a": 1}))
        self.assertNotEqual(record.digest({"a": 1}), record.digest({"a": 2}))


if __name__ == "__main__":
    unittest.main()
