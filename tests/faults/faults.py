"""The faults of the workers: each a method that does it and undoes it."""

import shutil
import signal
import time

from job import Worker
from process import wait_until
from proxy import END_TXN, KINDS

SESSION_MS = 4000
# Of a fault for how often it is chosen.
WEIGHTS = {
    "kill": 5, "fail_point": 8, "zombie": 2, "storm": 2, "wipe": 2,
    "old_state": 2, "flip": 2, "end_txn": 6, "cut": 2, "restart": 2,
}


class Faults:
    def __init__(self, proxy, job, workers, points, rng, count):
        self.proxy, self.job = proxy, job
        self.workers = workers  # Static members.
        self.points, self.rng = points, rng
        self.count = count  # What was done: Counter
        self.frozen = []  # (worker, when to wake it up)
        self.copies = {}  # Worker name -> older copies of its state
        self.exits = []  # (worker, code): by itself, though not asked to
        self.fatal = []
        self.extras = 0
        self.armed = {}  # Worker -> fail point

    # ---- Housekeeping, between faults.

    def tend(self):
        """Wakes up zombies whose time has come; restarts what has died."""
        now = time.monotonic()
        for worker, at in list(self.frozen):
            if now >= at:
                worker.process.signal(signal.SIGCONT)
                self.frozen.remove((worker, at))
        for worker in self.workers:
            if not worker.running():
                self._note_exit(worker)
                worker.start()

    def _note_exit(self, worker):
        code = worker.process.code
        point = self.armed.pop(worker, None)
        if code == -signal.SIGKILL and point:
            self.count["kill -9 at a fail point"] += 1
        elif code == 69:
            self.count["gave up: broker unavailable"] += 1
        else:
            self.fatal.append(f"{worker.name} ended with {code}\n"
                              f"{worker.process.tail()}")

    def heal(self):
        """Nothing that was begun happens later."""
        self.proxy.disarm()
        for worker, _ in self.frozen:
            worker.process.signal(signal.SIGCONT)
        self.frozen.clear()
        for worker in list(self.armed):
            if worker.running():
                self._kill(worker)
                worker.start()

    def _victim(self):
        frozen = [w for w, _ in self.frozen]
        awake = [w for w in self.workers if w not in frozen and w.running()]
        return self.rng.choice(awake) if awake else None

    def _kill(self, worker):
        worker.process.kill()
        self.armed.pop(worker, None)
        self.count["kill -9"] += 1

    def _stop(self, worker):
        self.armed.pop(worker, None)
        code = worker.stop(40)
        if code == -signal.SIGKILL:  # An armed one, on its way out.
            return
        if code == 143:  # A call did not return, most likely of a broker.
            self.count["ended hard when told to stop"] += 1
        elif code not in (0, 69):
            self.fatal.append(f"{worker.name} was stopped and ended with "
                              f"{code}\n{worker.process.tail()}")

    # ---- The faults.

    def do(self, name):
        worker = self._victim()
        if worker is None:
            return
        getattr(self, "_do_" + name)(worker)
        self.count[name] += 1

    def _do_kill(self, worker):
        self._kill(worker)
        time.sleep(self.rng.random() * 1.5)
        worker.start()

    def _do_fail_point(self, worker):
        """Started again, to die there sooner or later."""
        self._kill(worker)
        point = self.rng.choice(self.points)
        self.armed[worker] = point
        worker.start(fail_point=f"{point}:{self.rng.randint(1, 12)}")

    def _do_zombie(self, worker):
        if self.frozen:
            return
        worker.process.signal(signal.SIGSTOP)
        seconds = SESSION_MS / 1000 + 1 + 4 * self.rng.random()
        self.frozen.append((worker, time.monotonic() + seconds))

    def _do_storm(self, worker):
        """Members come and go, politely or not."""
        members = []
        for _ in range(self.rng.randint(2, 4)):
            self.extras += 1
            member = Worker(self.job, f"extra-{self.extras}", static=False)
            member.start("--leave")
            members.append(member)
            time.sleep(0.3 + self.rng.random())
            if self.rng.random() < 0.3:
                members.pop(0).process.kill()
                self.count["kill -9"] += 1
        for member in members:
            self._stop(member)

    def _do_wipe(self, worker):
        self._kill(worker)
        shutil.rmtree(worker.state, ignore_errors=True)
        worker.start()

    def _do_old_state(self, worker):
        """What it had some faults ago; then keeps a copy for the next time."""
        self._kill(worker)
        old = self.copies.setdefault(worker.name, [])
        copy = self.job.directory / "copies" / f"{worker.name}-{len(old)}"
        if worker.state.is_dir():
            shutil.copytree(worker.state, copy)
            old.append(copy)
        if len(old) > 1:
            shutil.rmtree(worker.state, ignore_errors=True)
            shutil.copytree(self.rng.choice(old[:-1]), worker.state)
            self.count["older state put back"] += 1
        worker.start()

    def _do_flip(self, worker):
        """Bytes of SST files change while nobody has them open."""
        self._stop(worker)  # Flushes: there are files.
        files = sorted(path for path in worker.state.rglob("*.sst")
                       if "quarantine" not in path.parts)
        for path in self.rng.sample(files, min(len(files), 3)):
            data = bytearray(path.read_bytes())
            for _ in range(3):
                data[self.rng.randrange(len(data))] ^= 0xFF
            path.write_bytes(data)
            self.count["SST files damaged"] += 1
        worker.start()

    def _do_end_txn(self, worker):
        kind = self.rng.choice(KINDS)
        seconds = {"hold": self.rng.choice([0.3, 1.5, 12.0]),
                   "late": self.rng.choice([0.05, 0.3, 1.0, 3.0])}.get(kind, 0)
        self.proxy.arm(END_TXN, kind, seconds)
        try:
            wait_until(lambda: not self.proxy.armed(END_TXN), 5, "a commit",
                       every=0.01)
        except Exception:  # pylint: disable=broad-except
            self.proxy.disarm()

    def _do_cut(self, worker):
        self.proxy.cut_all()

    def _do_restart(self, worker):
        self._stop(worker)
        worker.start()
