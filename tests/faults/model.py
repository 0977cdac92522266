"""What the job in job.py must write: one message at a time, with dicts.

Made from the definitions in the reference (tacho schema --markdown) and the
comments of operators/*.h; shares no code with tacho.
"""

import json
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

MINUTE = 60_000
LATENESS = 10_000
IDLE = 30 * MINUTE
FORGET = 7 * 24 * 60 * MINUTE
MAX_SKEW = 5 * MINUTE
FIRST_TIME = 946_684_800_000  # 2000-01-01
NEVER = -(2**61)
IDLE_PHASE, PENDING, OPEN = 0, 1, 2

ANYTHING = object()  # A state entry that may be there or not; any text.


class Refused(Exception):
    """A reject: its reason, and the path of what is wrong, if it has one."""

    def __init__(self, reason, path=None):
        super().__init__(reason, path)


@dataclass(frozen=True)
class Output:
    cause: int  # Offset of the message that caused it.
    key: bytes | None
    value: object  # Bytes, or pairs of a JSON object in order.
    headers: tuple = ()


def _first_wins(pairs):
    out = {}
    for name, value in pairs:
        out.setdefault(name, value)
    return out


def _no_constant(text):
    raise ValueError(text)


@dataclass(frozen=True)
class Row:
    vehicle: str
    time: int
    speed: float | None
    temp: float | None
    odometer: float | None
    ignition: bool | None


def _number(doc, name):
    value = doc.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused("wrong_type", "/" + name)
    return float(value)


def parse(message):
    """The Row of a message; raises Refused."""
    try:
        text = message.value.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("invalid_utf8") from None
    try:
        doc = json.loads(text, object_pairs_hook=_first_wins,
                         parse_constant=_no_constant)
    except ValueError:
        raise Refused("unparsable_json") from None
    if not isinstance(doc, dict):
        raise Refused("not_an_object")
    vehicle, time = doc.get("vehicle_id"), doc.get("ts")
    if vehicle in (None, ""):
        raise Refused("missing_field", "/vehicle_id")
    if not isinstance(vehicle, str):
        raise Refused("wrong_type", "/vehicle_id")
    if time is None:
        raise Refused("missing_field", "/ts")
    if not isinstance(time, int) or isinstance(time, bool):
        raise Refused("wrong_type", "/ts")
    if time < FIRST_TIME:
        raise Refused("clock_past", "/ts")
    if time > message.timestamp + MAX_SKEW:
        raise Refused("clock_future", "/ts")
    speed, odometer = _number(doc, "speed_kmph"), _number(doc, "odometer_km")
    ignition = doc.get("ignition")
    if ignition is not None and not isinstance(ignition, bool):
        raise Refused("wrong_type", "/ignition")
    if speed is not None and not 0 <= speed <= 400:
        raise Refused("out_of_range", "/speed_kmph")
    if odometer is not None and odometer < 0:
        raise Refused("out_of_range", "/odometer_km")
    try:
        temp = _number(doc, "engine_temp_c")
    except Refused:
        temp = None  # on_bad: invalid
    if temp is not None and not -60 <= temp <= 250:
        temp = None
    return Row(vehicle, time, speed, temp, odometer, ignition)


class Window:
    def __init__(self):
        self.rows = []
        self.distance = None  # Of decimal readings: no rounding.


