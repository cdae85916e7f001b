"""The lock port inside one process: an asyncio lock for each name.

Two processes on one database do not see each other's locks. Revisions in the commit
keep them correct, as they do for two tabs whose lock was stolen.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

__all__ = ["AsyncioLocks"]


class AsyncioLocks:
    """:class:`~kms_enclave.ports.locks.LockPort` for everything that shares this object."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}

    def hold(self, name: str) -> AbstractAsyncContextManager[None]:
        """Return a context manager that waits for the lock and lets it go at its end."""
        return self._locks.setdefault(name, asyncio.Lock())
