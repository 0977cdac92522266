"""Processes that are measured: what they say, a JSON object a line, and what
they use."""

import json
import os
import signal
import subprocess
import threading
import time

TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """User and system time of a live process, with all of its threads."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Measured:
    """A process with its output in the file `log`."""

    def __init__(self, argv, log, env=None):
        self.argv = [str(a) for a in argv]
        self.log = log
        self.usage = None
        with open(log, "wb") as out:
            self.popen = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *self.argv],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env)

    @property
    def pid(self):
        return self.popen.pid

    def events(self, name=None):
        found = []
        with open(self.log, "rb") as lines:
            for line in lines:
                if not line.startswith(b"{"):
                    continue
                try:
                    event = json.loads(line)
                except ValueError:
                    continue  # Not whole yet.
                if name is None or event.get("event") == name:
                    found.append(event)
        return found

    def await_event(self, name, count, seconds):
        deadline = time.monotonic() + seconds
        while True:
            found = self.events(name)
            if len(found) >= count:
                return found
            if self.ended():
                raise RuntimeError(f"{self.argv[0]} ended: see {self.log}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"no {name} in {seconds} s: {self.log}")
            time.sleep(0.02)

    def cpu(self):
        return self.usage.ru_utime + self.usage.ru_stime if self.usage \
            else cpu_seconds(self.pid)

    def ended(self):
        """Also takes what it has used, once."""
        if self.usage is None:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self.usage = usage
                self.popen.returncode = os.waitstatus_to_exitcode(status)
        return self.usage is not None

    def wait(self, seconds):
        deadline = time.monotonic() + seconds
        while not self.ended():
            if time.monotonic() > deadline:
                self.popen.send_signal(signal.SIGKILL)
                raise RuntimeError(f"{self.argv[0]} goes on: {self.log}")
            time.sleep(0.02)
        return self.popen.returncode

    def stop(self, seconds=30):
        if not self.ended():
            self.popen.send_signal(signal.SIGTERM)
        return self.wait(seconds)


class CpuSeries:
    """Looks ten times a second at what processes have used so far."""

    EVERY = 0.1

    def __init__(self, pids):
        self.pids = pids  # By name.
        self.samples = []  # (epoch seconds, {name: CPU-s})
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(self.EVERY):
            try:
                used = {n: cpu_seconds(p) for n, p in self.pids.items()}
            except (FileNotFoundError, ProcessLookupError):
                continue
            self.samples.append((time.time(), used))

    def stop(self):
        self._stop.set()
        self._thread.join()

    def between(self, name, begin, end):
        """CPU-s used from one epoch second to another."""
        def at(when):
            best = min(self.samples, key=lambda s: abs(s[0] - when))
            return best[1][name]
        return at(end) - at(begin) if self.samples else 0.0
