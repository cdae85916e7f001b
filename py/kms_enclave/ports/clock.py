"""Wall clock and stopwatch.

The wall clock may jump either way; what must not go back is decided in the
domain (``max(clock, last committed)``), never here.
"""

from __future__ import annotations

from typing import Protocol

__all__ = ["ClockPort"]


class ClockPort(Protocol):
    """Time as integers and floats in milliseconds."""

    def now_ms(self) -> int:
        """Return Unix time in milliseconds."""

    def monotonic_ms(self) -> float:
        """Return a time that only differences have a meaning for."""
