"""A clock behind the log: how far it may be, and what is refused beyond that.

Log, quotas and expiry use time that never goes back, ``max(clock, last committed)``. While
the clock is a little behind, that time stands still; when it is far behind, windows would
stand still with it and tokens would end before their entries, so nothing is issued until
the user authenticates something, which moves the log's time back (``clock.adjust``).

A jump forward cannot be told from sleep. It only ends leases early.
"""

from __future__ import annotations

from typing import Final

from kms_enclave.errors import KMSError

__all__ = ["MAX_BEHIND_MS", "is_behind", "verify_clock"]

MAX_BEHIND_MS: Final = 300_000


def is_behind(*, clock_ms: int, now_ms: int) -> bool:
    """Tell whether the clock is too far behind ``now_ms``, the log's time."""
    return now_ms - clock_ms > MAX_BEHIND_MS


def verify_clock(*, clock_ms: int, now_ms: int) -> None:
    """Raise KMSError ``clock.skew`` while the clock is too far behind the log's time."""
    if is_behind(clock_ms=clock_ms, now_ms=now_ms):
        raise KMSError(
            "clock.skew",
            retry_after_ms=now_ms - clock_ms - MAX_BEHIND_MS,
            details={"behindMs": now_ms - clock_ms},
        )
