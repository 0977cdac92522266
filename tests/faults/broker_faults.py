"""The faults of the brokers, on a schedule beside that of the workers'."""

import random
import threading
import time

from kafka.errors import KafkaError

from process import Timeout, wait_until

# Of a fault for how often it is chosen.
OF_ONE = {"broker": 1}
OF_THREE = {"broker": 2, "rolling": 1, "polite": 2, "leaders": 2,
            "controller": 1, "two_brokers": 1, "freeze": 1}
FROZEN_SECONDS = 20
AFTER_POLITE = 5  # Seconds in sync that still count as its time.
CALM_GAP = 3  # Seconds without an output that are no fault's work.
CALM_SECONDS = 60  # Until the group gets on again, at most.


class BrokerFaults(threading.Thread):
    """Threading: its own; brokers that it starts die with it, so it never
    ends. Where a fault is measured it holds `quiet`, and whoever does faults
    to workers waits for that."""

    def __init__(self, cluster, observer, job, seed, without, count):
        super().__init__(name="brokers", daemon=True)
        self.cluster, self.observer, self.job = cluster, observer, job
        self.rng = random.Random(f"{seed} brokers")
        of_all = OF_ONE if cluster.size == 1 else OF_THREE
        self.weights = {n: w for n, w in of_all.items() if n not in without}
        # One broker is nothing to rely on: it is left alone for a while.
        self.pause = 40 if cluster.size == 1 else 5
        self.count = count
        self.quiet = threading.Lock()
        self.calm_wanted = threading.Event()  # Workers: no more surprises.
        self.stalls = []  # (seconds, broker, a time in words)
        self.error = None
        self.verbose = False
        self._halt = threading.Event()
        self._idle = threading.Event()

    def run(self):
        todo = list(self.weights)  # Each at least once, in random order.
        self.rng.shuffle(todo)
        try:
            while todo or self.weights:
                if self._halt.wait(self.rng.random() * self.pause):
                    break
                name = todo.pop() if todo else self.rng.choices(
                    *zip(*self.weights.items()))[0]
                self._do(name)
        except Exception as e:  # pylint: disable=broad-except
            self.error = e
        self._idle.set()
        threading.Event().wait()

    def stop(self, tend):
        """Ends with the fault that is going on, all brokers running and in
        sync; raises what went wrong. `tend` is called all the time."""
        self._halt.set()
        while not self._idle.wait(0.1):
            tend()
        self.cluster.heal()
        if self.error:
            raise self.error

    def _do(self, name):
        if self.verbose:
            print(f"{time.strftime('%H:%M:%S')} {name}", flush=True)
        getattr(self, "_do_" + name)()
        self.count[name] += 1

    def _any(self):
        return self.rng.choice(self.cluster.brokers)

    def _kill(self, *brokers):
        for broker in brokers:
            broker.kill()
            self.count["kill -9 of a broker"] += 1
        time.sleep(self.rng.random() * 2)
        for broker in brokers:
            broker.spawn()
        self.cluster.wait_in_sync()

    def _do_broker(self):
        self._kill(self._any())

    def _do_rolling(self):
        """One after the other, as soon as the last one is in sync."""
        for broker in self.rng.sample(self.cluster.brokers, self.cluster.size):
            self._kill(broker)

    def _do_two_brokers(self):
        """Neither a quorum of controllers nor enough replicas is left."""
        self._kill(*self.rng.sample(self.cluster.brokers, 2))

    def _do_controller(self):
        self._kill(self.cluster.controller())

    def _do_leaders(self):
        try:
            self.count["leaders moved (partitions)"] += \
                self.cluster.move_leaders(self.rng)
        except KafkaError as e:  # Some have moved.
            print(f"moving leaders: {e!r}", flush=True)
        self.cluster.wait_in_sync()

    def _do_freeze(self):
        broker = self._any()
        broker.freeze()
        time.sleep(FROZEN_SECONDS)
        broker.thaw()
        self.cluster.wait_in_sync()

    def _do_polite(self):
        """Stopped and started, with nothing else going on: how long it holds
        up what any partition writes, as a reader sees it."""
        with self.quiet:
            self.calm_wanted.set()
            try:
                self._measure(self._any())
            finally:
                self.calm_wanted.clear()

    def _measure(self, broker):
        self.cluster.balance()
        began = time.monotonic()

        def calm():
            now = time.monotonic()
            since = max(began, now - 2 * CALM_GAP)
            return now - began > 2 * CALM_GAP and \
                self.observer.longest_gap(self.job, since, now) < CALM_GAP
        try:
            wait_until(calm, CALM_SECONDS, "a group that gets on", every=0.2)
        except Timeout:
            # On a host that is too busy a gap says nothing about the restart.
            self.count["polite, not measured: no calm"] += 1
            return
        began, said = time.monotonic(), time.strftime("%H:%M:%S")
        broker.stop()
        broker.spawn()
        self.cluster.wait_in_sync()
        time.sleep(AFTER_POLITE)
        gap = self.observer.longest_gap(self.job, began, time.monotonic())
        self.stalls.append((gap, broker.node, said))
