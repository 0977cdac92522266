"""The search on made-up systems: sharp, noisy, never and always able."""

import math
import random
import unittest

import capacity
import rows
import sample


class System:
    """Bears loads up to an edge that moves with noise from run to run."""

    def __init__(self, edge, noise=0.0, seed=1):
        self.edge, self.noise = edge, noise
        self.rng = random.Random(seed)
        self.loads = []

    def measure(self, load):
        self.loads.append(load)
        edge = self.edge * math.exp(self.rng.gauss(0, self.noise))
        return {"lag_slope": max(0.0, load - edge),
                "p99_ms": 200 + 100 * load / edge, "ok": True}


class SearchTest(unittest.TestCase):
    def test_sharp_edge(self):
        for edge in (1_100, 77_000, 500_000, 3e6, 9e7):
            system = System(edge)
            found = capacity.search(system.measure, 500_000)
            self.assertTrue(found.confirmed)
            self.assertFalse(found.at_limit)
            self.assertLessEqual(found.load, edge * 1.002)
            self.assertGreaterEqual(found.load, edge / 1.051, edge)
            self.assertLessEqual(len(system.loads), 24)
            self.assertEqual([t.load for t in found.trials], system.loads)

    def test_noisy_edge(self):
        """Of 200 searches on an edge that moves by 5 % (sigma)."""
        found = [capacity.search(System(1e6, 0.05, seed).measure, 100_000)
                 for seed in range(200)]
        self.assertTrue(all(one.confirmed for one in found))
        loads = sorted(one.load for one in found)
        self.assertLess(abs(math.log(loads[100] / 1e6)), 0.06)
        self.assertGreater(loads[10], 0.85e6)
        self.assertLess(loads[-10], 1.08e6)
        self.assertLess(max(len(one.trials) for one in found), 60)

    def test_confirmed_means_borne_in_most_runs(self):
        for seed in range(50):
            found = capacity.search(System(1e6, 0.05, seed).measure, 300_000)
            last = [not t.failures for t in found.trials
                    if t.load == found.load]
            self.assertGreaterEqual(sum(last), capacity.NEEDED)

    def test_lucky_search_is_taken_back(self):
        lucky = iter([True, True, False])

        def measure(load):
            able = next(lucky, load <= 100_000)
            return {"lag_slope": 0, "p99_ms": 1 if able else 900, "ok": True}
        found = capacity.search(measure, 200_000)
        self.assertTrue(found.confirmed)
        self.assertLessEqual(found.load, 100_000)
        self.assertGreaterEqual(found.load, 100_000 / 1.051)

    def test_never_ok(self):
        system = System(0.5)
        found = capacity.search(system.measure, 500_000)
        self.assertEqual((found.load, found.confirmed), (0, False))
        self.assertEqual(min(system.loads), 1_000)
        self.assertLessEqual(len(system.loads), 12)

    def test_always_ok(self):
        system = System(1e15)
        found = capacity.search(system.measure, 500_000, most=40_000_000)
        self.assertEqual((found.load, found.at_limit), (40_000_000, True))
        self.assertEqual(max(system.loads), 40_000_000)

    def test_flips_a_coin(self):
        for seed in range(100):
            rng = random.Random(seed)
            runs = []

            def measure(load):
                runs.append(load)
                return {"lag_slope": 0, "p99_ms": 1, "ok": rng.random() < 0.3}
            capacity.search(measure, 500_000)
            self.assertLess(len(runs), 80)

    def test_bounds_are_borne(self):
        system = System(1e6)
        capacity.search(system.measure, 2_000, least=2_000, most=9_000)
        self.assertEqual(set(system.loads), {2_000, 4_000, 8_000, 9_000})
        for start in (0, 10, 1e9):
            with self.assertRaises(ValueError):
                capacity.search(system.measure, start)


class ObjectiveTest(unittest.TestCase):
    def failures(self, **change):
        measured = {"lag_slope": 999, "p99_ms": 350, "ok": True, **change}
        return capacity.Objective().failures(1_000_000, measured)

    def test_each(self):
        self.assertEqual(self.failures(), [])
        self.assertEqual(self.failures(lag_slope=-5_000), [])
        self.assertEqual(self.failures(lag_slope=1_001), ["lag grows"])
        self.assertEqual(self.failures(p99_ms=351), ["p99"])
        self.assertEqual(self.failures(ok=False), ["results are wrong"])

    def test_what_was_not_measured_is_not_met(self):
        self.assertEqual(self.failures(lag_slope=None, p99_ms=None),
                         ["lag grows", "p99"])


class TableTest(unittest.TestCase):
    FOUND = {4: capacity.Found(900_000, True), 1: capacity.Found(300_000, True),
             2: capacity.Found(500_000, True, True), 3: capacity.Found()}

    def test_capacity_and_demand(self):
        self.assertEqual(capacity.capacity(self.FOUND),
                         [(1, 300_000), (2, 500_000), (3, 0), (4, 900_000)])
        self.assertEqual(
            capacity.demand(self.FOUND, [1e6, 1, 300_000, 300_001, 6e5]),
            [(1, 1), (300_000, 1), (300_001, 2), (6e5, 4), (1e6, None)])

    def test_report(self):
        one = capacity.report("tacho", "W1", self.FOUND, [1e6, 1e5])
        self.assertEqual(one["at_limit"], [2])
        text = "\n".join(capacity.table(one))
        self.assertIn("500,000, or more", text)
        self.assertIn("1,000,000  more", text)


class MeasurementTest(unittest.TestCase):
    def test_slope(self):
        line = [[t, 5 + 3 * t] for t in range(60)]
        self.assertAlmostEqual(capacity.slope(line), 3)
        self.assertAlmostEqual(capacity.slope([[0, 1e9]] + line), 3)
        self.assertIsNone(capacity.slope(line[:12]))
        self.assertIsNone(capacity.slope([[20, 1]] * 5))

    def test_of_a_row(self):
        data = sample.results(rounds=1, labels=("tacho",))[0]
        data["series"] = {"lag": [[t, 2.0 * t] for t in range(30)]}
        measured = capacity.measurement(rows.Row(data, "", 0))
        self.assertAlmostEqual(measured["lag_slope"], 2)
        self.assertTrue(100 < measured["p99_ms"] < 1000)
        sample.void(data, "results")
        self.assertFalse(capacity.measurement(rows.Row(data, "", 0))["ok"])


if __name__ == "__main__":
    unittest.main()
