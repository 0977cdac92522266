"""A TCP proxy before the brokers that can misdirect single requests.

It reads the header of every request: size, API key, version, correlation id.
A fault is armed for one API key and hits the next such request, to whichever
broker:

  hold        the request waits, and all that follow it on its connection
  cut_before  the request is lost and its connection is cut
  cut_after   the broker gets it; the connection is cut, the answer is lost,
              so that the client asks again
  late        the connection is cut; the broker gets the request `seconds`
              later, over another connection, when the client has long asked
              again and gone on

Threading: an event loop on a thread of its own; arm() from any thread.
"""

import asyncio
import functools
import struct
import threading
from collections import Counter

END_TXN = 26
KINDS = ("hold", "cut_before", "cut_after", "late")


class Cut(Exception):
    pass


class Proxy(threading.Thread):
    def __init__(self, routes):
        super().__init__(name="proxy", daemon=True)
        self.routes = routes  # (port, port of the broker behind it)
        self.hits = Counter()  # (API key, kind)
        self._armed = {}  # API key -> (kind, seconds)
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._writers = set()
        self._tasks = set()
        self._ready = threading.Event()

    def arm(self, key, kind, seconds=0.0):
        with self._lock:
            self._armed[key] = (kind, seconds)

    def disarm(self):
        with self._lock:
            self._armed.clear()

    def armed(self, key):
        with self._lock:
            return key in self._armed

    def cut_all(self):
        """Breaks every connection."""
        self._loop.call_soon_threadsafe(self._cut_all)

    def start(self):
        super().start()
        self._ready.wait(10)

    def stop(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self.join(10)

    def run(self):
        asyncio.set_event_loop(self._loop)
        for port, upstream in self.routes:
            self._loop.run_until_complete(asyncio.start_server(
                functools.partial(self._serve, upstream), "127.0.0.1", port))
        self._ready.set()
        self._loop.run_forever()

    def _cut_all(self):
        for writer in list(self._writers):
            writer.close()

    async def _serve(self, upstream, reader, writer):
        try:
            up_reader, up_writer = await asyncio.open_connection(
                "127.0.0.1", upstream)
        except OSError:  # The broker is down.
            writer.close()
            return
        self._writers |= {writer, up_writer}
        deaf = asyncio.Event()  # The client gets no more answers.
        tasks = [
            asyncio.ensure_future(self._requests(
                upstream, reader, up_writer, deaf)),
            asyncio.ensure_future(self._answers(up_reader, writer, deaf))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for w in (writer, up_writer):
                self._writers.discard(w)
                w.close()

    async def _answers(self, reader, writer, deaf):
        while data := await reader.read(65536):
            if deaf.is_set():
                continue
            writer.write(data)
            await writer.drain()

    async def _requests(self, upstream, reader, up_writer, deaf):
        while True:
            head = await reader.readexactly(4)
            size = struct.unpack(">i", head)[0]
            frame = head + await reader.readexactly(size)
            key = struct.unpack_from(">h", frame, 4)[0]
            kind, seconds = self._take(key)
            if kind == "hold":
                await asyncio.sleep(seconds)
            if kind == "late":
                task = asyncio.ensure_future(self._deliver(
                    upstream, frame, seconds))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            if kind in ("late", "cut_before"):
                raise Cut
            if kind == "cut_after":
                deaf.set()
            up_writer.write(frame)
            await up_writer.drain()
            if kind == "cut_after":
                await asyncio.sleep(0.1)  # The broker may read it.
                raise Cut

    def _take(self, key):
        with self._lock:
            kind, seconds = self._armed.pop(key, (None, 0))
        if kind:
            self.hits[key, kind] += 1
        return kind, seconds

    async def _deliver(self, upstream, frame, seconds):
        """The request alone, over a connection of its own."""
        await asyncio.sleep(seconds)
        try:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", upstream)
            writer.write(frame)
            await writer.drain()
            await asyncio.wait_for(reader.read(65536), 5)
            writer.close()
        except (OSError, asyncio.TimeoutError):
            self.hits["late and lost"] += 1
