"""A lock shared by every worker of the origin.

It only makes conflicts rare. Whatever it guards must also be guarded by a
revision in the commit, because a lock can be stolen, or missing.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

__all__ = ["LockPort"]


class LockPort(Protocol):
    """Named, exclusive, queued locks."""

    def hold(self, name: str) -> AbstractAsyncContextManager[None]:
        """Return a context manager that waits for the lock and lets it go at its end."""
