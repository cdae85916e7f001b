"""Wrong credentials: after five in a row a delay that doubles, up to 15 minutes.

An attempt is counted in a commit of its own before any derivation starts, so that a
thousand parallel guesses are a thousand counted guesses. What a page passes and what
the user types into the enclave's dialog are counted apart: a page that guesses cannot
lock its user out. Success clears the count.
"""

from __future__ import annotations

from typing import Final

import attrs

from kms_enclave.codec import DamagedRecordError, format_record, parse_record
from kms_enclave.enrollment.record import Via
from kms_enclave.errors import KMSError
from kms_enclave.ports.clock import ClockPort
from kms_enclave.ports.storage import (
    ABSENT,
    Address,
    Delete,
    Expectation,
    Put,
    Record,
    RevisionConflictError,
    StoragePort,
)

__all__ = ["FREE_ATTEMPTS", "MAX_DELAY_MS", "clear_attempts", "count_attempt", "delay_after"]

FREE_ATTEMPTS: Final = 5
FIRST_DELAY_MS: Final = 1_000
MAX_DELAY_MS: Final = 900_000
_MAX_CONFLICTS: Final = 200


@attrs.frozen
class _Attempts:
    """``failed`` counts attempts since the last success; ``not_before`` is in milliseconds."""

    failed: int
    not_before: int
    counted_at: int


def delay_after(failed: int) -> int:
    """Return the wait in milliseconds after that many attempts in a row."""
    if failed < FREE_ATTEMPTS:
        return 0
    return min(FIRST_DELAY_MS << min(failed - FREE_ATTEMPTS, 20), MAX_DELAY_MS)


async def count_attempt(storage: StoragePort, clock: ClockPort, *, via: Via) -> None:
    """Count an attempt that is about to be made.

    Raises KMSError ``unlock.throttled`` while the delay of an earlier one lasts; such a
    call is not counted.
    """
    address = _address(via)
    for _ in range(_MAX_CONFLICTS):
        (record,) = await storage.read([address])
        attempts = _parse(record)
        now_ms = clock.now_ms()
        # A clock set back must not stretch the delay beyond its own length.
        wait_ms = min(attempts.not_before - now_ms, delay_after(attempts.failed))
        if wait_ms > 0:
            raise KMSError("unlock.throttled", retry_after_ms=wait_ms)
        failed = attempts.failed + 1
        counted = _Attempts(failed, now_ms + delay_after(failed), now_ms)
        revision = record.revision if record else ABSENT
        try:
            await storage.commit(
                expectations=[Expectation(address, revision)],
                puts=[Put(address, Record(revision + 1, format_record(counted)))],
            )
        except RevisionConflictError:
            continue
        return
    raise KMSError("unlock.throttled", retry_after_ms=FIRST_DELAY_MS)


async def clear_attempts(storage: StoragePort, *, via: Via) -> None:
    """Forget what was counted: the credentials were right."""
    await storage.commit(expectations=(), puts=(), deletes=[Delete(_address(via))], durable=False)


def _address(via: Via) -> Address:
    return Address("meta", f"attempts:{via}")


def _parse(record: Record | None) -> _Attempts:
    if record is None:
        return _Attempts(0, 0, 0)
    try:
        return parse_record(record.value, _Attempts)
    except DamagedRecordError:
        # Somebody with the storage could delete the record as well.
        return _Attempts(FREE_ATTEMPTS, 0, 0)
