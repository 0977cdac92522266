"""What runs beside the workers: a producer, and a reader that looks on."""

import bisect
import random
import threading
import time

from kafka import KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from checker import digest
from collect import consumer
from history import SINKS, Record
from telemetry import Fleet


class Feeder(threading.Thread):
    """Sends each topic `rate` messages a second, event time running
    `speed` times as fast as the clock."""

    def __init__(self, bootstrap, topics, seed, rate, speed=60, vehicles=20,
                 start_ms=None, poison=(), backlog=0):
        super().__init__(name="feeder", daemon=True)
        self.bootstrap, self.rate = bootstrap, rate
        self.ready = threading.Event()  # The backlog is sent.
        self.backlog = backlog  # Messages of a topic, sent at once.
        self.sent = 0
        self._halt = threading.Event()
        start_ms = start_ms or int((time.time() - 12 * 3600) * 1000)
        self.fleets = {
            topic: Fleet(random.Random(f"{seed} {topic}"), vehicles, start_ms,
                         1000 * speed // rate, poison) for topic in topics}

    def run(self):
        due = 0.0
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap, acks="all", linger_ms=10,
            enable_idempotence=False, retries=1000000,
            delivery_timeout_ms=180000, request_timeout_ms=5000,
            max_block_ms=120000, reconnect_backoff_max_ms=500)
        try:
            self._send(producer, self.backlog)
            self.ready.set()
            last = time.monotonic()
            while not self._halt.wait(0.02):
                # After a stall it does not try to catch up.
                now = time.monotonic()
                due += min(now - last, 0.2) * self.rate
                last = now
                self._send(producer, int(due))
                due -= int(due)
            producer.flush(timeout=60)
        finally:
            producer.close(timeout=5)

    def _send(self, producer, count):
        for _ in range(count):
            for topic, fleet in self.fleets.items():
                key, value = fleet.message()
                producer.send(topic, key=key, value=value)
                self.sent += 1

    def stop(self):
        self._halt.set()
        self.join(180)
        if self.is_alive():
            raise TimeoutError("the producer does not end")


def longest_gap(times, since, until):
    """The longest time between `since` and `until` that has none of the
    sorted `times` in it."""
    first = bisect.bisect_right(times, since)
    marks = [since, *times[first : bisect.bisect_left(times, until)], until]
    return max(b - a for a, b in zip(marks, marks[1:]))


class Observer(threading.Thread):
    """A read_committed reader of the outputs of `jobs`, all the time.

    Remembers offsets and digests; survives the broker's deaths. Digests are
    of this process only.
    """

    def __init__(self, bootstrap, jobs):
        super().__init__(name="observer", daemon=True)
        self.bootstrap = bootstrap
        self._halt = threading.Event()
        self._seen = {
            TopicPartition(f"{job.name}.{sink}", p): []
            for job in jobs for sink in SINKS for p in range(job.partitions)}
        self._counts = {job.name: 0 for job in jobs}
        # (job, partition) -> when something new was seen there
        self._times = {(job.name, p): [] for job in jobs
                       for p in range(job.partitions)}
        self.reconnects = 0

    def run(self):
        while not self._halt.is_set():
            try:
                self._read()
            except (KafkaError, OSError):
                self.reconnects += 1
                self._halt.wait(0.3)

    def _read(self):
        reader = consumer(self.bootstrap)
        try:
            reader.assign(list(self._seen))
            for tp, seen in self._seen.items():
                reader.seek(tp, seen[-1][0] + 1 if seen else 0)
            while not self._halt.is_set():
                self._take(reader.poll(timeout_ms=100))
        finally:
            reader.close()

    def _take(self, batches):
        now = time.monotonic()
        for tp, records in batches.items():
            self._seen[tp].extend(
                (r.offset, digest(Record(0, 0, r.key, r.value)))
                for r in records)
            job = tp.topic.rsplit(".", 1)[0]
            self._counts[job] += len(records)
            self._times[job, tp.partition].append(now)

    def count(self, job):
        """Output records of the job that were seen committed so far."""
        return self._counts[job.name]

    def all_since(self, job, since):
        """Whether something new was seen of every partition after `since`,
        which is monotonic."""
        return all(times and times[-1] > since
                   for p in range(job.partitions)
                   for times in [self._times[job.name, p]])

    def longest_gap(self, job, since, until):
        """The longest time in which nothing new was seen of some partition;
        times are monotonic."""
        return max(longest_gap(self._times[job.name, p], since, until)
                   for p in range(job.partitions))

    def longest_silence(self, job, since, until):
        """The longest time in which nothing new was seen at all."""
        return longest_gap(
            sorted(t for p in range(job.partitions)
                   for t in self._times[job.name, p]), since, until)

    def stop(self):
        self._halt.set()
        self.join(60)

    def seen(self, job):
        return {sink: [self._seen[TopicPartition(f"{job.name}.{sink}", p)]
                       for p in range(job.partitions)] for sink in SINKS}
