"""A crash at every step: SIGKILL at each fail point, under load.

Several jobs side by side, each with a worker that is started, armed with one
fail point, and killed by it, again and again; and a helper that joins and
leaves, which makes the worker give up and take over partitions. Then every
job runs to its end undisturbed and is checked.
"""

import argparse
import os
import pathlib
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict

import checker
import collect
from broker import ROOT
from cluster import Cluster
from job import Job, Worker, tacho_binary
from load import Feeder, Observer
from process import Process, Timeout, wait_until

FAIL_POINT = re.compile(r'FAIL_POINT\("([a-z_.]+)"\)')
KILL_SECONDS = 60  # From a start to the kill, at most.
REFUSED = 78  # Exit status of a reset whose group has members.
RESET = "offsets."  # Points of `tacho offsets reset`, not of a worker.
FIRST = "takeover.before_create"  # Passed only before there is a changelog.


def fail_points():
    """Every name that is compiled in."""
    names = set()
    for folder in ("pipeline", "state", "operators"):
        for path in (ROOT / folder).rglob("*.cc"):
            names |= set(FAIL_POINT.findall(path.read_text()))
    return sorted(names)


class Victim(threading.Thread):
    """One job, and the kills of its worker."""

    def __init__(self, job, points, observer, rng, deadline):
        super().__init__(name=job.name)
        self.job, self.points, self.observer = job, points, observer
        self.rng, self.deadline = rng, deadline
        self.worker = Worker(job, "worker")
        self.helper = Worker(job, "helper")
        self.kills = []  # (point, milliseconds, seconds since the start)
        self.error = None
        self.left = False  # The group is empty.
        self.from_here = 0  # Where the helper's log of this life begins.

    def run(self):
        try:
            for point in self.points:
                self._kill_at(point)
            code = self.helper.stop()
            if code != 0:
                raise RuntimeError(f"the helper ended with {code}\n" +
                                   self.helper.process.tail())
        except Exception as e:  # pylint: disable=broad-except
            self.error = e

    def _kill_at(self, point):
        # The n-th passing: of epochs, of lanes taken over at the start or
        # later, of rebalances.
        most = {"commit": 6, "takeover": 6, "restore": 6}
        n = self.rng.randint(1, most.get(point.split(".")[0], 2))
        if point == FIRST:
            n = 1
        if point.startswith("producer."):
            n = 1
        if point.split(".")[0] in ("producer", "restore"):
            self._get_on()  # Passed at the start: have something done before.
        if self.rng.random() < 0.1 and not self.helper.running():
            shutil.rmtree(self.worker.state, ignore_errors=True)
        if point.startswith(RESET):
            self._reset_at(point)
            return
        try:
            self._die_at(point, n)
        except Timeout:
            if n == 1:
                raise
            # Not so often in this time: lanes that are resumed skip steps.
            self.worker.process.kill()
            self._die_at(point, 1)

    def _reset_at(self, point):
        """`tacho offsets reset` dies before it has moved an offset."""
        if not self.left:  # It wants the group stopped.
            self._get_on("--leave", number=signal.SIGTERM)
            self.helper.stop()
            self.left = True
        began = time.monotonic()
        while True:
            process = Process(
                [tacho_binary(), "offsets", "reset", self.job.path,
                 "--to", "earliest", "--state", "wipe"],
                self.job.directory / "reset.log",
                dict(os.environ, TACHO_FAIL_POINT=f"{point}:1"))
            process.wait(KILL_SECONDS)
            # A static member that is told to leave in the middle of a
            # rebalance may be gone only after its session time-out.
            if process.code != REFUSED or \
                    time.monotonic() - began > KILL_SECONDS:
                break
        self._note_death(process, point, 1, began)

    def _die_at(self, point, n):
        began = time.monotonic()
        process = self.worker.start(fail_point=f"{point}:{n}")
        patient = point.startswith("commit.")
        while not self._died(process, 4 if patient else 0.4):
            if time.monotonic() - began > KILL_SECONDS:
                raise Timeout(
                    f"{self.job.name}: {point}:{n} was not passed in "
                    f"{KILL_SECONDS} s\n{process.tail()}")
            if time.monotonic() > self.deadline:
                raise TimeoutError("out of time")
            if not patient:
                self._toggle()
        self._note_death(process, point, n, began)

    def _note_death(self, process, point, n, began):
        if process.code != -signal.SIGKILL:
            raise RuntimeError(f"{self.job.name}: exit status {process.code} "
                               f"at {point}:{n}\n{process.tail()}")
        self.kills.append((point, int(time.time() * 1000),
                           time.monotonic() - began))

    def _get_on(self, *arguments, number=signal.SIGKILL):
        """A worker that gets on, and is ended somewhere."""
        seen = self.observer.count(self.job)
        process = self.worker.start(*arguments)
        wait_until(lambda: self.observer.count(self.job) > seen, KILL_SECONDS,
                   f"{self.job.name}: progress\n{process.tail()}", every=0.02)
        time.sleep(self.rng.random() * 0.2)
        process.signal(number)
        if process.wait(KILL_SECONDS) is None:
            raise Timeout(f"{self.job.name}: does not end\n{process.tail()}")

    def _died(self, process, seconds):
        """Waits for its death, but not after it has got on for `seconds`."""
        seen = self.observer.count(self.job)
        give_up = time.monotonic() + KILL_SECONDS
        until = None
        while process.running():
            now = time.monotonic()
            if until is None and self.observer.count(self.job) > seen:
                until = now + seconds
            if now > min(until or give_up, self.deadline):
                return False
            time.sleep(0.02)
        return True

    def _toggle(self):
        """Makes the group rebalance, once the last change has taken effect."""
        if self.helper.running():
            if not self._helper_joined():
                return
            self.helper.process.signal(signal.SIGTERM)
            if self.helper.process.wait(20) is None:
                raise TimeoutError("the helper does not stop\n" +
                                   self.helper.process.tail())
        else:
            log = self.helper.job.directory / "helper.log"
            self.from_here = log.stat().st_size if log.exists() else 0
            self.helper.start("--leave")

    def _helper_joined(self):
        with open(self.helper.process.log, "rb") as file:
            file.seek(self.from_here)
            return b"partitions_assigned" in file.read()

    def finish(self):
        """Runs to the end without faults; what it leaves is to be checked."""
        self.worker.start("--until-end")
        code = self.worker.process.wait(60)
        if code != 0:
            raise RuntimeError(f"{self.job.name}: the last run ended with "
                               f"{code}\n{self.worker.process.tail()}")


