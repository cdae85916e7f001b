"""The clock port on CPython."""

from __future__ import annotations

import time

__all__ = ["SystemClock"]


class SystemClock:
    """:class:`~kms_enclave.ports.clock.ClockPort` of the operating system."""

    def now_ms(self) -> int:
        """Return Unix time in milliseconds."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> float:
        """Return a stopwatch's time in milliseconds."""
        return time.perf_counter() * 1_000