class Windows:
    """filter ignition == true; window_aggregate of one minute."""

    def __init__(self, lane):
        self.lane = lane
        self.windows = {}  # (vehicle, start) -> Window
        self.by_vehicle = {}  # vehicle -> set of starts
        self.closed = {}  # vehicle -> end, by silence
        self.readings = {}  # vehicle -> (time, odometer)
        self.next_silent = NEVER  # No silent vehicle is due before.
        self.filtered = 0

    def take(self, row):
        lane = self.lane
        watermark = lane.newest[row.vehicle] - LATENESS
        due = self._silent()
        for start in self.by_vehicle.get(row.vehicle, ()):
            if start + MINUTE <= watermark:
                due.add((start + MINUTE, row.vehicle.encode(), row.vehicle))
        for end, _, vehicle in sorted(due):
            self._emit(vehicle, end)
        if row.ignition is not True:
            self.filtered += 1
            return
        start = row.time - row.time % MINUTE
        end = start + MINUTE
        if end <= max(watermark, self.closed.get(row.vehicle, NEVER)):
            lane.late("stats", start, end)
            return
        key = (row.vehicle, start)
        if key not in self.windows:
            self.windows[key] = Window()
            self.by_vehicle.setdefault(row.vehicle, set()).add(start)
        window = self.windows[key]
        window.rows.append(row)
        if row.odometer is not None:
            step = Decimal(0)
            last = self.readings.get(row.vehicle)
            if last is None or row.time >= last[0]:
                if last is not None:
                    step = max(step, decimal(row.odometer) - decimal(last[1]))
                self.readings[row.vehicle] = (row.time, row.odometer)
            window.distance = (window.distance or 0) + step

    def _silent(self):
        """What partition time closes of vehicles that say nothing."""
        now = self.lane.time
        due = set()
        if now < self.next_silent:
            return due
        self.next_silent = now + IDLE  # Of windows that are yet to open.
        for vehicle, starts in self.by_vehicle.items():
            for start in starts:
                end = start + MINUTE
                at = max(end, self.lane.last_seen.get(vehicle, NEVER)) + IDLE
                if at > now:
                    self.next_silent = min(self.next_silent, at)
                    continue
                due.add((end, vehicle.encode(), vehicle))
                self.closed[vehicle] = max(self.closed.get(vehicle, NEVER), end)
        return due

    def _emit(self, vehicle, end):
        start = end - MINUTE
        window = self.windows.pop((vehicle, start))
        self.by_vehicle[vehicle].discard(start)
        a = aggregate(window)
        mean = None
        if a["speeds"]:
            mean = float(sum(map(Fraction, a["pair"])) / a["speeds"])
        distance = window.distance
        self.lane.emit("stats", vehicle, [
            ("vehicle_id", vehicle), ("window_start", start),
            ("window_end", end), ("samples", a["samples"]),
            ("speeds", a["speeds"]), ("speed_min", a["min"]),
            ("speed_mean", mean), ("speed_max", a["max"]),
            ("speed_last", a["last"][1] if a["last"] else None),
            ("temp_max", a["temp"]),
            ("distance", None if distance is None else float(distance))])

    def entry(self, table, vehicle, subkey):
        if table == "windows":
            window = self.windows.get((vehicle, subkey))
            return None if window is None else stored(window)
        if table == "odometers":
            return self.readings.get(vehicle)
        end = self.closed.get(vehicle)
        # Of no use once the watermark has passed it: erased when convenient.
        if end is not None and end <= self.lane.newest[vehicle] - LATENESS:
            return ANYTHING, (end,)
        return None if end is None else (end,)

    def keys(self, table):
        if table == "windows":
            return set(self.windows)
        of = self.readings if table == "odometers" else self.closed
        return {(vehicle, 0) for vehicle in of}


def decimal(number):
    """What was written of a number that was read as a double."""
    return Decimal(repr(number))


def add(pair, value):
    """Neumaier's sum: what rounding takes is kept apart."""
    total, rest = pair
    more = total + value
    lost = Fraction(total) + Fraction(value) - Fraction(more)
    return more, rest + float(lost)


def aggregate(window):
    speeds = [r.speed for r in window.rows if r.speed is not None]
    temps = [r.temp for r in window.rows if r.temp is not None]
    pair = 0.0, 0.0
    last = None
    for r in window.rows:
        if r.speed is None:
            continue
        pair = add(pair, r.speed)
        if last is None or r.time >= last[0]:
            last = (r.time, r.speed)
    return {"samples": len(window.rows), "speeds": len(speeds),
            "min": min(speeds, default=None), "max": max(speeds, default=None),
            "pair": pair, "last": last, "temp": max(temps, default=None)}


def stored(window):
    """What the windows table holds of it: (valid bits, cells)."""
    a = aggregate(window)
    last = a["last"] or (0, 0.0)
    valid = 0
    if a["speeds"]:
        valid |= 0b0111110
    if a["temp"] is not None:
        valid |= 1 << 6
    if window.distance is not None:
        valid |= 1 << 7
    units = int((window.distance or 0) * 10**9)
    return valid, (a["samples"], a["speeds"], a["min"] or 0.0, *a["pair"],
                   a["speeds"], a["max"] or 0.0, last[0], last[1],
                   a["temp"] or 0.0, units)


@dataclass
class Phase:
    phase: int = IDLE_PHASE
    start: int = NEVER
    last: int = NEVER
    peak: float | None = None


