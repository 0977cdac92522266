"""Reads what tacho writes, from the formats documented in state/*.h.

changelog key    u8 0 (meta), or u8 1, u32 table tag, state key
changelog value  u8 version, fields, u32 checksum; meta: a marker
state key        escaped vehicle, 00 00, i64 big-endian with its sign flipped
marker           see state/marker.h
"""

import struct
from dataclasses import dataclass

import xxhash

META_KEY = b"\0"
NO_TIME = -(2**61)  # kNoTime of pipeline/base/time.h


class Corrupt(Exception):
    pass


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
    job: str
    tables: tuple  # Names, sorted.
    changelog_next: int
    restoring: bool


def parse_marker(data):
    body = data[:-8]
    if len(data) < 9 or struct.unpack("<Q", data[-8:])[0] != (
        xxhash.xxh3_64_intdigest(body)
    ):
        raise Corrupt("checksum of a marker")
    read = Reader(body)
    if read.u8() != 2:
        raise Corrupt("format of a marker")
    epoch, writer, guarantee = read.i64(), read.text(), read.u8()
    next_offset, partition_time = read.i64(), read.i64()
    read.i64()  # idle_origin
    read.i64()  # ended_at
    read.number("I")  # input partitions
    generation = read.i64()
    read.i64()  # wall time
    job = read.text()
    tables = []
    for _ in range(read.varint()):
        tables.append(read.text())
        read.number("Q")
    read.text()  # cluster
    changelog_next, restoring = read.i64(), read.u8() != 0
    read.end()
    return Marker(epoch, writer, guarantee, next_offset, partition_time,
                  generation, job, tuple(tables), changelog_next, restoring)


def write_marker(epoch, writer, next_offset, tables, *, job="job",
                 partition_time=0, changelog_next=-1):
    """For synthetic histories."""

    def text(s):
        return bytes([len(s)]) + s.encode()

    body = struct.pack("<Bq", 2, epoch) + text(writer) + b"\2"
    body += struct.pack("<qqqq", next_offset, partition_time, NO_TIME, NO_TIME)
    body += struct.pack("<Iqq", 1, 0, 0) + text(job) + bytes([len(tables)])
    for name in sorted(tables):
        body += text(name) + struct.pack("<Q", 1)
    body += text("") + struct.pack("<qB", changelog_next, 0)
    return body + struct.pack("<Q", xxhash.xxh3_64_intdigest(body))


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


# samples, speeds, min, sum and count of the mean, max, time and value of the
# last, greatest temperature, distance.
_CELLS = "<qqddqdqddd"


def _window(read):
    size, texts, valid = read.varint(), read.varint(), read.varint()
    if size != 10 or texts != 0:
        raise Corrupt(f"a window of {size} cells, {texts} texts")
    cells = struct.unpack(_CELLS, read.take(80))
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
        head = [1, 10, 0] + ([valid] if valid < 128 else [valid & 127 | 128, 1])
        return bytes(head) + struct.pack(_CELLS, *cells)
    if kind == "excursions":
        phase, last = value[:2]
        start, peak = value[2:] if phase else (NO_TIME, None)
        return b"\1" + struct.pack("<BBqqd", phase, peak is not None, start,
                                   last, peak or 0.0)
    codes = {"clock": "<qq", "closed": "<q", "odometers": "<qd"}
    return b"\1" + struct.pack(codes[kind], *value)
