"""Exact sliding windows, as pure decisions.

In no interval of a window's length are more grants made than its limit. Grants are
numbered in order of time; grant *n + k* is allowed when grant *n + k − limit* has
left the window, which one look-up tells, and which also gives the exact moment at
which a refused call would be granted if nothing else happened.

What is stored grows with the grants that still count, in chunks of fixed size, so
that a commit writes the same amount however large the limit is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

import attrs

__all__ = ["CHUNK", "Decision", "GrantWindow", "WindowRecord", "first_chunk_needed"]

CHUNK: Final = 64
"""Grants in a full chunk. Full chunks are records of their own and never change."""


@attrs.frozen
class WindowRecord:
    """``granted`` numbers all grants; ``tail`` are the times (ms) of the unfinished chunk."""

    granted: int = 0
    tail: tuple[int, ...] = ()


@attrs.frozen
class Decision:
    """``used`` counts grants inside the window before this call.

    ``fits`` is how many could be granted now; ``retry_after_ms`` is 0 when granted, the
    exact wait where waiting helps, ``None`` where more is asked than the limit.
    """

    granted: bool
    used: int
    fits: int
    retry_after_ms: int | None


class GrantWindow:
    """A window's grants in memory: what is stored, and nothing that has left.

    Changed in place while a change is being made; whoever's commit fails throws it
    away and reads it again.
    """

    def __init__(
        self, *, limit: int, length_ms: int, record: WindowRecord, older: Iterable[int] = ()
    ) -> None:
        self.limit = limit
        self.length_ms = length_ms
        self._granted = record.granted
        self._times = deque((*older, *record.tail))
        self._tail = list(record.tail)

    def decide(self, count: int, *, now_ms: int) -> Decision:
        """Say whether ``count`` more may be granted at ``now_ms`` (which never goes back)."""
        self._drop_what_left(now_ms)
        used = len(self._times)
        fits = max(self.limit - used, 0)
        if count <= fits:
            return Decision(granted=True, used=used, fits=fits, retry_after_ms=0)
        if count > self.limit:
            return Decision(granted=False, used=used, fits=fits, retry_after_ms=None)
        must_leave = self._times[used + count - self.limit - 1]
        wait_ms = must_leave + self.length_ms - now_ms
        return Decision(granted=False, used=used, fits=fits, retry_after_ms=wait_ms)

    def grant(self, count: int, *, now_ms: int) -> list[tuple[int, tuple[int, ...]]]:
        """Count ``count`` grants; return the chunks that this filled, as (index, times)."""
        filled: list[tuple[int, tuple[int, ...]]] = []
        for _ in range(count):
            self._times.append(now_ms)
            self._tail.append(now_ms)
            self._granted += 1
            if len(self._tail) == CHUNK:
                filled.append((self._granted // CHUNK - 1, tuple(self._tail)))
                self._tail.clear()
        return filled

    def to_record(self) -> WindowRecord:
        """Return what is stored beside the full chunks."""
        return WindowRecord(self._granted, tuple(self._tail))

    def _drop_what_left(self, now_ms: int) -> None:
        while self._times and self._times[0] <= now_ms - self.length_ms:
            self._times.popleft()


def first_chunk_needed(*, granted: int, limit: int) -> int:
    """Return the index of the oldest chunk that can still matter to a window."""
    return max(granted - limit, 0) // CHUNK
