"""The asyncio loop that the adapters run in."""

from __future__ import annotations

import asyncio

from .expect import equal, holds
from .subject import Subject


async def what_is_ready_runs_in_the_order_in_which_it_became_so(_: Subject) -> None:
    seen: list[str] = []

    async def task(name: str) -> None:
        seen.append(name)
        asyncio.get_running_loop().call_soon(seen.append, f"after {name}")

    loop = asyncio.get_running_loop()
    loop.call_soon(seen.append, "callback")
    tasks = [asyncio.create_task(task(name)) for name in "ab"]
    await asyncio.gather(*tasks)
    await asyncio.sleep(0)
    equal(seen, ["callback", "a", "b", "after a", "after b"])


async def a_task_that_never_waits_lets_timers_through(_: Subject) -> None:
    fired: list[str] = []
    asyncio.get_running_loop().call_later(0.02, fired.append, "timer")
    for _turn in range(200_000):
        await asyncio.sleep(0)
        if fired:
            return
    holds(False, "the timer fired")


async def a_callback_that_fails_is_reported_and_stops_no_other(_: Subject) -> None:
    loop = asyncio.get_running_loop()
    reports: list[object] = []
    error = ValueError("the callback fails")

    def fail() -> None:
        raise error

    loop.set_exception_handler(lambda _, context: reports.append(context.get("exception")))
    try:
        later = asyncio.Event()
        loop.call_soon(fail)
        loop.call_soon(later.set)
        await later.wait()
    finally:
        loop.set_exception_handler(None)
    equal(reports, [error])


async def a_callback_that_was_cancelled_does_not_run(_: Subject) -> None:
    seen: list[str] = []
    asyncio.get_running_loop().call_soon(seen.append, "cancelled").cancel()
    await asyncio.sleep(0)
    holds(not seen, "nothing ran")
