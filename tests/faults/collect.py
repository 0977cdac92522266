"""Reads what a run left: topics with kafka-python, RocksDB with ldb."""

import re
import shutil
import struct
import subprocess
import time as clock

from kafka import KafkaConsumer, TopicPartition

from formats import Corrupt, Reader
from history import SINKS, Commit, History, Record, Store

READ_SECONDS = 180


def consumer(bootstrap, committed=True):
    return KafkaConsumer(
        bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False,
        isolation_level="read_committed" if committed else "read_uncommitted",
        auto_offset_reset="earliest", fetch_max_wait_ms=50,
        # Quick to see that a broker is frozen, or back.
        request_timeout_ms=3000, reconnect_backoff_max_ms=300,
        metadata_max_age_ms=5000,
        max_partition_fetch_bytes=4 << 20, max_poll_records=5000)


def read_topic(bootstrap, topic, partitions):
    """Every record below the last stable offset, by partition."""
    logs = [[] for _ in range(partitions)]
    tps = [TopicPartition(topic, p) for p in range(partitions)]
    reader = consumer(bootstrap)
    try:
        ends = reader.end_offsets(tps)
        reader.assign(tps)
        reader.seek_to_beginning(*tps)
        deadline = clock.monotonic() + READ_SECONDS
        left = {tp for tp in tps if ends[tp] > 0}
        while left:
            for tp, records in reader.poll(timeout_ms=500).items():
                logs[tp.partition].extend(
                    Record(r.offset, r.timestamp, r.key, r.value,
                           tuple(r.headers or ())) for r in records)
            left = {tp for tp in left if reader.position(tp) < ends[tp]}
            if clock.monotonic() > deadline:
                raise TimeoutError(f"{topic}: {left} does not come to its end")
    finally:
        reader.close()
    return logs


def ends_of(bootstrap, tps, committed):
    reader = consumer(bootstrap, committed)
    try:
        return reader.end_offsets(tps)
    finally:
        reader.close()


def parse_offset_commit(record):
    """((group, topic, partition), Commit) of a record of __consumer_offsets;
    None for its other kinds and for deletions."""
    def text(at):
        size = struct.unpack_from(">h", record.key, at)[0]
        return record.key[at + 2 : at + 2 + size].decode(), at + 2 + size

    if struct.unpack_from(">h", record.key)[0] > 1 or record.value is None:
        return None
    group, at = text(2)
    topic, at = text(at)
    partition = struct.unpack_from(">i", record.key, at)[0]
    version, offset = struct.unpack_from(">hq", record.value)
    at = 10 + (4 if version >= 3 else 0)  # A leader epoch since 3.
    if version >= 4:  # A compact string.
        read = Reader(record.value)
        read.take(at)
        metadata = read.take(read.varint() - 1)
        time = struct.unpack(">q", read.take(8))[0]
    else:
        size = struct.unpack_from(">h", record.value, at)[0]
        metadata = record.value[at + 2 : at + 2 + size]
        time = struct.unpack_from(">q", record.value, at + 2 + size)[0]
    return (group, topic, partition), Commit(offset, metadata.decode(), time)


def read_commits(bootstrap, group, topic, partitions):
    commits = [[] for _ in range(partitions)]
    for log in read_topic(bootstrap, "__consumer_offsets", 4):
        for record in log:
            parsed = parse_offset_commit(record)
            if parsed and parsed[0][:2] == (group, topic):
                commits[parsed[0][2]].append(parsed[1])
    return commits


LDB_LINE = re.compile(r"0x([0-9A-F]*) (?:==>|:) 0x([0-9A-F]*)\Z")


def ldb(directory, *arguments):
    done = subprocess.run(
        ["ldb", f"--db={directory}", *arguments], capture_output=True,
        text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise Corrupt(f"ldb {arguments[0]}: {done.stderr or done.stdout}")
    return done.stdout.splitlines()


def scan(directory, family):
    entries = {}
    for line in ldb(directory, "scan", "--hex", f"--column_family={family}"):
        found = LDB_LINE.match(line.strip())
        if found:
            entries[bytes.fromhex(found[1])] = bytes.fromhex(found[2])
    return entries


def read_store(directory):
    """A closed store; None if there is no database."""
    if not (directory / "CURRENT").is_file():
        return None
    line = ldb(directory, "list_column_families")[-1]
    families = re.findall(r"[^{}, ]+", line.split(":")[-1])
    marker = scan(directory, "default").get(b"marker")
    tables = {f: scan(directory, f) for f in families if f != "default"}
    name = "/".join(directory.parts[-5:])
    return Store(name, marker, tables)


def collect(job, bootstrap, observer=None, flipped=0):
    """`flipped`: so many stores at most may be unreadable, because their bytes
    were flipped and nobody has opened them since. Each partition still needs
    one that is right."""
    partitions = job.partitions
    topics = job.topics()
    reader = consumer(bootstrap)
    if job.changelog() in reader.topics():
        topics.append(job.changelog())
    reader.close()
    tps = [TopicPartition(t, p) for t in topics for p in range(partitions)]
    stable = ends_of(bootstrap, tps, committed=True)
    high = ends_of(bootstrap, tps, committed=False)
    logs = {t: read_topic(bootstrap, t, partitions) for t in topics}
    if shutil.which("ldb") is None:
        raise RuntimeError("no ldb: install rocksdb-tools")
    stores = [[] for _ in range(partitions)]
    for partition, directory in job.lane_directories():
        try:
            store = read_store(directory)
        except Corrupt as error:
            if flipped == 0:
                raise
            flipped -= 1
            print(f"damaged and not opened since: {directory}: {error}")
            continue
        if store is not None:
            stores[partition].append(store)
    return History(
        job=job.name, topic=job.name, input=logs[job.name],
        outputs={s: logs[f"{job.name}.{s}"] for s in SINKS},
        changelog=logs.get(job.changelog(), [[]] * partitions),
        commits=read_commits(bootstrap, job.name, job.name, partitions),
        ends={(tp.topic, tp.partition): (stable[tp], high[tp]) for tp in tps},
        stores=stores, observed=observer.seen(job) if observer else {})
