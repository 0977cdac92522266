"""The report: whole HTML, nothing from outside, gaps said, void rows shown."""

import html.parser
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
import unittest.mock
import xml.etree.ElementTree

import bed
import capacity
import plots
import record
import report
import rows
import sample
import svg

EMPTY = {"meta", "br"}
TITLES = [title for title, _ in plots.SECTIONS]


class Tags(html.parser.HTMLParser):
    """Checks that every tag is closed, and gathers addresses and scripts."""

    def __init__(self):
        super().__init__()
        self.open, self.links, self.scripts, self.inside = [], [], [], False

    def handle_starttag(self, tag, attrs):
        if tag not in EMPTY:
            self.open.append(tag)
        self.links += [value for name, value in attrs
                       if name in ("href", "src", "data", "action")]
        if tag == "script":
            self.scripts.append(dict(attrs))

    def handle_endtag(self, tag):
        if self.open.pop() != tag:
            raise AssertionError(f"</{tag}> at {self.getpos()}")


def made(records):
    return [rows.Row(one, "made", 0) for one in records]


def parsed(page):
    tags = Tags()
    tags.feed(page)
    tags.close()
    return tags


def drawings(page):
    return [xml.etree.ElementTree.fromstring(text)
            for text in re.findall(r"<svg.*?</svg>", page, re.S)]


def reasons(page):
    """Section to why it was left out."""
    return dict(re.findall(
        r'<h3>([^<]*)</h3><p class="note">Left out: ([^<]*)\.</p>', page))


def searched():
    def up_to(edge):
        return lambda load: {"lag_slope": max(0, load - edge), "p99_ms": 200,
                             "ok": True}
    found = {cores: capacity.search(up_to(edge), 1e5)
             for cores, edge in ((1, 3e5), (2, 5e5))}
    return capacity.report("tacho", "W1", found, [1e5, 4e5, 1e6])


class WholePageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.page = report.page(made(sample.history()), [searched()])

    def test_html_is_closed_and_needs_nothing(self):
        tags = parsed(self.page)
        self.assertEqual(tags.open, [])
        self.assertEqual(tags.links, [])
        self.assertNotRegex(self.page, r"url\(|@import|https?:")

    def test_only_data_in_scripts(self):
        kinds = [one["type"] for one in parsed(self.page).scripts]
        self.assertEqual(kinds, ["application/json"])

    def test_order_of_sections(self):
        self.assertEqual(re.findall("<h3>([^<]*)</h3>", self.page), TITLES)
        self.assertEqual(reasons(self.page), {})

    def test_drawings(self):
        charts = drawings(self.page)
        self.assertEqual(len(charts), 11)
        for chart in charts:
            _, _, width, height = map(float, chart.get("viewBox").split())
            for part in chart.iter():
                for name, most in (("x", width), ("cx", width), ("x2", width),
                                   ("y", height), ("cy", height)):
                    if part.get(name):
                        self.assertTrue(0 <= float(part.get(name)) <= most,
                                        (chart.get("aria-label"), part.attrib))

    def test_data(self):
        text = re.search(r'id="results">(.*?)</script>', self.page, re.S)
        data = json.loads(text[1])
        self.assertEqual(len(data["rows"]), 225)
        self.assertEqual([record.check(one) for one in data["rows"][:9]],
                         [[]] * 9)
        self.assertEqual(len(data["capacity"]), 1)

    def test_void_rows_have_their_reasons(self):
        self.assertIn("2 of 225 rows are void", self.page)
        self.assertIn("feed was 4.2 % behind, more than 1 %; 12 results "
                      "missing", self.page)

    def test_both_schemes(self):
        self.assertIn("prefers-color-scheme: dark", self.page)


class GapsTest(unittest.TestCase):
    def test_bare_rows(self):
        """Only what the schema asks for."""
        records = sample.results(rounds=2, labels=("tacho",))
        for one in records:
            for name in ("histograms", "series", "marks", "intervals"):
                one.pop(name, None)
            one["metrics"] = {}
            self.assertEqual(record.check(one), [])
        page = report.page(made(records))
        self.assertEqual(parsed(page).open, [])
        self.assertEqual(list(reasons(page)), TITLES)
        self.assertEqual(reasons(page)["Rates against raw"],
                         "no row of the system raw to compare with")

    def test_each_kind_of_data_may_be_missing(self):
        for name in ("histograms", "series", "marks", "metrics"):
            records = sample.results(rounds=2)
            for one in records[::2]:
                one[name] = {} if name != "marks" else []
            page = report.page(made(records))
            self.assertEqual(list(reasons(page)),
                             ["Capacity and demand", "History"], name)

    def test_only_void_rows(self):
        records = sample.results(rounds=1)
        for one in records:
            sample.void(one, "load")
        page = report.page(made(records))
        self.assertIn("5 of 5 rows are void", page)
        self.assertNotIn("<h3>", page)

    def test_other_buckets(self):
        records = sample.results(rounds=2, labels=("tacho",))
        records[0]["histograms"]["latency_ms"] = {"bounds": [1],
                                                  "counts": [1, 2]}
        self.assertIn("equal buckets", reasons(report.page(made(records)))[
            "Latency"])

    def test_zeros(self):
        records = sample.results(rounds=8)
        for one in records:
            one["metrics"] = dict.fromkeys(one["metrics"], 0)
            for series in one["series"].values():
                for point in series:
                    point[1] = 0
            for held in one.get("histograms", {}).values():
                held["counts"] = [0] * len(held["counts"])
        self.assertEqual(parsed(report.page(made(records))).open, [])

    def test_many_labels(self):
        records = []
        for place in range(12):
            for one in sample.results(rounds=1, labels=("tacho",)):
                one["row"]["label"] = f"tacho {place}"
                one["order"] = place + 1
                records.append(one)
        self.assertEqual(parsed(report.page(made(records))).open, [])

    def test_nothing_measured_is_not_nothing_found(self):
        never = capacity.report("tacho", "W1", {2: capacity.Found()}, [1e5])
        page = report.page(made(sample.results(rounds=1)), [never])
        self.assertEqual(parsed(page).open, [])
        self.assertIn("<td>more</td>", page)


