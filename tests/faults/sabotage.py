"""Builds that break a rule on purpose: the checker must refuse what they do.

Exit status 0 only if it did, and accepted what the same build does under the
same faults when it breaks none (the controls).
"""

import argparse
import pathlib
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter

import checker
import collect
from broker import ROOT
from cluster import Cluster
from job import Job, Worker
from load import Feeder, Observer
from process import Timeout, wait_until

CONTROLS = ("none", "none_evicting")
LEAST_OUTPUT = 50  # Records; with less a run says nothing.
SABOTAGED = re.compile(r'SABOTAGED\("([a-z_]+)"\)')


def rules():
    """Every rule that a build can be told to break."""
    names = set()
    for folder in ("pipeline", "state", "operators"):
        for path in (ROOT / folder).rglob("*.[ch]*"):
            names |= set(SABOTAGED.findall(path.read_text()))
    return sorted(names)


class Attempt:
    """A job whose workers break `rule`, and what makes that show."""

    def __init__(self, rule, broker, directory, rounds):
        self.rule = None if rule in CONTROLS else rule
        self.broker, self.rounds = broker, rounds
        evict = rule in ("evict_early", "none_evicting")
        # Fencing by instance id would hide a missing fence by generation.
        static = rule != "ignore_fence"
        more = "limits: {partitions_per_worker: 1000}\n" if evict else ""
        self.job = Job(rule.replace("_", "-"), directory, broker,
                       2 if evict else 4, session_ms=2000, heartbeat_ms=200,
                       memory="80MiB" if evict else "256MiB", more=more)
        self.workers = [Worker(self.job, name, static)
                        for name in ("one", "two")]
        self.observer = Observer(broker.bootstrap, [self.job])
        self.feeder = Feeder(
            broker.bootstrap, [self.job.name], seed=rule,
            rate=2000 if evict else 400, vehicles=8000 if evict else 20,
            backlog=60000 if evict else 0)

    def run(self):
        self.observer.start()
        self.feeder.start()
        self.feeder.ready.wait(60)
        for worker in self.workers:
            worker.start(sabotage=self.rule)
        for i in range(self.rounds):
            self._get_on()
            if self.rule == "ignore_fence":
                self._zombie(self.workers[i % 2], self.workers[(i + 1) % 2])
            elif self.rule == "early_offsets":
                self._die_between(self.workers[i % 2])
            else:
                self.workers[i % 2].process.kill()
                self.workers[i % 2].start(sabotage=self.rule)
        self._get_on()
        self.feeder.stop()
        for worker in self.workers:
            worker.stop(15)
        # It may refuse to go on, or never come to the end.
        last = self.workers[0]
        last.start("--until-end", sabotage=self.rule)
        if last.process.wait(20) is None:
            last.stop(10)
        self.observer.stop()
        history = collect.collect(self.job, self.broker.bootstrap,
                                  self.observer)
        return checker.check(history)

    def _get_on(self):
        seen = self.observer.count(self.job)
        try:
            wait_until(lambda: self.observer.count(self.job) > seen + 50, 5,
                       "progress")
        except Timeout:  # It has stopped itself.
            pass
        for worker in self.workers:
            if not worker.running():
                worker.start(sabotage=self.rule)

    def _die_between(self, worker):
        """In a commit, with the early offsets there and the outputs not."""
        worker.process.kill()
        worker.start(sabotage=self.rule, fail_point="commit.after_flush:3")
        worker.process.wait(10)
        worker.stop(5)
        worker.start(sabotage=self.rule)

    def _zombie(self, worker, other):
        """Frozen with an epoch in its hands until the epoch's partitions are
        another's, who has committed on all of them; then it goes on. Both may
        find what an earlier round did, and stop themselves."""
        worker.process.kill()
        worker.start(sabotage=self.rule, fail_point="commit.before_begin:5:stop")
        wait_until(lambda: worker.process.stopped() or not worker.running(),
                   30, "a worker frozen in a commit")
        frozen = time.monotonic()
        wait_until(lambda: not worker.running() or not other.running() or
                   self.observer.all_since(self.job, frozen),
                   60, "another worker in its place")
        worker.process.signal(signal.SIGCONT)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rule", choices=[*CONTROLS, *rules()], action="append",
                        help="default: all")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="tacho-faults-"))
    broker = Cluster(directory)
    broker.start()
    missed = []
    for rule in options.rule or [*CONTROLS, *rules()]:
        began = time.monotonic()
        attempt = Attempt(rule, broker, directory, options.rounds)
        violations = attempt.run()
        output = attempt.observer.count(attempt.job)
        right = output >= LEAST_OUTPUT and bool(violations) == (rule not in CONTROLS)
        by_rule = Counter(v.rule for v in violations)
        print(f"sabotage {rule:14} {time.monotonic() - began:3.0f} s "
              f"{output:6} records  "
              f"{'refused ' if violations else 'accepted'} "
              f"{'' if right else 'WRONG '}{dict(sorted(by_rule.items()))}",
              flush=True)
        for violation in violations[:1 if right else 20]:
            print(f"  such as {violation}"[:300])
        if not right:
            missed.append(rule)
    broker.stop()
    if missed or options.keep:
        print(f"logs and state are kept in {directory}")
    else:
        shutil.rmtree(directory)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
