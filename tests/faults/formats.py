"""Reads what tacho writes, from the formats documented in state/*.h.

changelog key    u8 0 (meta), or u8 1, u32 table tag, state key
changelog value  u8 version, fields, u32 checksum; meta: a marker
state key        escaped vehicle, 00 00, i64 big-endian with its sign flipped
marker           see state/marker.h
topic's name     see state/changelog_name.h
metadata         of a committed offset: see pipeline/commit/offset_metadata.h
"""

import re
import struct
import urllib.parse
from dataclasses import dataclass

import xxhash

META_KEY = b"\0"
IDENTITY_KEY = b"\2"
NO_TIME = -(2**61)  # kNoTime of pipeline/base/time.h


class Corrupt(Exception):
    pass


def changelog_topic(group, topic, generation=0):
    """Of names that are short enough not to be hashed."""

    def escape(part, plain):
        # Not a dot that would read as the beginning of an escape.
        part = re.sub(rf"[^A-Za-z0-9.{plain}]|\.(?=[0-9A-F]{{2}})",
                      lambda m: "".join(f"_{b:02X}" for b in m[0].encode()),
                      part)
        return part

    name = (f"{escape(group, '-')}-{escape(topic, '')}"
            f"-changelog-g{generation}")
    assert len(name) < 218, name
    return name


@dataclass(frozen=True)
class Metadata:
    generation: int
    epoch: int
    writer: str
    published: int
    job: str


_METADATA = re.compile(r"tacho2;g=(\d+);(?:e=(\d+);w=([0-9a-f-]+);p=(\d+)|"
                       r"(?:start|reset=keep|reset=wipe));j=([^;]*)\Z")


def parse_metadata(text):
    """None if tacho did not write it; epoch 0 if no epoch did."""
    found = _METADATA.match(text)
    if not found:
        return None
    generation, epoch, writer, published, job = found.groups()
    return Metadata(int(generation), int(epoch or 0), writer or "",
                    int(published or 0), urllib.parse.unquote(job))


def write_metadata(job, epoch=0, writer="", published=0):
    """For synthetic histories."""
    what = f"e={epoch};w={writer};p={published}" if epoch else "start"
    return f"tacho2;g=0;{what};j={urllib.parse.quote(job, safe='')}"


def table_tag(name):
    return xxhash.xxh3_64_intdigest(name.encode()) & 0xFFFFFFFF


def checksum(key, value):
    seed = xxhash.xxh3_64_intdigest(key)
    return xxhash.xxh3_64_intdigest(value, seed) & 0xFFFFFFFF


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, size):
        if self.at + size > len(self.data):
            raise Corrupt(f"ends at byte {len(self.data)}")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, code):
        return struct.unpack("<" + code, self.take(struct.calcsize(code)))[0]

    def u8(self):
        return self.number("B")

    def i64(self):
        return self.number("q")

    def f64(self):
        return self.number("d")

    def varint(self):
        value = 0
        for shift in range(0, 70, 7):
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise Corrupt("a varint of more than 64 bits")

    def text(self):
        return self.take(self.varint()).decode()

    def end(self):
        if self.at != len(self.data):
            raise Corrupt(f"{len(self.data) - self.at} bytes too many")


def state_key(vehicle, subkey):
    escaped = vehicle.replace(b"\0", b"\0\xff")
    return escaped + b"\0\0" + struct.pack(">Q", (subkey & 2**64 - 1) ^ 2**63)


def parse_state_key(key):
    """(vehicle, subkey)"""
    head, tail = key[:-8], key[-8:]
    if len(tail) < 8 or not head.endswith(b"\0\0"):
        raise Corrupt("not a state key")
    subkey = (struct.unpack(">Q", tail)[0] ^ 2**63)
    if subkey >= 2**63:
        subkey -= 2**64
    return head[:-2].replace(b"\0\xff", b"\0"), subkey


@dataclass(frozen=True)
class Marker:
    epoch: int
    writer: str
    guarantee: int
    next_offset: int
    partition_time: int
    generation: int
    group: str
    topic: str
    cluster: str
    job: str
    log_id: int  # Of the changelog.
    job_digest: int
    tables: tuple  # Names, sorted.
    published: int
    digests: tuple
    changelog_next: int
    restoring: bool


def parse_marker(data):
    body = data[:-8]
    if len(data) < 9 or struct.unpack("<Q", data[-8:])[0] != (
        xxhash.xxh3_64_intdigest(body)
    ):
        raise Corrupt("checksum of a marker")
    read = Reader(body)
    if read.u8() != 3:
        raise Corrupt("format of a marker")
    epoch, writer, guarantee = read.i64(), read.text(), read.u8()
    next_offset, partition_time = read.i64(), read.i64()
    read.i64()  # idle_origin
    read.i64()  # ended_at
    read.number("I")  # input partitions
    generation = read.i64()
    group, topic, cluster, job = (read.text() for _ in range(4))
    log_id, job_digest = read.number("Q"), read.number("Q")
    tables = []
    for _ in range(read.varint()):
        tables.append(read.text())
        read.number("Q")
    read.i64()  # wall time
    published = read.i64()
    digests = tuple((read.i64(), read.number("Q"), read.number("Q"))
                    for _ in range(read.varint()))
    changelog_next, restoring = read.i64(), read.u8() != 0
    read.end()
    return Marker(epoch, writer, guarantee, next_offset, partition_time,
                  generation, group, topic, cluster, job, log_id, job_digest,
                  tuple(tables), published, digests, changelog_next, restoring)