class Excursions:
    """[filter;] excursion {when: x > high, for: hold, clear: x < low}"""

    def __init__(self, lane, name, signal, passes, high, low, hold):
        self.lane = lane
        self.name, self.signal, self.passes = name, signal, passes
        self.high, self.low, self.hold = high, low, hold
        self.of = {}  # vehicle -> Phase
        self.filtered = 0

    def take(self, row):
        state = self.of.setdefault(row.vehicle, Phase())
        if not self.passes(row):
            self.filtered += 1
            return
        if row.time < state.last:
            self.lane.late_behind(self.name, state.last)
            return
        state.last = row.time
        value = getattr(row, self.signal)
        fast = value is not None and value > self.high
        slow = value is not None and value < self.low
        if state.phase == OPEN and slow:
            state.phase = IDLE_PHASE
            self._emit(row.vehicle, state, False, row.time)
            return
        if state.phase == IDLE_PHASE:
            if not fast:
                return
            state.phase, state.start, state.peak = PENDING, row.time, None
        elif state.phase == PENDING and value is not None and not fast:
            state.phase = IDLE_PHASE
            return
        if value is not None:
            state.peak = value if state.peak is None else max(state.peak, value)
        if state.phase == PENDING and fast and (
            row.time - state.start >= self.hold
        ):
            state.phase = OPEN
            self._emit(row.vehicle, state, True, row.time)

    def _emit(self, vehicle, state, opened, at):
        self.lane.emit("alerts", vehicle, [
            ("vehicle_id", vehicle), ("name", self.name),
            ("event", "open" if opened else "close"),
            ("id", f"{vehicle}/{self.name}/{state.start}"),
            ("start", state.start), ("end", None if opened else at),
            ("duration_ms", at - state.start), ("peak", state.peak)])

    def entry(self, table, vehicle, subkey):
        state = self.of.get(vehicle)
        if state is None:
            return None
        if state.phase != IDLE_PHASE:
            return state.phase, state.last, state.start, state.peak
        if state.last != self.lane.newest[vehicle]:
            return IDLE_PHASE, state.last
        return None

    def keys(self, table):
        return {(v, 0) for v in self.of if self.entry(table, v, 0) is not None}


class Lane:
    """The model of one partition."""

    def __init__(self, job, topic, partition):
        self.job, self.topic, self.partition = job, topic, partition
        self.records = 0
        self.skipped = 0
        self.time = NEVER  # Partition time.
        self.oldest = None
        self.newest = {}  # vehicle -> greatest event time
        self.last_seen = {}  # vehicle -> partition time then
        self.outputs = {"stats": [], "alerts": [], "rejects": [], "late": []}
        self.streams = {
            "stats": Windows(self),
            "fast": Excursions(self, "fast", "speed", lambda r: True,
                               120, 115, 5000),
            "hot": Excursions(
                self, "hot", "temp",
                lambda r: r.speed is not None and r.speed > 20, 95, 90, 3000),
        }
        self._message = None

    def take(self, message):
        self._message = message
        if message.value is None:
            self.skipped += 1  # A tombstone.
            return
        try:
            row = parse(message)
        except Refused as refused:
            reason, path = refused.args
            headers = [("tacho.reason", reason)]
            if path:
                headers.append(("tacho.path", path))
            headers.append(("tacho.detail", ANYTHING))
            self._pass_on("rejects", headers)
            return
        self.records += 1
        self.time = max(self.time, row.time)
        self.oldest = min(self.oldest or row.time, row.time)
        if self.time - self.oldest >= FORGET:
            raise ValueError("the model knows nothing of vehicle_forget")
        self.newest[row.vehicle] = max(
            self.newest.get(row.vehicle, NEVER), row.time)
        for stream in self.streams.values():
            stream.take(row)
        self.last_seen[row.vehicle] = self.time

    def emit(self, sink, vehicle, pairs):
        self.outputs[sink].append(
            Output(self._message.offset, vehicle.encode(), pairs))

    def late(self, stream, start, end):
        self._pass_on("late", [
            ("tacho.stream", stream), ("tacho.window_start", start),
            ("tacho.window_end", end)])

    def late_behind(self, stream, last):
        """Late without a window: what it came after is the last sample."""
        self._pass_on("late", [
            ("tacho.stream", stream), ("tacho.last_sample", last)])

    def _pass_on(self, sink, headers):
        m = self._message
        headers += [("tacho.topic", self.topic),
                    ("tacho.partition", self.partition),
                    ("tacho.offset", m.offset),
                    ("tacho.timestamp", m.timestamp), ("tacho.job", self.job)]
        headers = tuple((n, v if v is ANYTHING else str(v).encode())
                        for n, v in headers)
        self.outputs[sink].append(Output(m.offset, m.key, m.value, headers))

    # ---- State, by table name: "<stream>.<index>.<table>" or "clock".

    def entry(self, table, vehicle, subkey):
        """The value expected; None: no entry; (ANYTHING, value): either."""
        vehicle = vehicle.decode()
        if table == "clock":
            if vehicle not in self.newest:
                return None
            return self.newest[vehicle], self.last_seen[vehicle]
        stream, _, kind = table.split(".")
        return self.streams[stream].entry(kind, vehicle, subkey)

    def keys(self, table):
        if table == "clock":
            return {(v.encode(), 0) for v in self.newest}
        stream, _, kind = table.split(".")
        keys = self.streams[stream].keys(kind)
        return {(vehicle.encode(), subkey) for vehicle, subkey in keys}

    def mismatch(self, table, vehicle, subkey, value):
        """Why `value` (None: no entry) is not what the table must hold."""
        expected = self.entry(table, vehicle, subkey)
        if isinstance(expected, tuple) and expected and (
            expected[0] is ANYTHING
        ):
            if value is None or value == expected[1]:
                return None
        elif value == expected:
            return None
        return (f"{table} {vehicle.decode(errors='replace')} {subkey}: "
                f"{value}, not {expected}")
