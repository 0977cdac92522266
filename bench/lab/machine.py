"""What a figure was measured with: machine, sources, libraries."""

import hashlib
import json
import os
import pathlib
import platform
import re
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def _output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True,
                              cwd=ROOT).stdout.strip()
    except FileNotFoundError:
        return ""


def _read(path, otherwise=""):
    try:
        return pathlib.Path(path).read_text().strip()
    except OSError:
        return otherwise


def describe():
    """The machine; figures of two digests are never compared."""
    cpuinfo = _read("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", cpuinfo)
    flags = re.search(r"flags\s*: (.*)", cpuinfo)
    facts = {
        "cpu": model.group(1) if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") *
        os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "hypervisor": "yes" if "hypervisor" in cpuinfo else None,
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/"
                          "scaling_governor", "unknown"),
        "cgroup": _read("/sys/fs/cgroup/cpu.max", "none"),
    }
    identity = [facts, flags.group(1) if flags else ""]
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode())
    return facts | {"digest": digest.hexdigest()[:16]}


def source():
    return {
        "commit": _output("git", "rev-parse", "--short=12", "HEAD"),
        "dirty": _output("git", "status", "--porcelain",
                         "--untracked-files=no") != "",
        "build": "release",
    }


def libraries(version):
    """Name to version, of what `tacho version --json` says."""
    flat = {}
    for name, value in version.items():
        if isinstance(value, dict):
            flat |= libraries(value)
        else:
            flat[name] = str(value)
    return flat


def load(seconds=1.0):
    """How many cores are busy, over a second. Not the load average, which
    remembers the row before for minutes."""
    def spent():
        fields = [int(f) for f in
                  _read("/proc/stat").splitlines()[0].split()[1:]]
        return fields[3] + fields[4], sum(fields[:8])
    idle, total = spent()
    time.sleep(seconds)
    idle_then, total_then = spent()
    share = 1 - (idle_then - idle) / max(1, total_then - total)
    return round(share * os.cpu_count(), 2)