def write_marker(epoch, writer, next_offset, tables, *, job="job",
                 group="job", topic="job.in", cluster="cluster",
                 published=None, partition_time=0, changelog_next=-1,
                 log_id=1):
    """For synthetic histories."""

    def text(s):
        return bytes([len(s)]) + s.encode()

    if published is None:
        published = next_offset
    body = struct.pack("<Bq", 3, epoch) + text(writer) + b"\2"
    body += struct.pack("<qqqq", next_offset, partition_time, NO_TIME, NO_TIME)
    body += struct.pack("<Iq", 1, 0)
    body += text(group) + text(topic) + text(cluster) + text(job)
    body += struct.pack("<QQ", log_id, 7) + bytes([len(tables)])
    for name in sorted(tables):
        body += text(name) + struct.pack("<Q", 1)
    body += struct.pack("<qqB", 0, published, 0)  # Wall time; no digests.
    body += struct.pack("<qB", changelog_next, 0)
    return body + struct.pack("<Q", xxhash.xxh3_64_intdigest(body))


def parse_identity(value):
    """The log id of a changelog's first record."""
    if value is None or len(value) != 12 or struct.unpack(
            "<I", value[8:])[0] != checksum(IDENTITY_KEY, value[:8]):
        raise Corrupt("identity record")
    return struct.unpack("<Q", value[:8])[0]


def write_identity(log_id):
    """(key, value), for synthetic histories."""
    body = struct.pack("<Q", log_id)
    return IDENTITY_KEY, body + struct.pack("<I", checksum(IDENTITY_KEY, body))


def parse_change(record, names_by_tag):
    """(table, vehicle, subkey, value without checksum or None)"""
    key, value = record.key, record.value
    if len(key) < 5 or key[0] != 1:
        raise Corrupt(f"a key of {len(key)} bytes that is none of ours")
    tag = struct.unpack("<I", key[1:5])[0]
    if tag not in names_by_tag:
        raise Corrupt(f"table tag {tag:08x} is in no meta record")
    vehicle, subkey = parse_state_key(key[5:])
    if value is None:
        return names_by_tag[tag], vehicle, subkey, None
    if len(value) < 4 or struct.unpack("<I", value[-4:])[0] != (
        checksum(key, value[:-4])
    ):
        raise Corrupt("checksum of a value")
    return names_by_tag[tag], vehicle, subkey, value[:-4]


def write_change(table, vehicle, subkey, value):
    """(key, value) of a changelog record, for synthetic histories."""
    key = struct.pack("<BI", 1, table_tag(table)) + state_key(vehicle, subkey)
    if value is None:
        return key, None
    return key, value + struct.pack("<I", checksum(key, value))


# Values, by the last part of their table's name.


# samples, speeds, min, sum with rest and count of the mean, max, time and value
# of the last, greatest temperature, distance in 10^-9.
_CELLS = "<qqdddqdqddq"
_CELL_COUNT = 11


def _window(read):
    size, texts, valid = read.varint(), read.varint(), read.varint()
    if size != _CELL_COUNT or texts != 0:
        raise Corrupt(f"a window of {size} cells, {texts} texts")
    cells = struct.unpack(_CELLS, read.take(_CELL_COUNT * 8))
    return valid, cells


def _clock(read):
    return read.i64(), read.i64()


def _closed(read):
    return (read.i64(),)


def _odometer(read):
    return read.i64(), read.f64()


def _excursion(read):
    phase, has_peak = read.u8(), read.u8()
    start, last, peak = read.i64(), read.i64(), read.f64()
    if phase == 0:
        return (0, last)  # The rest means nothing.
    return phase, last, start, peak if has_peak else None


_VALUES = {"clock": _clock, "windows": _window, "closed": _closed,
           "odometers": _odometer, "excursions": _excursion}


def parse_value(table, data):
    read = Reader(data)
    if read.u8() != 1:
        raise Corrupt(f"value version in {table}")
    value = _VALUES[table.rsplit(".", 1)[-1]](read)
    read.end()
    return value


def write_value(table, value):
    """For synthetic histories."""
    kind = table.rsplit(".", 1)[-1]
    if kind == "windows":
        valid, cells = value
        head = [1, _CELL_COUNT, 0] + ([valid] if valid < 128 else [valid & 127 | 128, 1])
        return bytes(head) + struct.pack(_CELLS, *cells)
    if kind == "excursions":
        phase, last = value[:2]
        start, peak = value[2:] if phase else (NO_TIME, None)
        return b"\1" + struct.pack("<BBqqd", phase, peak is not None, start,
                                   last, peak or 0.0)
    codes = {"clock": "<qq", "closed": "<q", "odometers": "<qd"}
    return b"\1" + struct.pack(codes[kind], *value)
