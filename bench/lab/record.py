"""The lab's records: one JSON object a line, as record.schema.json says.

    python3 record.py FILE...     checks files; exit status 65 if one is wrong

The checker walks the keywords that the schema uses and knows no others: one
that it does not know is an error, so that the schema never promises more than
is checked.
"""

import hashlib
import json
import os
import re
import sys

SCHEMA_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                           "record.schema.json")
NOTES = {"$schema", "$defs", "$comment", "title", "description", "then",
         "else"}


class RecordError(Exception):
    """A line that is no record: where, and everything that is wrong."""


def load_schema():
    with open(SCHEMA_FILE, encoding="utf-8") as file:
        return json.load(file)


SCHEMA = load_schema()


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "number": is_number,
    "integer": lambda v: is_number(v) and v == int(v),
}


def same(value, other):
    """Equality of JSON, where true is not 1."""
    return value == other and isinstance(value, bool) == isinstance(other, bool)


class Checker:
    """Collects what is wrong with a value, each with its path."""

    def __init__(self, root):
        self.root = root
        self.errors = []

    def error(self, path, text):
        self.errors.append(f"{path or '/'}: {text}")

    def check(self, value, schema, path=""):
        for keyword, wanted in schema.items():
            if keyword in NOTES:
                continue
            rule = getattr(self, "check_" + keyword.lstrip("$"), None)
            if rule is None:
                raise NotImplementedError(f"schema keyword {keyword}")
            rule(value, wanted, schema, path)

    def holds(self, value, schema):
        probe = Checker(self.root)
        probe.check(value, schema)
        return not probe.errors

    def check_ref(self, value, wanted, schema, path):
        target = self.root
        for part in wanted.removeprefix("#/").split("/"):
            target = target[part]
        self.check(value, target, path)

    def check_type(self, value, wanted, schema, path):
        names = [wanted] if isinstance(wanted, str) else wanted
        if not any(TYPES[name](value) for name in names):
            self.error(path, f"is not of type {' or '.join(names)}")

    def check_const(self, value, wanted, schema, path):
        if not same(value, wanted):
            self.error(path, f"is {json.dumps(value)}, "
                             f"not {json.dumps(wanted)}")

    def check_minimum(self, value, wanted, schema, path):
        if is_number(value) and value < wanted:
            self.error(path, f"is less than {wanted}")

    def check_exclusiveMinimum(self, value, wanted, schema, path):
        if is_number(value) and value <= wanted:
            self.error(path, f"is not more than {wanted}")

    def check_minLength(self, value, wanted, schema, path):
        if isinstance(value, str) and len(value) < wanted:
            self.error(path, f"is shorter than {wanted}")

    def check_pattern(self, value, wanted, schema, path):
        if isinstance(value, str) and not re.search(wanted, value):
            self.error(path, f"does not match {wanted}")

    def check_minItems(self, value, wanted, schema, path):
        if isinstance(value, list) and len(value) < wanted:
            self.error(path, f"has fewer than {wanted} items")

    def check_maxItems(self, value, wanted, schema, path):
        if isinstance(value, list) and len(value) > wanted:
            self.error(path, f"has more than {wanted} items")

    def check_prefixItems(self, value, wanted, schema, path):
        if isinstance(value, list):
            for index, (item, rule) in enumerate(zip(value, wanted)):
                self.check(item, rule, f"{path}/{index}")

    def check_items(self, value, wanted, schema, path):
        if isinstance(value, list):
            first = len(schema.get("prefixItems", ()))
            for index, item in enumerate(value[first:], first):
                self.check(item, wanted, f"{path}/{index}")

    def check_required(self, value, wanted, schema, path):
        if isinstance(value, dict):
            for name in wanted:
                if name not in value:
                    self.error(path, f"has no {name}")

    def check_properties(self, value, wanted, schema, path):
        if isinstance(value, dict):
            for name, rule in wanted.items():
                if name in value:
                    self.check(value[name], rule, f"{path}/{name}")

    def check_additionalProperties(self, value, wanted, schema, path):
        if not isinstance(value, dict):
            return
        for name in value.keys() - schema.get("properties", {}).keys():
            if wanted is False:
                self.error(f"{path}/{name}", "is not a field of the schema")
            elif wanted is not True:
                self.check(value[name], wanted, f"{path}/{name}")

    def check_if(self, value, wanted, schema, path):
        branch = "then" if self.holds(value, wanted) else "else"
        self.check(value, schema.get(branch, {}), path)


def check_histograms(record):
    """What JSON Schema cannot say of a histogram."""
    errors = []
    for name, histogram in record.get("histograms", {}).items():
        bounds, counts = histogram["bounds"], histogram["counts"]
        where = f"/histograms/{name}"
        if len(counts) != len(bounds) + 1:
            errors.append(f"{where}: has {len(counts)} counts for "
                          f"{len(bounds)} bounds, not one more")
        if any(low >= high for low, high in zip(bounds, bounds[1:])):
            errors.append(f"{where}: has bounds that do not rise")
    return errors


def check(record):
    """Everything that is wrong with a record, as texts; none if it is right."""
    checker = Checker(SCHEMA)
    checker.check(record, SCHEMA)
    return sorted(checker.errors) or check_histograms(record)


def refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def parse(line, where):
    try:
        record = json.loads(line, parse_constant=refuse_constant)
    except ValueError as error:
        raise RecordError(f"{where}: {error}") from None
    errors = check(record)
    if errors:
        raise RecordError("\n".join(f"{where}: {text}" for text in errors))
    return record


def read(paths):
    """All records of the files, each file in its order, as (path, record)."""
    found = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    found.append((path, parse(line, f"{path}:{number}")))
    return found


def append(path, record):
    """Adds a record to a file, in one write; a wrong one is refused."""
    errors = check(record)
    if errors:
        raise RecordError("\n".join(errors))
    line = json.dumps(record, separators=(",", ":"), allow_nan=False) + "\n"
    with open(path, "ab", buffering=0) as file:
        file.write(line.encode())


def digest(value):
    """Of any JSON value, the same for the same content: 16 hex digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def main(paths):
    failed = False
    for path in paths:
        try:
            print(f"{path}: {len(read([path]))} records")
        except (RecordError, OSError) as error:
            print(error, file=sys.stderr)
            failed = True
    return 65 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
