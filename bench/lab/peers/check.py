"""Checks the peers on a real Kafka: every result right, and exactly once.

    "$(tests/faults/setup)" bench/lab/peers/check.py [--systems kstreams,flink]
        [--states heap,rocksdb] [--settings default,tuned] [--messages 24000]

A peer is killed (kill -9) twice while messages come in, then ended in order
and started once more. Needs build/kafka-libs (tests/support/kafka/fetch).
Exit status 1, with the reason, if a peer fails.
"""

import argparse
import collections
import json
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
PEERS = ROOT / "bench/lab/peers"
sys.path.insert(0, str(ROOT / "tests/faults"))

from kafka import KafkaProducer, TopicPartition  # noqa: E402
from kafka.errors import (  # noqa: E402
    CoordinatorNotAvailableError, NotCoordinatorError)

from cluster import Cluster  # noqa: E402
from collect import ends_of, read_topic  # noqa: E402
from process import Process, wait_until  # noqa: E402

MINUTE, LATENESS = 60_000, 10_000
PARTITIONS = 8
FIELDS = ["vehicle_id", "window_start", "window_end", "samples", "speed_min",
          "speed_mean", "speed_max", "speed_last", "engine_temp_max",
          "distance"]


class Failure(Exception):
    pass


# ---- What goes in, and what has to come out.

def messages(count, seed):
    """(vehicle, value): steps of about 5 s of event time a vehicle, out of
    order by less than the lateness; one in 500 is later than that."""
    rng = random.Random(seed)
    vehicles = [f"v-{i:05}" for i in range(198)] + ['q"\\', "é-日"]
    clock = dict.fromkeys(vehicles, 1_767_225_600_000)
    odometer = dict.fromkeys(vehicles, 1000.0)
    for _ in range(count):
        v = rng.choice(vehicles)
        clock[v] += rng.randrange(10_000)
        odometer[v] += rng.choice([0, 0.013, 0.25, -0.1])
        late = rng.randrange(400_000) if rng.random() < 0.002 else 0
        yield v, {
            "vehicle_id": v, "ts": clock[v] - rng.randrange(9_000) - late,
            "lat": 48.1, "lon": -11.5e0, "speed_kmph":
                rng.choice([rng.randrange(200), round(rng.random() * 99, 1)]),
            "heading_deg": 271, "odometer_km": round(odometer[v], 3),
            "engine_temp_c": round(70 + rng.random() * 30, 2), "rpm": 2140,
            "fuel_pct": 6.5, "battery_v": 13.9, "ignition": True,
            "status": 'driving "fast" ☃', "unused": {"a": [1, {"ts": 5}]}}


def model(fed):
    """{(vehicle, start): result} of `fed`, in the order of FIELDS."""
    clock, last, opened, results = {}, {}, {}, {}
    for v, m in fed:
        ts, speed, start = m["ts"], m["speed_kmph"], m["ts"] // MINUTE * MINUTE
        clock[v] = max(clock.get(v, 0), ts)
        done = [k for k in opened if k[0] == v
                and k[1] + MINUTE + LATENESS <= clock[v]]
        results.update((k, result(k, opened.pop(k))) for k in done)
        if start + MINUTE + LATENESS <= clock[v]:
            continue
        time_before, odometer = last.get(v, (0, m["odometer_km"]))
        step = 0.0
        if ts >= time_before:
            step = max(0.0, m["odometer_km"] - odometer)
            last[v] = ts, m["odometer_km"]
        opened.setdefault((v, start), []).append(
            (ts, speed, m["engine_temp_c"], step))
    return results


def result(key, rows):
    speeds = [row[1] for row in rows]
    newest = max(range(len(rows)), key=lambda i: (rows[i][0], i))
    distance = total = 0.0
    for _, speed, _, step in rows:
        distance, total = distance + step, total + speed
    return [key[0], key[1], key[1] + MINUTE, len(rows), min(speeds),
            total / len(rows), max(speeds), speeds[newest],
            max(row[2] for row in rows), distance]


def compare(logs, wanted):
    """Every wanted result once, in the form that was asked for."""
    found = collections.Counter()
    for record in (record for log in logs for record in log):
        value = json.loads(record.value)
        if list(value) != FIELDS:
            raise Failure(f"fields {list(value)}")
        vehicle, start = value["vehicle_id"], value["window_start"]
        if record.key.decode() != vehicle:
            raise Failure(f"key {record.key!r} of {vehicle}")
        found[vehicle, start] += 1
        if list(value.values()) != wanted.get((vehicle, start)):
            raise Failure(f"result {record.value!r}, wanted "
                          f"{wanted.get((vehicle, start))}")
    twice = [key for key, count in found.items() if count > 1]
    lost = wanted.keys() - found.keys()
    if twice or lost:
        raise Failure(f"{len(twice)} results twice: {twice[:3]}; "
                      f"{len(lost)} lost: {list(lost)[:3]}")


# ---- A peer, and what it reads.

