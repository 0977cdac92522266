"""A run with a seeded random schedule of faults, and its verdict."""

import argparse
import pathlib
import random
import shutil
import sys
import tempfile
import time
from collections import Counter

import checker
import collect
from broker import ROOT
from broker_faults import OF_ONE, OF_THREE, BrokerFaults
from cluster import Cluster
from crash_points import FIRST, RESET, fail_points
from faults import SESSION_MS, WEIGHTS, Faults
from job import Job, Worker
from load import Feeder, Observer
from process import wait_until
from proxy import Proxy
from telemetry import poison_messages

PARTITIONS = 6
WORKERS = 3
LONGEST_STALL = 90  # Seconds without an output, at most.
LEAST_SHARE = 0.5  # Of the output, while faults went on.
LEAST_FAULTS = 8  # A minute.
LONGEST_POLITE = 5  # Seconds that a polite restart of one of three may take.


def poison(path):
    found = poison_messages(path, int(time.time() * 1000))
    if found is None:
        print(f"SKIPPED: no poison file {path}; the producer's own broken "
              "messages must do")
        return []
    messages, lines = found
    print(f"poison: {len(messages)} of the file's {lines} messages")
    return messages


class Run:
    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.rng = random.Random(options.seed)
        self.count = Counter()
        self.weights = {name: weight for name, weight in WEIGHTS.items()
                        if name not in options.without}
        self.cluster = Cluster(directory, 3 if options.cluster else 1)
        self.cluster.start()
        self.proxy = Proxy(self.cluster.routes)
        self.proxy.start()
        self.job = Job("nemesis", directory, self.cluster, PARTITIONS,
                       session_ms=SESSION_MS, heartbeat_ms=300, proxied=True)
        self.workers = [Worker(self.job, f"worker-{i}")
                        for i in range(WORKERS)]
        self.observer = Observer(self.cluster.bootstrap, [self.job])
        # Event time must not reach the present, nor a week before the start.
        speed = max(1, min(60, int(5 * 24 * 60 / (options.minutes + 2))))
        start = time.time() - (options.minutes + 5) * 60 * speed
        self.feeder = Feeder(
            self.cluster.bootstrap, [self.job.name], options.seed,
            rate=options.rate, speed=speed, vehicles=40,
            start_ms=int(start * 1000), poison=poison(options.poison))
        self.faults = Faults(
            self.proxy, self.job, self.workers,
            [p for p in fail_points()
             if p != FIRST and not p.startswith(RESET)], self.rng, self.count)
        self.broker_faults = BrokerFaults(
            self.cluster, self.observer, self.job, options.seed,
            options.without, self.count)
        self.broker_faults.verbose = options.verbose
        self.window = None  # (first, last) fault, milliseconds
        self.stall = 0.0  # Seconds without any output, between them.

    def run(self):
        self.observer.start()
        self.feeder.start()
        for worker in self.workers:
            worker.start()
        wait_until(lambda: self.observer.count(self.job) > 0, 60, "an output")
        self._faulty_time()
        self.faults.heal()
        self.broker_faults.stop(self._tend)
        self._drain()
        self.observer.stop()
        self.proxy.stop()
        print("reading the history", flush=True)
        history = collect.collect(self.job, self.cluster.bootstrap,
                                  self.observer, self.count["SST files damaged"])
        violations = checker.check(history)
        self.cluster.stop()
        return self._verdict(history, violations)

    def _faulty_time(self):
        end = time.monotonic() + self.options.minutes * 60
        names = list(self.weights)
        weights = list(self.weights.values())
        began, first = time.monotonic(), int(time.time() * 1000)
        todo = list(names)  # Each at least once, in random order.
        self.rng.shuffle(todo)
        self.broker_faults.start()
        while time.monotonic() < end:
            self._tend()
            if not names:
                time.sleep(0.1)
                continue
            if not self.broker_faults.quiet.acquire(timeout=0.1):
                continue
            try:
                name = todo.pop() if todo else \
                    self.rng.choices(names, weights)[0]
                if self.options.verbose:
                    print(f"{time.strftime('%H:%M:%S')} {name}", flush=True)
                self.faults.do(name)
            finally:
                self.broker_faults.quiet.release()
            pause = time.monotonic() + self.rng.random() * 3
            while time.monotonic() < min(pause, end):
                time.sleep(0.1)
                self._tend()
        self.window = first, int(time.time() * 1000)
        self.stall = self.observer.longest_silence(
            self.job, began, time.monotonic())

    def _tend(self):
        if self.broker_faults.calm_wanted.is_set():
            self.faults.heal()
        self.faults.tend()

    def _drain(self):
        """No faults any more: all that was sent is processed, and every
        worker ends by itself."""
        self.feeder.stop()
        for worker in self.workers:
            self.faults.armed.pop(worker, None)
            code = worker.stop(60)
            if code not in (0, -9):
                self.faults.fatal.append(f"{worker.name}: stopped with {code}"
                                         f"\n{worker.process.tail()}")
        for worker in self.workers:
            worker.start("--until-end")
        end = time.monotonic() + 120
        while time.monotonic() < end and any(
                worker.running() for worker in self.workers):
            time.sleep(0.2)
        for worker in self.workers:
            code = worker.process.wait(1)
            if code != 0:
                self.faults.fatal.append(
                    f"{worker.name}: the last run ended with {code}\n"
                    f"{worker.process.tail()}")
                worker.process.kill()

    def _verdict(self, history, violations):
        records = sum(map(len, history.input))
        outputs = [r for logs in history.outputs.values() for log in logs
                   for r in log]
        first, last = self.window
        share = sum(first <= r.timestamp <= last for r in outputs) / max(
            1, len(outputs))
        epochs = sum(map(len, history.commits))
        print(f"\nseed {self.options.seed}, {self.options.minutes:g} minutes")
        print(f"  workers: {sum(w.starts for w in self.workers)} starts; "
              f"proxied requests hit: {sum(self.proxy.hits.values())}")
        print(f"  {records} messages in, {len(outputs)} records out, "
              f"{epochs} offset commits")
        print(f"  {share:.0%} of the output written while faults went on; "
              f"longest stall {self.stall:.1f} s")
        for (key, kind), hits in sorted(
                (k, v) for k, v in self.proxy.hits.items()
                if isinstance(k, tuple)):
            self.count[f"EndTxn: {kind}"] += hits
        for name, count in sorted(self.count.items()):
            print(f"  {name:36} {count:5}")
        for gap, node, said in self.broker_faults.stalls:
            print(f"  polite restart of broker {node} at {said}: "
                  f"nothing new of a partition for {gap:.1f} s")
        print(f"  violations: {len(violations)}")
        for violation in violations[:40]:
            print(f"VIOLATION {violation}")
        complaints = [f"WORKER {text}" for text in self.faults.fatal]
        kinds = [*self.weights, *self.broker_faults.weights]
        done = sum(self.count[name] for name in kinds)
        missing = [name for name in kinds if not self.count[name]]
        if done < LEAST_FAULTS * self.options.minutes or missing:
            complaints.append(f"TOO FEW faults: {done}; none of {missing}")
        if share < LEAST_SHARE:
            complaints.append("TOO LITTLE was written while faults went on")
        if self.stall > LONGEST_STALL:
            complaints.append("STALLED too long")
        complaints += [
            f"STALLED {gap:.1f} s by a polite restart of broker {node}"
            for gap, node, _ in self.broker_faults.stalls
            if gap > LONGEST_POLITE]
        for complaint in complaints:
            print(complaint)
        return not violations and not complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--cluster", action="store_true",
                        help="three brokers, and faults of theirs")
    parser.add_argument("--rate", type=int, default=500,
                        help="messages a second")
    parser.add_argument("--poison", metavar="FILE",
                        default=ROOT / "../shared/data/poison.ndjson")
    parser.add_argument("--without", nargs="*", default=[],
                        choices=[*WEIGHTS, *(OF_ONE | OF_THREE)],
                        help="kinds of faults that are left out")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    print(f"nemesis: seed {options.seed}, {options.minutes:g} minutes, "
          f"{3 if options.cluster else 1} brokers",
          flush=True)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="tacho-faults-"))
    good = False
    try:
        good = Run(options, directory).run()
    finally:
        if good and not options.keep:
            shutil.rmtree(directory)
        else:
            print(f"logs and state are kept in {directory}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