class SeparationTest(unittest.TestCase):
    def test_beds_are_chapters(self):
        other = sample.results(rounds=2)
        for one in other:
            one["machine"] = sample.machine("Another CPU")
        page = report.page(made(sample.results(rounds=2) + other))
        self.assertEqual(page.count("<h2>"), 2)
        self.assertIn("Another CPU", page)

    def test_texts_are_escaped(self):
        records = sample.results(rounds=2)
        for one in records:
            one["row"]["label"] += "</script><b>&\"'"
            one["workload"]["name"] = "<i>"
            one["marks"] = [[1, "</svg><u>"]]
            sample.void(one, "<s>") if one["round"] == 2 else None
        page = report.page(made(records))
        tags = parsed(page)
        self.assertEqual(tags.open, [])
        self.assertNotRegex(page, "<(b|i|u|s)>")
        self.assertEqual(len(drawings(page)), 8)

    def test_newest_commit_is_drawn(self):
        drawn = bed.Bed(made(sample.history()))
        self.assertEqual({row.commit for held in drawn.labels.values()
                          for row in held}, {"9ac73bc"})
        self.assertEqual(list(drawn.labels), ["raw", "tacho", "tacho 1s",
                                              "flink", "kstreams"])


class ScaleTest(unittest.TestCase):
    def test_linear(self):
        for low, high in ((0, 97), (0, 0), (5, 5), (-3, 12), (0, 1e-9),
                          (1e9, 3e9), (99.9, 100.1)):
            scale = svg.Linear(low, high)
            ticks = scale.ticks()
            self.assertLessEqual(ticks[0], low + 1e-9)
            self.assertGreaterEqual(ticks[-1] * (1 + 1e-9), high)
            self.assertTrue(2 <= len(ticks) <= 12, (low, high, ticks))
            self.assertEqual((scale.share(ticks[0]),
                              round(scale.share(ticks[-1]), 6)), (0, 1))

    def test_log(self):
        for low, high in ((1, 1), (3, 700), (0.02, 90_000), (100, 101)):
            scale = svg.Log(low, high)
            ticks = scale.ticks()
            self.assertLessEqual(ticks[0], low)
            self.assertGreaterEqual(ticks[-1], high)
            self.assertGreaterEqual(len(ticks), 2)

    def test_short(self):
        for value, text in ((0, "0"), (999, "999"), (1000, "1k"),
                            (2.5e6, "2.5M"), (0.25, "0.25"), (3e9, "3G")):
            self.assertEqual(svg.short(value), text)

    def test_broken_line(self):
        chart = svg.Chart(svg.Linear(0, 1), svg.Linear(0, 1), "t")
        chart.line([(0, 0), (0.5, None), (1, 1)], "s0", "t")
        self.assertEqual(chart.parts[-1].count("M"), 2)


class CommandTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.results = os.path.join(self.folder, "rows.jsonl")
        self.out = os.path.join(self.folder, "report.html")
        for one in sample.results(rounds=2):
            record.append(self.results, one)

    def test_writes_the_file(self):
        found = os.path.join(self.folder, "capacity.jsonl")
        with open(found, "w", encoding="utf-8") as file:
            file.write(json.dumps(searched()) + "\n")
        status = report.main([self.results, "--out", self.out,
                              "--capacity", found])
        self.assertEqual(status, 0)
        with open(self.out, encoding="utf-8") as file:
            self.assertEqual(list(reasons(file.read())), ["History"])

    def test_wrong_file(self):
        with open(self.results, "a", encoding="utf-8") as file:
            file.write("{}\n")
        with unittest.mock.patch("sys.stderr"):
            self.assertEqual(report.main([self.results, "--out", self.out]),
                             65)
        self.assertFalse(os.path.exists(self.out))

    @unittest.skipUnless(shutil.which("chromium"), "no chromium")
    def test_browser_shows_it_without_a_network(self):
        report.main([self.results, "--out", self.out])
        image = os.path.join(self.folder, "shot.png")
        browser = subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu",
             "--host-resolver-rules=MAP * ~NOTFOUND",
             f"--user-data-dir={self.folder}/profile",
             "--window-size=1240,2000", f"--screenshot={image}",
             "file://" + self.out],
            capture_output=True, text=True, timeout=120)
        self.assertEqual(browser.returncode, 0, browser.stderr)
        self.assertNotIn("CONSOLE", browser.stderr)
        self.assertGreater(os.path.getsize(image), 50_000)


if __name__ == "__main__":
    unittest.main()
