"""What a clock that was set back means for leases and quotas, once the user has authenticated.

The log's time moves back to the clock's. What still counts in a window was granted now, so
that it is neither forgotten nor counted until the clock is where it was; a lease that seems
to have been created in the future ends, since nothing that it signs could be verified.
"""

from __future__ import annotations

import attrs

from kms_enclave.codec import DamagedRecordError, format_record, parse_record
from kms_enclave.context import Context
from kms_enclave.errors import KMSError
from kms_enclave.leases.book import BookRecord
from kms_enclave.leases.ending import end_lease
from kms_enclave.leases.lease import Lease, read_lease_in, write_lease
from kms_enclave.leases.quota import GrantWindow, WindowRecord
from kms_enclave.leases.relay import WINDOW_MS
from kms_enclave.log.instance import Instance
from kms_enclave.log.unit_of_work import UnitOfWork
from kms_enclave.ports.storage import Address
from kms_enclave.scanning import scan_all

__all__ = ["reanchor_leases", "restamp"]


async def reanchor_leases(
    context: Context, unit: UnitOfWork, instance: Instance, *, last_ms: int, now_ms: int
) -> None:
    """Move leases and books from the log's time ``last_ms`` back to the clock's, ``now_ms``."""
    async for key, _ in scan_all(context.storage, "leases"):
        try:
            lease = await read_lease_in(unit, str(key))
        except KMSError:
            continue  # Damaged: whoever uses it is told.
        await _reanchor_lease(context, unit, instance, lease, now_ms)
    async for key, _ in scan_all(context.storage, "quotas"):
        await _reanchor_book(unit, Address("quotas", key), last_ms=last_ms, now_ms=now_ms)


def restamp(window: WindowRecord, now_ms: int) -> WindowRecord:
    """Return a window of which nothing was granted after ``now_ms``.

    Where the newest grant is not after it, none is, and each keeps its own time.
    """
    if not window.used or window.newest <= now_ms:
        return window
    restamped = GrantWindow(window, length_ms=0)
    restamped.restamp(now_ms)
    return restamped.to_record()


async def _reanchor_lease(
    context: Context, unit: UnitOfWork, instance: Instance, lease: Lease, now_ms: int
) -> None:
    record = lease.record
    if record.revoked_at is not None or record.ended_at is not None:
        return
    if record.created_at > now_ms:
        await end_lease(
            context,
            unit,
            instance,
            lease,
            now_ms=now_ms,
            reason="clock.adjusted",
            origin=record.origin,
        )
    elif record.relay_binding is not None:
        # Nonces that had expired by the log's time are gone: nothing signed so far may count.
        bound = attrs.evolve(record, proofs_after=now_ms + WINDOW_MS)
        await write_lease(unit, attrs.evolve(lease, record=bound))


async def _reanchor_book(unit: UnitOfWork, address: Address, *, last_ms: int, now_ms: int) -> None:
    stored = await unit.read(address)
    if stored is None:
        return
    try:
        book = parse_record(stored.value, BookRecord)
    except DamagedRecordError:
        return  # Whoever uses it is told.
    restamped = BookRecord(
        windows=tuple(restamp(window, now_ms) for window in book.windows),
        standing=book.standing.restamped(last_ms=last_ms, now_ms=now_ms),
    )
    if restamped != book:
        await unit.write(address, format_record(restamped), expires_ms=stored.expires_ms)
