"""Ending leases before their time, and the tokens that should no longer be honoured.

From the commit on every issuance is refused; the signing handle, the key copy and the
lease's audit key are deleted in the same commit. What remains of the record says when
and why.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from kms_enclave.codec import DamagedRecordError, parse_record
from kms_enclave.context import Context
from kms_enclave.errors import KMSError
from kms_enclave.leases.ending import end_lease
from kms_enclave.leases.lease import (
    Lease,
    LeaseRecord,
    parse_lease,
    read_lease_in,
)
from kms_enclave.log.instance import read_instance_in
from kms_enclave.log.journal import Change
from kms_enclave.log.unit_of_work import UnitOfWork
from kms_enclave.ports.storage import Key, Record, StoragePort
from kms_enclave.scanning import scan_all
from kms_enclave.unlock.session import Session

__all__ = ["leases_of_origin", "revoke_lease", "revoke_leases", "revoke_leases_of_key"]


async def revoke_lease(context: Context, lease_id: str, *, origin: str) -> int:
    """Revoke a lease of this origin; return when it took effect, in milliseconds.

    A page may always give its own power up. Revoking twice changes nothing. Raises
    KMSError ``lease.not.found`` or ``origin.denied``.
    """
    effective: list[int] = []

    async def plan(now_ms: int) -> Change:
        unit = UnitOfWork(context.storage)
        lease = await read_lease_in(unit, lease_id)
        if lease.record.origin != origin:
            raise KMSError("origin.denied", "The lease belongs to another origin")
        effective[:] = [lease.record.revoked_at or now_ms]
        if lease.record.revoked_at is None:
            await _revoke(context, unit, lease, now_ms=now_ms, origin=origin)
        return unit.change()

    await context.journal.commit(plan)
    return effective[0]


async def revoke_leases(context: Context, *, origin: str) -> Sequence[str]:
    """Revoke every live lease of this origin in one commit; return their ids."""
    revoked: list[str] = []

    async def plan(now_ms: int) -> Change:
        unit = UnitOfWork(context.storage)
        live = [
            record
            async for record in leases_of_origin(context.storage, origin)
            if record.revoked_at is None and now_ms < record.exp
        ]
        for record in live:
            lease = await read_lease_in(unit, record.lease_id)
            await _revoke(context, unit, lease, now_ms=now_ms, origin=origin)
        revoked[:] = [record.lease_id for record in live]
        return unit.change()

    await context.journal.commit(plan)
    return revoked


async def _revoke(
    context: Context, unit: UnitOfWork, lease: Lease, *, now_ms: int, origin: str
) -> None:
    await end_lease(
        context,
        unit,
        await read_instance_in(unit),
        lease,
        now_ms=now_ms,
        reason="user-requested",
        origin=origin,
    )


async def revoke_leases_of_key(session: Session, kid: str, *, reason: str) -> None:
    """Revoke every live lease that signs with a key, with an entry each."""
    async for key, stored in _leases_seen_by(session):
        try:
            lease = parse_lease(stored, expected_lease_id=str(key))
        except KMSError:
            continue
        if lease.record.kid == kid and lease.record.revoked_at is None:
            await end_lease(
                session.context,
                session.unit,
                session.instance,
                lease,
                now_ms=session.now_ms,
                reason=reason,
                origin=session.origin,
            )


async def _leases_seen_by(session: Session) -> AsyncIterator[tuple[Key, Record]]:
    """Yield each lease as this unit of work sees it, those of its own earlier steps included."""
    pending = dict(session.unit.pending("leases"))
    async for key, stored in scan_all(session.context.storage, "leases"):
        yield key, pending.pop(key, stored)
    for key, stored in pending.items():
        yield key, stored


async def leases_of_origin(storage: StoragePort, origin: str) -> AsyncIterator[LeaseRecord]:
    """Yield the records of an origin's leases, revoked and expired ones included."""
    async for key, stored in scan_all(storage, "leases"):
        try:
            record = parse_record(stored.value, LeaseRecord)
        except DamagedRecordError:
            continue
        if record.origin == origin and record.lease_id == key:
            yield record