class Peer:
    def __init__(self, case, bootstrap, directory):
        self.case, self.bootstrap = case, bootstrap
        self.state = directory / "state"
        self.directory = directory
        self.starts = 0
        self.process = None

    def start(self):
        self.starts += 1
        began = time.monotonic()
        system, state, settings = self.case
        # Its own file for each start, so that "ready" is this one's.
        log = self.directory / f"peer-{self.starts}.log"
        self.process = Process([
            PEERS / "run", system, "--heap", "600m", "--bootstrap",
            self.bootstrap, "--input", f"in.{self.name}", "--output",
            f"out.{self.name}", "--group", self.name, "--state-dir",
            self.state, "--state", state, "--settings",
            PEERS / system / f"{settings}.properties"], log)
        wait_until(lambda: self.said("ready"), 120, f"{self.name} ready")
        say(f"ready after {time.monotonic() - began:.1f} s")

    @property
    def name(self):
        return "-".join(self.case)

    def said(self, event):
        if self.process.code not in (None, 0):
            raise Failure(f"{self.name} ended with {self.process.code}:\n"
                          + self.process.tail(5000))
        return f'{{"event":"{event}"' in self.process.log.read_text()

    def stop(self):
        began = time.monotonic()
        self.process.signal(signal.SIGTERM)
        code = self.process.wait(20)
        if code != 0 or not self.said("stopped"):
            raise Failure(f"{self.name}: exit status {code} after SIGTERM:\n"
                          + self.process.tail(5000))
        say(f"stopped after {time.monotonic() - began:.1f} s")


def committed(cluster, group):
    """What the group has committed, of all partitions together."""
    admin = cluster.admin()
    try:
        offsets = admin.list_group_offsets(group)[group]
    except (CoordinatorNotAvailableError, NotCoordinatorError):
        return 0  # The first group of a broker is still being set up.
    finally:
        admin.close()
    return sum(max(0, o.offset) for o in offsets.values())


class Feed(threading.Thread):
    """Sends `part`, slowly enough that peers die in the middle of it."""

    def __init__(self, bootstrap, topic, part, seconds):
        super().__init__(daemon=True)
        self.bootstrap, self.topic = bootstrap, topic
        self.part, self.seconds = part, seconds
        self.start()

    def run(self):
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap, acks="all", linger_ms=5,
            compression_type="lz4")
        for i, (vehicle, value) in enumerate(self.part):
            producer.send(self.topic, key=vehicle.encode(), value=json.dumps(
                value, ensure_ascii=i % 2 == 0).encode())
            if i % 100 == 0:
                time.sleep(self.seconds * 100 / len(self.part))
        producer.close()


# ---- The check of one peer.

def check(cluster, peer, count):
    group = peer.name
    source, sink = f"in.{group}", f"out.{group}"
    cluster.create_topics({source: PARTITIONS, sink: PARTITIONS})
    fed = list(messages(count, group))
    most = count * 9 // 10

    def reached(number):
        def there():
            peer.said("ready")  # Throws if the process has ended.
            return committed(cluster, group) >= number
        wait_until(there, 180, f"{group}: offset {number}", every=0.2)

    feed = Feed(cluster.bootstrap, source, fed[:most], 30)
    peer.start()
    for number in (most // 6, most // 2):
        reached(number)
        peer.process.kill()
        say(f"killed at {committed(cluster, group)} of {count}")
        peer.start()
    feed.join()
    reached(most)
    peer.stop()
    Feed(cluster.bootstrap, source, fed[most:], 2).join()
    peer.start()
    reached(count)
    peer.stop()
    if committed(cluster, group) != count:
        raise Failure(f"{committed(cluster, group)} of {count} committed")
    tps = [TopicPartition(sink, p) for p in range(PARTITIONS)]
    if (ends_of(cluster.bootstrap, tps, True)
            != ends_of(cluster.bootstrap, tps, False)):
        raise Failure("a transaction is open")
    wanted = model(fed)
    compare(read_topic(cluster.bootstrap, sink, PARTITIONS), wanted)
    say(f"all {len(wanted)} results once, as the model has them")


def say(text):
    print("  " + text, flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--systems", default="kstreams,flink")
    parser.add_argument("--states", default="heap,rocksdb")
    parser.add_argument("--settings", default="default,tuned")
    parser.add_argument("--messages", type=int, default=24_000)
    args = parser.parse_args()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="tacho-peers-"))
    cluster = Cluster(scratch)
    cluster.start()
    try:
        for case in ((system, state, settings)
                     for system in args.systems.split(",")
                     for state in args.states.split(",")
                     for settings in args.settings.split(",")):
            print(" ".join(case), flush=True)
            directory = scratch / "-".join(case)
            directory.mkdir()
            peer = Peer(case, cluster.bootstrap, directory)
            try:
                check(cluster, peer, args.messages)
            finally:
                if peer.process is not None:
                    peer.process.kill()
    except Exception:
        print(f"what it left is in {scratch}", file=sys.stderr)
        raise
    finally:
        cluster.stop()
    shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