def progress(history, times):
    """Per kill, how far the group's offsets had moved since the one before."""
    commits = sorted((c.time, p, c.offset)
                     for p, log in enumerate(history.commits) for c in log)
    at, total, moved = defaultdict(int), 0, []
    i = before = 0
    for t in times:
        while i < len(commits) and commits[i][0] <= t:
            _, partition, offset = commits[i]
            total += offset - at[partition]
            at[partition] = offset
            i += 1
        moved.append(total - before)
        before = total
    return moved


def plan(points, kills, jobs, rng):
    """Every point `kills` times, spread over the jobs, in random order."""
    plans = [[] for _ in range(jobs)]
    turn = 0
    for point in points:
        for _ in range(kills):
            plans[turn % jobs].append(point)
            turn += 1
    for p in plans:
        rng.shuffle(p)
        p.sort(key=lambda point: (point.startswith(RESET), point != FIRST))
    return plans


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="of each point")
    parser.add_argument("--points", nargs="*", help="only these")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=10, help="at most")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    points = options.points or fail_points()
    print(f"crash points: seed {options.seed}, {len(points)} points, "
          f"{options.kills} kills each", flush=True)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="tacho-faults-"))
    good = False
    try:
        good = run(options, points, directory)
    finally:
        if good and not options.keep:
            shutil.rmtree(directory)
        else:
            print(f"logs and state are kept in {directory}")
    return 0 if good else 1


def run(options, points, directory):
    rng = random.Random(options.seed)
    broker = Cluster(directory)
    broker.start()
    began = time.monotonic()
    jobs = [Job(f"crash-{i}", directory, broker, 4, commit_ms=50,
                heartbeat_ms=100) for i in range(options.jobs)]
    observer = Observer(broker.bootstrap, jobs)
    observer.start()
    feeder = Feeder(broker.bootstrap, [j.name for j in jobs], options.seed,
                    rate=250)
    feeder.start()
    deadline = began + options.minutes * 60
    victims = [
        Victim(job, p, observer, random.Random(rng.random()), deadline)
        for job, p in zip(jobs, plan(points, options.kills, options.jobs, rng))]
    for victim in victims:
        victim.start()
    wait_until(lambda: not any(v.is_alive() for v in victims),
               options.minutes * 60 + KILL_SECONDS, "the kills", every=0.5)
    faulty = time.monotonic() - began
    feeder.stop()
    errors = [v.error for v in victims if v.error]
    for error in errors:
        print(f"ERROR: {error}")
    if errors:
        return False
    for victim in victims:
        victim.finish()
    observer.stop()
    violations, counts, moved, totals = [], Counter(), Counter(), Counter()
    for victim in victims:
        history = collect.collect(victim.job, broker.bootstrap, observer)
        violations += [f"{victim.job.name}: {v}" for v in
                       checker.check(history)]
        times = [t for _, t, _ in victim.kills]
        for (point, _, _), by in zip(victim.kills, progress(history, times)):
            counts[point] += 1
            moved[point] += by > 0
        totals["input"] += sum(map(len, history.input))
        for log in (l for logs in history.outputs.values() for l in logs):
            totals["output"] += len(log)
            totals["during"] += sum(r.timestamp <= times[-1] for r in log)
    broker.stop()
    return report(options, points, counts, moved, totals, violations, faulty)


def report(options, points, counts, moved, totals, violations, faulty):
    print(f"{'fail point':28} kills  of them after progress")
    for point in points:
        print(f"{point:28} {counts[point]:5}  {moved[point]:5}")
    kills = sum(counts.values())
    share = totals["during"] / max(1, totals["output"])
    print(f"{kills} kills in {faulty:.0f} s, {sum(moved.values())} after "
          f"progress; {totals['input']} messages in, {totals['output']} "
          f"records out, {share:.0%} of them during the faults; "
          f"{len(violations)} violations")
    for violation in violations[:40]:
        print(f"VIOLATION {violation}")
    enough = all(counts[p] >= options.kills for p in points)
    if not enough:
        print("TOO FEW kills")
    # A kill at the start of a worker may follow another one too fast.
    busy = sum(moved.values()) >= kills / 2 and share >= 0.5 and all(
        moved[p] * 2 >= counts[p] for p in points if p.startswith("commit."))
    if not busy:
        print("TOO LITTLE was done between the kills")
    return enough and busy and not violations


if __name__ == "__main__":
    sys.exit(main())
