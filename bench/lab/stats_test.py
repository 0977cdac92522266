"""The promises of stats.py, by simulation: what a pair's noise is given as is
the standard deviation of its log ratio (t3 and exponential: scaled to it)."""

import itertools
import math
import random
import unittest
import unittest.mock

import stats

DRAWS = 10_000
EFFECT = math.log(1.05)


def normal(rng, noise):
    return rng.gauss(0, noise)


def heavy(rng, noise):
    """Student's t with 3 degrees of freedom, whose deviation is sqrt(3)."""
    root = math.sqrt(rng.gammavariate(1.5, 2) / 3)
    return noise / math.sqrt(3) * rng.gauss(0, 1) / root


def skewed(rng, noise):
    """Exponential about its median: as if only one side had the noise."""
    return noise * (rng.expovariate(1) - math.log(2))


def both_skewed(rng, noise):
    """Two rows of a pair, each with exponential noise."""
    return noise / math.sqrt(2) * (rng.expovariate(1) - rng.expovariate(1))


NOISES = (normal, heavy, skewed, both_skewed)


def intervals(kind, pairs, noise, effect=0.0, draws=DRAWS):
    rng = random.Random(f"{kind.__name__} {pairs} {noise} {effect}")
    for _ in range(draws):
        yield stats.interval([effect + kind(rng, noise)
                              for _ in range(pairs)])


def share(verdicts, wanted):
    verdicts = list(verdicts)
    return verdicts.count(wanted) / len(verdicts)


class SimulationTest(unittest.TestCase):
    def test_false_alarms(self):
        for pairs, kind in itertools.product((9, 15), NOISES):
            with self.subTest(pairs=pairs, noise=kind.__name__):
                alarms = sum(low > 0 or high < 0 for low, high in
                             intervals(kind, pairs, 0.05))
                self.assertLessEqual(alarms / DRAWS, 0.05)

    def test_false_verdicts(self):
        for pairs, kind in itertools.product((9, 15), NOISES):
            with self.subTest(pairs=pairs, noise=kind.__name__):
                found = [stats.verdict(*ends) for ends in
                         intervals(kind, pairs, 0.05, draws=2_000)]
                self.assertLessEqual(
                    share(found, "better") + share(found, "worse"), 0.05)

    def test_effect_is_found(self):
        for kind in NOISES:
            with self.subTest(noise=kind.__name__):
                found = [stats.verdict(*ends) for ends in
                         intervals(kind, 15, 0.05, EFFECT, 4_000)]
                self.assertGreaterEqual(share(found, "worse"), 0.80)

    def test_noise_is_unstable(self):
        for pairs in (9, 15):
            found = [stats.verdict(*ends) for ends in
                     intervals(normal, pairs, 0.10, draws=4_000)]
            self.assertGreaterEqual(share(found, "unstable"), 0.80)

    def test_gate_is_not_tripped_by_the_bound_itself(self):
        """B is worse by exactly the bound: the gate may fall in 2.5 %."""
        tripped = sum(low > EFFECT for low, _ in
                      intervals(normal, 15, 0.05, EFFECT, 4_000))
        self.assertLessEqual(tripped / 4_000, 0.025)


class IntervalTest(unittest.TestCase):
    def test_rank_is_that_of_the_exact_distribution(self):
        for pairs in range(1, 12):
            sums = [sum(rank for rank, sign in enumerate(signs, 1) if sign)
                    for signs in itertools.product((0, 1), repeat=pairs)]
            rank = sum(sum(s <= w for s in sums) <= 0.01 * len(sums)
                       for w in range(pairs))
            self.assertEqual(stats.cut(pairs), rank or None, pairs)

    def test_many_pairs_go_on_from_the_exact_ranks(self):
        with unittest.mock.patch("stats.EXACT", 10):
            for pairs in (30, 60, 100):
                near = stats.cut.__wrapped__(pairs)
                self.assertIn(stats.cut(pairs) - near, range(6), pairs)
        low, high = stats.interval([place / 300 for place in range(300)])
        self.assertTrue(0.4 < low < 0.5 < high < 0.6)

    def test_seven_pairs_are_needed(self):
        self.assertIsNone(stats.interval([0.01] * 6))
        self.assertEqual(stats.interval([1, 2, 3, 4, 5, 6, 7]), (1, 7))
        few = stats.compare([0.2] * 6)
        self.assertEqual((few.verdict, few.low), ("unstable", None))
        self.assertFalse(few.wholly_worse())
        self.assertEqual(stats.compare([]).pairs, 0)

    def test_holds_the_median(self):
        for pairs in (7, 12, 29, 45):
            values = [math.exp(place / 3) for place in range(pairs)]
            low, high = stats.interval(values)
            middle = stats.statistics.median(values)
            self.assertTrue(low <= middle <= high)

    def test_mirrored_values_mirror_the_interval(self):
        rng = random.Random(7)
        values = [rng.gauss(0, 1) for _ in range(15)]
        low, high = stats.interval(values)
        self.assertEqual(stats.interval([-v for v in values]), (-high, -low))


class VerdictTest(unittest.TestCase):
    def test_direction(self):
        more = [0.08 + 0.001 * place for place in range(9)]
        self.assertEqual(stats.compare(more).verdict, "worse")
        self.assertEqual(stats.compare(more, True).verdict, "better")
        less = [-value for value in more]
        self.assertEqual(stats.compare(less).verdict, "better")
        self.assertEqual(stats.compare(less, True).verdict, "worse")
        self.assertEqual(stats.compare([0.0] * 9).verdict, "same")

    def test_wholly_worse(self):
        more = [0.08 + 0.001 * place for place in range(9)]
        self.assertTrue(stats.compare(more).wholly_worse())
        self.assertFalse(stats.compare(more, True).wholly_worse(True))
        less = [-value for value in more]
        self.assertTrue(stats.compare(less, True).wholly_worse(True))
        self.assertFalse(stats.compare(less).wholly_worse())

    def test_unstable_can_still_be_wholly_worse(self):
        wild = stats.compare([0.3, 0.5, 0.7, 0.4, 0.6, 0.5, 0.8, 0.3, 0.6])
        self.assertEqual(wild.verdict, "unstable")
        self.assertTrue(wild.wholly_worse())


if __name__ == "__main__":
    unittest.main()
