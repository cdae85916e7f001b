"""The lock port on Web Locks: shared by every worker of the origin.

Where the browser refuses locks, or another tab steals one, work goes on without:
revisions in the commit carry correctness.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from pyodide.ffi import JsException, JsProxy

from kms_enclave.adapters.browser.js_types import JsPrimitives

__all__ = ["WebLocks"]


class WebLocks:
    """:class:`~kms_enclave.ports.locks.LockPort` for the browser."""

    def __init__(self, js_locks: JsProxy, js_primitives: JsPrimitives) -> None:
        self._js_locks = js_locks
        self._js_primitives = js_primitives

    def hold(self, name: str) -> AbstractAsyncContextManager[None]:
        """Return a context manager that waits for the lock and lets it go at its end."""
        return self._hold(name)

    @asynccontextmanager
    async def _hold(self, name: str) -> AsyncIterator[None]:
        js_lock = self._js_primitives.requestLock(self._js_locks, name)
        try:
            with suppress(JsException):
                await js_lock.granted
            yield
        finally:
            # Also when the wait was cancelled: a lock granted later would stay for ever.
            js_lock.release()
