"""A fleet's messages: mostly good, some late, some broken, all seeded."""

import base64
import json
import pathlib

from history import Record
from model import Refused, parse

class Fleet:
    """Event time runs ahead by `step_ms` a message on average."""

    def __init__(self, rng, vehicles, start_ms, step_ms, poison=()):
        self.rng = rng
        self.now = start_ms
        self.step_ms = step_ms
        self.poison = list(poison)
        self.made = 0
        self.cars = [{"id": f"car-{i}", "speed": 60.0, "target": 60,
                      "odometer": 1000.0 + i, "on": True}
                     for i in range(vehicles)]

    def message(self):
        """(key, value)"""
        rng = self.rng
        self.made += 1
        self.now += rng.randrange(2 * self.step_ms + 1)
        car = rng.choice(self.cars)
        # The first car is silent every other hour of event time.
        if car is self.cars[0] and self.now // 3_600_000 % 2:
            car = self.cars[-1]
        roll = rng.random()
        if roll < 0.004 and self.poison:
            return rng.choice(self.poison)
        if roll < 0.02:
            return car["id"].encode(), self._broken(car)
        return car["id"].encode(), self._good(car)

    def _event_time(self):
        rng = self.rng
        if rng.random() < 0.025:
            return self.now - 60_000 - rng.randrange(300_000)
        return self.now - rng.randrange(4_000)

    def _good(self, car):
        rng = self.rng
        if rng.random() < 0.1:
            car["target"] = rng.randrange(170)
        if rng.random() < 0.03:
            car["on"] = not car["on"]
        car["speed"] += (car["target"] - car["speed"]) * 0.5
        car["odometer"] += car["speed"] / 100
        doc = {"vehicle_id": car["id"], "ts": self._event_time()}
        if rng.random() < 0.95:
            speed = round(car["speed"], 1)
            doc["speed_kmph"] = speed if rng.random() < 0.97 else None
        temp = round(70 + car["speed"] / 4, 2)
        doc["engine_temp_c"] = temp if rng.random() < 0.96 else -273.1
        if rng.random() < 0.9:
            doc["odometer_km"] = round(car["odometer"], 1)
        if rng.random() < 0.98:
            doc["ignition"] = car["on"]
        doc["note"] = 'é "x"'
        doc["unused"] = {"a": [1, 2, {"b": None}]}
        return json.dumps(doc, separators=(",", ":")).encode()

    def _broken(self, car):
        base = {"vehicle_id": car["id"], "ts": self.now}
        good = json.dumps(base).encode()
        return self.rng.choice([
            good[:-1], b"[1,2]", json.dumps({"ts": self.now}).encode(),
            json.dumps({"vehicle_id": car["id"]}).encode(),
            json.dumps(base | {"speed_kmph": "fast"}).encode(),
            json.dumps(base | {"speed_kmph": 1000}).encode(),
            json.dumps(base | {"ts": 1000}).encode(),
            json.dumps(base | {"ts": 4_102_444_800_000}).encode(),
            good[:-1] + b',"note":"\xff\xfe"}'])


def poison_messages(path, now_ms):
    """(key, value) of the poison file's lines on whose verdict it, and the
    model, leave no doubt; and how many lines there are. None: no file."""
    path = pathlib.Path(path)
    if not path.is_file():
        return None
    lines = path.read_text().splitlines()
    out = []
    for line in map(json.loads, lines):
        if line["expect"] == "accepted" or "also_ok" in line:
            continue
        if "generate" in line:
            continue
        key, value = _bytes(line, "key", "key_base64"), _bytes(
            line, "value", "raw_base64")
        try:
            parse(Record(0, now_ms, key, value))
        except Refused as reason:
            if str(reason) == line["expect"]:
                out.append((key, value))
        except RecursionError:
            pass
    return out, len(lines)


def _bytes(line, plain, encoded):
    if encoded in line:
        return base64.b64decode(line[encoded])
    return None if line[plain] is None else line[plain].encode()
