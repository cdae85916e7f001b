"""An asyncio loop that runs whatever is ready in one turn of the browser's own loop.

Pyodide's loop gives every callback a turn of its own, at 0.1 ms and more, and a task or a
promise that is awaited costs two or three of them. Here callbacks wait in a queue, as in
CPython's loops: one microtask runs them all, and what they make ready, in order. A turn
ends after a few milliseconds, so that messages and timers come through however busy
Python is. Timers are Pyodide's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Final, TypeVar, TypeVarTuple

from pyodide.ffi import create_proxy
from pyodide.webloop import WebLoop

from kms_enclave.adapters.browser.js_types import JsHost

__all__ = ["start_in_loop"]

_TURN_S: Final = 0.004

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def start_in_loop(js_host: JsHost, main: Coroutine[object, object, T]) -> asyncio.Task[T]:
    """Make such a loop the running one for good; return the task of ``main`` in it.

    For plain functions that JavaScript calls: what already runs in another loop cannot move.
    """
    return _ReadyQueueLoop(js_host).create_task(main)


class _ReadyQueueLoop(WebLoop):
    def __init__(self, js_host: JsHost) -> None:
        self._js_host = js_host
        self._js_run_ready = create_proxy(self._run_ready)
        self._ready: deque[asyncio.Handle] = deque()
        self._is_turn_due = False
        super().__init__()

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        if not self._is_turn_due:
            self._js_host.defer(self._js_run_ready)
            self._is_turn_due = True
        return handle

    def _run_ready(self) -> None:
        try:
            self._install_running_loop()
            self._install_asyncgen_hooks()
            ends = self.time() + _TURN_S
            while self._ready:
                handle = self._ready.popleft()
                if not handle.cancelled():
                    handle._run()
                if self.time() > ends:
                    break
        finally:
            # Where this fails, the next callback asks for a turn again.
            self._is_turn_due = False
            if self._ready:
                self.call_later(0, self._run_ready)
                self._is_turn_due = True
