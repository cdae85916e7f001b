"""What a page may know of its leases: everything but keys, salts and handles."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from kms_enclave.errors import KMSError
from kms_enclave.leases.book import lease_book_address, parse_book
from kms_enclave.leases.lease import Lease, LeaseRecord, parse_lease, verify_live_lease
from kms_enclave.leases.patterns import Patterns, parse_patterns, patterns_address
from kms_enclave.leases.standing import verify_standing
from kms_enclave.ports.storage import StoragePort
from kms_enclave.scanning import scan_all

__all__ = ["LeaseState", "leases_with_state", "verify_lease"]


@attrs.frozen
class LeaseState:
    """``reason`` is the code with which issuing would be refused, ``None`` for a live lease."""

    record: LeaseRecord
    reason: str | None


async def leases_with_state(
    storage: StoragePort, *, origin: str, now_ms: int
) -> Sequence[LeaseState]:
    """Return an origin's leases, each with whether it may be used now."""
    patterns = await _patterns(storage, origin)
    found: list[LeaseState] = []
    async for key, stored in scan_all(storage, "leases"):
        try:
            lease = parse_lease(stored, expected_lease_id=str(key))
        except KMSError:
            continue  # Damaged: whoever uses it is told.
        if lease.record.origin == origin:
            reason = await _reason(storage, lease, patterns, origin, now_ms)
            found.append(LeaseState(lease.record, reason))
    return found


async def verify_lease(
    lease: Lease, storage: StoragePort, *, origin: str, now_ms: int
) -> str | None:
    """Return the code with which issuing under a lease would be refused now, or ``None``."""
    return await _reason(storage, lease, await _patterns(storage, origin), origin, now_ms)


async def _reason(
    storage: StoragePort, lease: Lease, patterns: Patterns, origin: str, now_ms: int
) -> str | None:
    suspended = patterns.match(lease.record.user_id)
    try:
        verify_live_lease(lease, expected_origin=origin, now_ms=now_ms, suspended=suspended)
        (book,) = await storage.read([lease_book_address(lease.record.lease_id)])
        verify_standing(parse_book(book).standing, now_ms=now_ms, clock_ms=now_ms)
    except KMSError as refusal:
        return refusal.code
    return None


async def _patterns(storage: StoragePort, origin: str) -> Patterns:
    (record,) = await storage.read([patterns_address(origin)])
    return parse_patterns(record)
