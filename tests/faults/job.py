"""The job that the faults hit, and the processes that run it."""

import os
import signal

import formats
from broker import ROOT
from history import SINKS
from process import Process

TEXT = """
job: {name}
kafka:
  bootstrap.servers: {bootstrap}
group:
  id: {name}
  session_timeout: {session_ms}ms
  heartbeat_interval: {heartbeat_ms}ms
input:
  topics: [{name}]
  decoder: wide
  vehicle: /vehicle_id
  event_time: {{path: /ts, format: epoch_ms}}
  signals:
    speed: {{path: /speed_kmph, unit: km/h, min: 0 km/h, max: 400 km/h}}
    temp:
      {{path: /engine_temp_c, unit: celsius, min: -60 celsius,
       max: 250 celsius, on_bad: invalid}}
    odometer: {{path: /odometer_km, unit: km, min: 0 km}}
    ignition: {{path: /ignition, type: bool}}
streams:
  stats:
    operators:
      - filter: ignition == true
      - window_aggregate:
          window: {{tumbling: 1m}}
          allowed_lateness: 10s
          aggregates:
            samples: count()
            speeds: count(speed)
            speed_min: min(speed)
            speed_mean: mean(speed)
            speed_max: max(speed)
            speed_last: last(speed)
            temp_max: max(temp)
            distance: distance(odometer)
    output: {{topic: {name}.stats}}
  fast:
    operators:
      - excursion:
          {{name: fast, when: speed > 120 km/h, for: 5s, clear: speed < 115 km/h}}
    output: {{topic: {name}.alerts}}
  hot:
    operators:
      - filter: speed > 20 km/h
      - excursion:
          {{name: hot, when: temp > 95 celsius, for: 3s, clear: temp < 90 celsius}}
    output: {{topic: {name}.alerts}}
rejects: {{topic: {name}.rejects}}
late: {{topic: {name}.late}}
guarantee: exactly_once
commit: {{interval: {commit_ms}ms}}
memory: {{limit: {memory}}}
{more}"""


def tacho_binary():
    return os.environ.get("TACHO_BINARY", str(ROOT / "build/dev/tacho"))


class Job:
    """Topics, the job file and a directory for state and logs."""

    def __init__(self, name, directory, broker, partitions, commit_ms=100,
                 session_ms=6000, heartbeat_ms=500, proxied=False,
                 memory="256MiB", more=""):
        self.name, self.broker, self.partitions = name, broker, partitions
        self.directory = directory / name
        self.directory.mkdir(parents=True)
        self.path = self.directory / "job.yaml"
        self.path.write_text(TEXT.format(
            name=name, commit_ms=commit_ms, session_ms=session_ms,
            heartbeat_ms=heartbeat_ms, memory=memory, more=more,
            bootstrap=broker.through_proxy if proxied else broker.bootstrap))
        broker.create_topics({t: partitions for t in self.topics()})

    def topics(self):
        return [self.name] + [f"{self.name}.{sink}" for sink in SINKS]

    def changelog(self):
        return formats.changelog_topic(self.name, self.name)

    def lane_directories(self):
        """(partition, directory) of every lane of every worker."""
        for path in sorted(self.directory.glob(
                f"*/{self.name}/worker-*/lanes/{self.name}-*")):
            yield int(path.name.rsplit("-", 1)[1]), path


class Worker:
    """One process of the job after the other, on the same state directory."""

    def __init__(self, job, name, static=True):
        self.job, self.name = job, name
        self.static = static
        self.state = job.directory / name
        self.starts = 0
        self.process = None

    def start(self, *arguments, fail_point=None, sabotage=None):
        argv = [tacho_binary(), "run", self.job.path, "--state-dir", self.state,
                "--threads", 2, "--log-format", "json", *arguments]
        if self.static:
            argv += ["--set", f"group.instance_id={self.name}"]
        env = dict(os.environ)
        for name, value in (("TACHO_FAIL_POINT", fail_point),
                            ("TACHO_SABOTAGE", sabotage)):
            env.pop(name, None)
            if value:
                env[name] = value
        self.starts += 1
        self.process = Process(
            argv, self.job.directory / f"{self.name}.log", env)
        return self.process

    def running(self):
        return self.process is not None and self.process.running()

    def stop(self, seconds=30):
        """SIGTERM; its exit status, None if it had to be killed."""
        if self.process is None:
            return 0
        self.process.signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        if code is None:
            self.process.kill()
        return code
