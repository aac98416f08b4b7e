# SPDX-License-Identifier: Apache-2.0
"""The event loop, the clock and the random source of an asyncio program that plays in tcpassay's virtual time: nothing
waits, and the same seed gives the same run. To be imported before the program that uses them."""

import asyncio
import random
import secrets
import time

import host


class Clock:
    """The only clock: nanoseconds since the stack was started."""

    now = 0


class Chance(random.Random):
    """The only random source."""

    def random(self):
        return host.random() / 2**32

    def getrandbits(self, k):
        return int.from_bytes(self.randbytes((k + 7) // 8), "big") >> (-k % 8)

    def randbytes(self, n):
        return b"".join(host.random().to_bytes(4, "big") for _ in range((n + 3) // 4))[:n]


def replace_clock_and_chance():
    time.monotonic_ns = time.time_ns = time.perf_counter_ns = lambda: Clock.now
    time.monotonic = time.time = time.perf_counter = lambda: Clock.now / 1e9
    chance = Chance()
    for name in ("random", "randint", "randrange", "uniform", "choice", "sample", "shuffle", "getrandbits", "randbytes"):
        setattr(random, name, getattr(chance, name))
    secrets.token_bytes = lambda n=16: chance.randbytes(n)
    secrets.randbelow = chance.randrange
    secrets.choice = chance.choice
    secrets.randbits = chance.getrandbits


class NothingToSelect:
    def select(self, _timeout):
        return []

    def close(self):
        pass


class Loop(asyncio.BaseEventLoop):
    """asyncio's event loop on our clock: it runs what is ready and never waits."""

    def __init__(self):
        super().__init__()
        self._selector = NothingToSelect()
        self._clock_resolution = 1e-9

    def time(self):
        return Clock.now / 1e9

    def _process_events(self, event_list):
        pass

    def _write_to_self(self):
        pass

    def add_reader(self, *_):
        pass

    def remove_reader(self, *_):
        pass

    def next(self):
        """When the next timer is due, in nanoseconds; None: never."""
        while self._scheduled and self._scheduled[0]._cancelled:
            handle = asyncio.base_events.heapq.heappop(self._scheduled)
            handle._scheduled = False
            self._timer_cancelled_count -= 1
        return -int(-self._scheduled[0]._when * 1e9 // 1) if self._scheduled else None

    def settle(self):
        asyncio.events._set_running_loop(self)
        try:
            while True:
                due = self.next()
                if not self._ready and (due is None or due > Clock.now):
                    return
                self._run_once()
        finally:
            asyncio.events._set_running_loop(None)

    def advance(self, now):
        while (due := self.next()) is not None and due <= now:
            Clock.now = max(Clock.now, due)
            self.settle()
        Clock.now = now
        self.settle()
