"""Errors that a timer raises, wherever the main thread waits.

Playwright's event loop runs in a greenlet of its own, and asyncio discards what a signal
handler raises in a callback: the error is thrown into the greenlet that set the timer.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

import greenlet

__all__ = ["limited", "raiser"]


def raiser(error: Callable[[], BaseException]) -> Callable[..., None]:
    """Return a signal handler that raises in the greenlet that runs now."""
    waiting = greenlet.getcurrent()

    def handle(*_: object) -> None:
        if greenlet.getcurrent() is waiting:
            raise error()
        asyncio.get_running_loop().call_soon_threadsafe(waiting.throw, error())

    return handle


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the block after some time; the test's own limit waits meanwhile."""
    before = signal.signal(signal.SIGALRM, raiser(TimeoutError))
    left_s, interval_s = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, left_s, interval_s)
