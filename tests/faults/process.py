"""Processes that die with us, and waiting with a deadline."""

import pathlib
import signal
import subprocess
import time


class Timeout(Exception):
    pass


def wait_until(done, seconds, what, every=0.05):
    deadline = time.monotonic() + seconds
    while True:
        result = done()
        if result:
            return result
        if time.monotonic() > deadline:
            raise Timeout(f"{what}: not within {seconds} s")
        time.sleep(every)


class Process:
    """`argv`, with its output appended to the file `log`."""

    def __init__(self, argv, log, env=None):
        # setpriv: the child dies with the thread that started it.
        argv = ["setpriv", "--pdeathsig", "KILL", "--", *map(str, argv)]
        self.log = log
        self.argv = argv
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env)

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen.poll() is None

    @property
    def code(self):
        """Exit status; -N: died of signal N; None: it runs."""
        return self.popen.poll()

    def stopped(self):
        """Whether a SIGSTOP holds it."""
        stat = pathlib.Path(f"/proc/{self.pid}/stat").read_text()
        return stat.rsplit(")", 1)[1].split()[0] == "T"

    def signal(self, number):
        if self.running():
            self.popen.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.popen.wait()

    def wait(self, seconds):
        """Its exit status; None if it does not end in time."""
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def tail(self, size=2500):
        with open(self.log, "rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - size))
            return file.read().decode(errors="replace")
