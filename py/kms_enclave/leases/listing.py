"""What a page may know of its leases: everything but keys, salts and handles."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from kms_enclave.errors import KMSError
from kms_enclave.leases.book import lease_book_address, parse_book
from kms_enclave.leases.lease import Lease, LeaseRecord, parse_lease, verify_live_lease
from kms_enclave.leases.patterns import Patterns, parse_patterns, patterns_address
from kms_enclave.leases.standing import Standing, verify_standing
from kms_enclave.log.skew import is_behind
from kms_enclave.ports.storage import StoragePort
from kms_enclave.scanning import scan_all

__all__ = ["LeaseState", "lease_state", "leases_with_state"]


@attrs.frozen
class LeaseState:
    """``reason`` is the code with which issuing would be refused, ``None`` for a live lease."""

    record: LeaseRecord
    reason: str | None


async def leases_with_state(
    storage: StoragePort, *, origin: str, now_ms: int
) -> Sequence[LeaseState]:
    """Return an origin's leases, each with whether it may be used now."""
    (stored_patterns,) = await storage.read([patterns_address(origin)])
    patterns = parse_patterns(stored_patterns)
    found: list[LeaseState] = []
    async for key, stored in scan_all(storage, "leases"):
        try:
            lease = parse_lease(stored, expected_lease_id=str(key))
        except KMSError:
            continue  # Damaged: whoever uses it is told.
        if lease.record.origin == origin:
            reason = await _stored_reason(storage, lease, patterns, now_ms)
            found.append(LeaseState(lease.record, reason))
    return found


def lease_state(
    lease: Lease,
    patterns: Patterns,
    standing: Standing,
    *,
    expected_origin: str,
    now_ms: int,
    clock_ms: int,
) -> LeaseState:
    """Return a lease with whether it may be used now, by the log's time and the clock.

    Raises KMSError ``origin.denied``.
    """
    if lease.record.origin != expected_origin:
        raise KMSError("origin.denied", details={"leaseId": lease.record.lease_id})
    if is_behind(clock_ms=clock_ms, now_ms=now_ms):
        return LeaseState(lease.record, "clock.skew")
    return LeaseState(lease.record, _reason(lease, patterns, standing, now_ms))


async def _stored_reason(
    storage: StoragePort, lease: Lease, patterns: Patterns, now_ms: int
) -> str | None:
    (book,) = await storage.read([lease_book_address(lease.record.lease_id)])
    try:
        standing = parse_book(book).standing
    except KMSError as refusal:
        return refusal.code
    return _reason(lease, patterns, standing, now_ms)


def _reason(lease: Lease, patterns: Patterns, standing: Standing, now_ms: int) -> str | None:
    record = lease.record
    suspended = patterns.match(record.user_id)
    try:
        verify_live_lease(lease, expected_origin=record.origin, now_ms=now_ms, suspended=suspended)
        verify_standing(standing, now_ms=now_ms, clock_ms=now_ms)
    except KMSError as refusal:
        return refusal.code
    return None
