"""Wrong guesses: after five in a row a delay that doubles, up to 15 minutes.

A guess is counted in a commit of its own before any derivation starts, so that a
thousand parallel guesses are a thousand counted guesses. Counts are kept apart: what the
user types into the enclave's dialog, and for each parent origin the passphrases and the
PRF outputs that its pages pass. So a page that guesses can neither lock its user out nor
another page, and no right answer of one kind wipes out wrong ones of another.

An assertion is no guess: it answers a challenge of the worker's own, and nobody comes
nearer to a passkey's signature by trying. It is neither counted nor delayed, so that who
has forgotten the passphrase can still use the passkey.

A right guess clears its count. What was no guess after all (nothing is enrolled that it
could have matched, or the record is damaged) is taken back, and only that: a call which
cannot succeed must not wipe out earlier guesses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from kms_enclave.codec import DamagedRecordError, format_record, parse_record
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
from kms_enclave.structure import from_json
from kms_enclave.unlock.credentials import (
    AssertionCredentials,
    Credentials,
    PassphraseCredentials,
)
from kms_enclave.unlock.record import PASSPHRASE, PRF, Method

__all__ = [
    "FREE_ATTEMPTS",
    "MAX_DELAY_MS",
    "CountedAttempt",
    "clear_attempts",
    "count_attempt",
    "counted_at",
    "delay_after",
    "passphrase_counts",
    "take_back_attempt",
]

FREE_ATTEMPTS: Final = 5
FIRST_DELAY_MS: Final = 1_000
MAX_DELAY_MS: Final = 900_000
_MAX_CONFLICTS: Final = 200
_TYPED: Final = Address("meta", "attempts:enclave")


@from_json
@attrs.frozen
class _Attempts:
    """``failed`` counts attempts since the last success; ``not_before`` is in milliseconds."""

    failed: int
    not_before: int


@attrs.frozen
class CountedAttempt:
    """An attempt as it was counted: the record's revision, and what it replaced."""

    address: Address
    revision: int
    replaced: _Attempts


def delay_after(failed: int) -> int:
    """Return the wait in milliseconds after that many attempts in a row."""
    if failed < FREE_ATTEMPTS:
        return 0
    return min(FIRST_DELAY_MS << min(failed - FREE_ATTEMPTS, 20), MAX_DELAY_MS)


def counted_at(credentials: Credentials, *, origin: str) -> Address | None:
    """Return where a guess is counted; ``None`` for what is none. ``origin`` is the parent's."""
    if isinstance(credentials, AssertionCredentials):
        return None
    if isinstance(credentials, PassphraseCredentials):
        is_typed = credentials.via == "enclave"
        return _TYPED if is_typed else _passed(PASSPHRASE, origin)
    return _passed(PRF, origin)


def passphrase_counts(*, origin: str) -> Sequence[Address]:
    """Return the counts that end where the user of a parent origin replaces the passphrase."""
    return (_TYPED, _passed(PASSPHRASE, origin))


def _passed(method: Method, origin: str) -> Address:
    return Address("meta", f"attempts:page:{method}:{origin}")


async def count_attempt(storage: StoragePort, clock: ClockPort, address: Address) -> CountedAttempt:
    """Count an attempt that is about to be made.

    Raises KMSError ``unlock.throttled`` while the delay of an earlier one lasts; such a
    call is not counted.
    """
    for _ in range(_MAX_CONFLICTS):
        (record,) = await storage.read([address])
        attempts = _parse(record)
        now_ms, delay_ms = clock.now_ms(), delay_after(attempts.failed)
        wait_ms = max(attempts.not_before - now_ms, 0) if delay_ms else 0
        if 0 < wait_ms <= delay_ms:
            raise _throttled(wait_ms)
        if wait_ms:
            # The clock was set back. The delay begins anew, or it would last until the
            # clock is where it was.
            counted = attrs.evolve(attempts, not_before=now_ms + delay_ms)
        else:
            failed = attempts.failed + 1
            counted = _Attempts(failed, now_ms + delay_after(failed))
        revision = record.revision if record else ABSENT
        if not await _replace(storage, address, revision, counted):
            continue
        if wait_ms:
            raise _throttled(delay_ms)
        return CountedAttempt(address, revision + 1, attempts)
    raise _throttled(FIRST_DELAY_MS)


async def take_back_attempt(storage: StoragePort, attempt: CountedAttempt) -> None:
    """Restore the count from before an attempt that was no guess.

    Where another worker has counted since, it stands: too many are counted, never too few.
    """
    await _replace(storage, attempt.address, attempt.revision, attempt.replaced)


async def clear_attempts(storage: StoragePort, address: Address) -> None:
    """Forget what was counted: the credentials were right."""
    await storage.commit(expectations=(), puts=(), deletes=[Delete(address)], durable=False)


async def _replace(
    storage: StoragePort, address: Address, revision: int, attempts: _Attempts
) -> bool:
    record = Record(revision + 1, format_record(attempts))
    try:
        await storage.commit(
            expectations=[Expectation(address, revision)], puts=[Put(address, record)]
        )
    except RevisionConflictError:
        return False
    return True


def _throttled(wait_ms: int) -> KMSError:
    return KMSError("unlock.throttled", retry_after_ms=wait_ms)


def _parse(record: Record | None) -> _Attempts:
    if record is None:
        return _Attempts(0, 0)
    try:
        return parse_record(record.value, _Attempts)
    except DamagedRecordError:
        # Somebody with the storage could delete the record as well.
        return _Attempts(FREE_ATTEMPTS, 0)
