"""Exact sliding windows, as pure decisions.

In no interval of a window's length are more grants made than its limit. Grants stand
in order of time, those of one moment as one entry ``(time, count)``. A call is
granted when it fits beside what has not left the window yet; a refusal tells the
exact moment at which the same call would be granted if nothing else happened.

A window is a queue: what leaves is dropped at its front, once. Entries beyond the
last few are kept in chunks of fixed size that never change, and are read as the front
reaches them, so that neither a decision nor a commit grows with the limit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

__all__ = [
    "CHUNK",
    "ChunkNeededError",
    "Decision",
    "GrantWindow",
    "Quota",
    "WindowRecord",
    "empty_window",
]

CHUNK: Final = 16
"""Entries in a full chunk. A commit writes the newest entries again, so fewer are faster."""

_Entries = deque[tuple[int, int]]


@attrs.frozen
class Quota:
    """A limit: ``scope`` is its name on the wire, ``window`` the one that counts it."""

    scope: str
    window: str
    limit: int
    length_ms: int


@attrs.frozen
class WindowRecord:
    """What is stored of a window, beside its full chunks.

    ``used`` counts what had not left at the last change; of chunk ``first_chunk`` the first
    ``skipped`` entries had. ``newest`` is the time of the last grant. ``tail`` is time (ms),
    count, time, count, … of the newest entries. Chunks from ``first_kept`` to before
    ``first_chunk`` have left and are still to be deleted.
    """

    name: str
    used: int
    newest: int
    skipped: int
    first_chunk: int
    next_chunk: int
    tail: tuple[int, ...]
    first_kept: int = 0


def empty_window(name: str) -> WindowRecord:
    """Return a window in which nothing was granted yet."""
    return WindowRecord(name, used=0, newest=0, skipped=0, first_chunk=0, next_chunk=0, tail=())


@attrs.frozen
class Decision:
    """``used`` counts what is inside the window before this call.

    ``fits`` is how many could be granted now. ``retry_at_ms`` is when a refused call would
    be granted, ``None`` where it asks for more than the limit.
    """

    granted: bool
    used: int
    fits: int
    retry_at_ms: int | None = None


class ChunkNeededError(Exception):
    """A decision rests on a chunk that is not in memory: :meth:`GrantWindow.load` it."""

    def __init__(self, index: int) -> None:
        super().__init__(f"chunk {index}")
        self.index = index


class GrantWindow:
    """A window in memory.

    Changed in place while a change is being made; whoever's commit fails throws it
    away and reads it again.
    """

    def __init__(self, record: WindowRecord, *, length_ms: int) -> None:
        self.name = record.name
        self.length_ms = length_ms
        self._used = record.used
        self._newest = record.newest
        self._skipped = record.skipped
        self._first_chunk = record.first_chunk
        self._first_kept = record.first_kept
        unread = record.next_chunk - record.first_chunk
        self._chunks: deque[_Entries | None] = deque([None] * unread)
        self._tail: _Entries = deque(_pairs(record.tail))

    def decide(self, count: int, *, limit: int, now_ms: int) -> Decision:
        """Say whether ``count`` more may be granted at ``now_ms`` (which never goes back).

        Raises ChunkNeededError.
        """
        self._drop_what_left(now_ms)
        fits = max(limit - self._used, 0)
        if count <= fits:
            return Decision(granted=True, used=self._used, fits=fits)
        retry_at_ms = None if count > limit else self._moment_that_frees(self._used + count - limit)
        return Decision(granted=False, used=self._used, fits=fits, retry_at_ms=retry_at_ms)

    def grant(self, count: int, *, now_ms: int) -> tuple[int, Sequence[int]] | None:
        """Count ``count`` grants; return the chunk that this filled, as (index, entries)."""
        self._used += count
        self._newest = now_ms
        if self._tail and self._tail[-1][0] == now_ms:
            self._tail[-1] = (now_ms, self._tail[-1][1] + count)
        else:
            self._tail.append((now_ms, count))
        if len(self._tail) < CHUNK:
            return None
        filled, self._tail = self._tail, deque()
        self._chunks.append(filled)
        return self._first_chunk + len(self._chunks) - 1, _flat(filled)

    def load(self, index: int, entries: Sequence[int]) -> None:
        """Take a chunk that a decision needed."""
        chunk = deque(_pairs(entries))
        if index == self._first_chunk:
            for _ in range(self._skipped):
                chunk.popleft()
        self._chunks[index - self._first_chunk] = chunk

    def unread_from(self, index: int, limit: int) -> Sequence[int]:
        """Return up to ``limit`` chunks that are not in memory, ``index`` and those after it."""
        end = min(index + limit, self._first_chunk + len(self._chunks))
        return [
            number
            for number in range(index, end)
            if self._chunks[number - self._first_chunk] is None
        ]

    def restamp(self, now_ms: int) -> None:
        """Let everything that still counts have been granted at ``now_ms``.

        For a clock that was set back: counted at the end of what :meth:`decide` last saw.
        """
        used = self._used
        self._clear()
        if used:
            self.grant(used, now_ms=now_ms)

    def gather(self) -> None:
        """Let everything that still counts have been granted with the newest.

        For chunks that are gone: nothing is granted too early without them.
        """
        self.restamp(self._newest)

    def take_left(self, limit: int) -> Sequence[int]:
        """Return up to ``limit`` chunks that nothing needs any more, each once for good."""
        end = min(self._first_kept + limit, self._first_chunk)
        left = range(self._first_kept, end)
        self._first_kept = end
        return left

    def to_record(self) -> WindowRecord:
        """Return what is stored beside the full chunks."""
        return WindowRecord(
            name=self.name,
            used=self._used,
            newest=self._newest,
            skipped=self._skipped,
            first_chunk=self._first_chunk,
            next_chunk=self._first_chunk + len(self._chunks),
            tail=_flat(self._tail),
            first_kept=self._first_kept,
        )

    def _drop_what_left(self, now_ms: int) -> None:
        horizon = now_ms - self.length_ms
        if self._newest <= horizon:
            self._clear()
        while self._chunks:
            chunk = self._chunks[0]
            if chunk is None:
                raise ChunkNeededError(self._first_chunk)
            self._skipped += self._drop_until(horizon, chunk)
            if chunk:
                return
            self._drop_chunk()
        self._drop_until(horizon, self._tail)

    def _clear(self) -> None:
        while self._chunks:
            self._drop_chunk()
        self._tail.clear()
        self._used = 0

    def _drop_chunk(self) -> None:
        self._chunks.popleft()
        self._first_chunk += 1
        self._skipped = 0

    def _drop_until(self, horizon: int, entries: _Entries) -> int:
        dropped = 0
        while entries and entries[0][0] <= horizon:
            self._used -= entries.popleft()[1]
            dropped += 1
        return dropped

    def _moment_that_frees(self, count: int) -> int:
        for time, granted in self._entries():
            count -= granted
            if count <= 0:
                return time + self.length_ms
        raise AssertionError("a window holds what it has used")

    def _entries(self) -> Iterator[tuple[int, int]]:
        for offset, chunk in enumerate(self._chunks):
            if chunk is None:
                raise ChunkNeededError(self._first_chunk + offset)
            yield from chunk
        yield from self._tail


def _pairs(flat: Sequence[int]) -> Iterator[tuple[int, int]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _flat(entries: _Entries) -> tuple[int, ...]:
    return tuple(number for entry in entries for number in entry)
