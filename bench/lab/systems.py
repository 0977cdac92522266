"""The rows of the lab: how each system is started, and what it keeps."""

import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PART = ROOT / "build/release/bench/lab_part"
JOB = ROOT / "config/jobs/telemetry-analytics.yaml"
PEERS = ROOT / "bench/lab/peers/run"
THREADS = 2
# A worker's, which gives two fifths of it to what is fetched. With much less
# its fetches would be small for their worst case, and raw's with them.
MEMORY_MIB = 4096
FETCH_MIB = MEMORY_MIB * 2 // 5

# What a row runs on: a topic of messages, and names of its own.
#   bootstrap, topic, partitions, output, group, messages, interval_ms, state


class Raw:
    """The ceiling: librdkafka alone, counting."""

    has_results = False
    settings = {}

    def __init__(self, label):
        self.label = label

    def version(self):
        return {}

    def command(self, on):
        return [PART, "raw", on.bootstrap, on.topic, on.partitions, on.group,
                on.messages, THREADS, FETCH_MIB]


class Tacho:
    """tacho run; `binary`, and further arguments."""

    has_results = True
    ready = ("lane_ready", None)  # One for each partition.

    def __init__(self, label, binary, arguments=()):
        self.label = label
        self.binary = binary
        self.arguments = list(arguments)
        self.settings = {"arguments": self.arguments}

    def command(self, on):
        sets = {
            "job": on.group, "group.id": on.group,
            "input.topics": f"[{on.topic}]",
            "streams.vehicle_stats.output.topic": on.output,
            "rejects.topic": f"{on.output}-rejects",
            "late.topic": f"{on.output}-late",
            "commit.interval": f"{on.interval_ms}ms",
            "memory.limit": f"{MEMORY_MIB}MiB",
        }
        command = [self.binary, "run", JOB, "--bootstrap", on.bootstrap,
                   "--state-dir", on.state, "--log-format", "json",
                   "--threads", THREADS]
        for name, value in sets.items():
            command += ["--set", f"{name}={value}"]
        return command + self.arguments

    def version(self):
        return json.loads(subprocess.run(
            [self.binary, "version", "--json"], capture_output=True, text=True,
            check=True).stdout)


class Peer:
    """A program of bench/lab/peers."""

    has_results = True
    ready = ("ready", 1)

    def __init__(self, label, system, state, settings):
        self.label = label
        self.system = system
        self.state = state
        self.file = ROOT / "bench/lab/peers" / system / settings
        self.settings = {"state": state, "settings": settings}

    def version(self):
        return {}

    def command(self, on):
        return [PEERS, self.system, "--bootstrap", on.bootstrap, "--input",
                on.topic, "--output", on.output, "--group", on.group,
                "--state-dir", on.state, "--interval-ms", on.interval_ms,
                "--threads", THREADS, "--state", self.state, "--settings",
                self.file]


def find(name, tacho):
    """A row by its name on the command line:

    raw, tacho, tacho:PATH (another binary), tacho+ARGUMENTS, kstreams, flink;
    of the last two also -heap, -tuned, -heap-tuned."""
    if name == "raw":
        return Raw(name)
    if name.startswith("tacho:"):
        return Tacho(name, pathlib.Path(name.split(":", 1)[1]).resolve())
    if name == "tacho" or name.startswith("tacho+"):
        return Tacho(name, tacho, name.split("+", 1)[1].split()
                     if "+" in name else ())
    system, *options = name.split("-")
    if system in ("kstreams", "flink") and set(options) <= {"heap", "tuned"}:
        return Peer(name, system, "heap" if "heap" in options else "rocksdb",
                    "tuned.properties" if "tuned" in options
                    else "default.properties")
    raise SystemExit(f"lab: no row {name}; there are raw, tacho, tacho:PATH, "
                     "tacho+ARGUMENTS, kstreams and flink (-heap, -tuned)")
