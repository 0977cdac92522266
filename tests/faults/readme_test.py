"""README.md names every fail point and sabotage rule, and no other."""

import pathlib
import re
import unittest

from crash_points import fail_points
from sabotage import rules

README = pathlib.Path(__file__).with_name("README.md")


def listed(heading):
    """First cells of the table under a heading."""
    text = README.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([a-z_.]+)` \|", text, re.MULTILINE)


class ReadmeTest(unittest.TestCase):
    def test_lists_the_fail_points_that_are_compiled_in(self):
        self.assertEqual(sorted(listed("Fail points")), fail_points())

    def test_lists_the_rules_that_can_be_broken(self):
        self.assertEqual(sorted(listed("Sabotage")), rules())


if __name__ == "__main__":
    unittest.main()
