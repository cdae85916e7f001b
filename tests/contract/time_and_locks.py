"""The clock and the locks."""

from __future__ import annotations

import asyncio
import time

from .expect import equal, holds, refused
from .subject import Subject


async def the_wall_clock_is_whole_milliseconds_of_this_century(subject: Subject) -> None:
    now_ms = subject.clock.now_ms()
    holds(isinstance(now_ms, int), "an integer")
    holds(1_600_000_000_000 < now_ms < 4_100_000_000_000, "milliseconds since 1970")


async def the_stopwatch_counts_milliseconds(subject: Subject) -> None:
    before, started = time.perf_counter(), subject.clock.monotonic_ms()
    await asyncio.sleep(0.02)
    elapsed_ms = subject.clock.monotonic_ms() - started
    # Clocks of browsers are coarse: a millisecond at each end.
    longest_ms = (time.perf_counter() - before) * 1000 + 2
    holds(10 < elapsed_ms <= longest_ms, f"{elapsed_ms} ms of {longest_ms}")


async def a_lock_lets_one_in_at_a_time_in_order(subject: Subject) -> None:
    events: list[str] = []

    async def work(name: str) -> None:
        async with subject.locks.hold("contract"):
            events.append(f"{name} in")
            await asyncio.sleep(0.01)
            events.append(f"{name} out")

    await asyncio.gather(*(work(name) for name in "abc"))
    equal(events, ["a in", "a out", "b in", "b out", "c in", "c out"])


async def locks_of_different_names_do_not_wait_for_each_other(subject: Subject) -> None:
    async with subject.locks.hold("contract one"), subject.locks.hold("contract two"):
        pass


async def a_lock_is_let_go_when_the_work_fails(subject: Subject) -> None:
    async def fail() -> None:
        async with subject.locks.hold("contract"):
            raise KeyError("the work fails")

    await refused(KeyError, fail())
    async with subject.locks.hold("contract"):
        pass


async def a_wait_that_is_cancelled_leaves_the_lock_free(subject: Subject) -> None:
    async def wait() -> None:
        async with subject.locks.hold("contract"):
            pass

    async with subject.locks.hold("contract"):
        waiting = asyncio.ensure_future(wait())
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with subject.locks.hold("contract"):
        pass
