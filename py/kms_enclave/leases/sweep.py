"""Taking away what time has ended: expired leases, dead tokens, grants that no longer count.

Runs at start and once a minute. An expired lease loses its keys and gets one
``lease.expire`` entry; what remains of it, and of a revoked one, goes a week later.
Nothing here decides whether a lease may be used: every use checks that itself.
"""

from __future__ import annotations

from typing import Final

import attrs

from kms_enclave.audit.entry import EntryDraft
from kms_enclave.audit.journal import Change
from kms_enclave.audit.signing import instance_draft
from kms_enclave.context import Context
from kms_enclave.errors import KMSError
from kms_enclave.instance import read_instance_in
from kms_enclave.leases.emergency import LISTED_FOR_MS
from kms_enclave.leases.lease import (
    Lease,
    lease_address,
    parse_lease,
    without_keys,
    write_lease,
)
from kms_enclave.ports.storage import Address, Delete, StoreName
from kms_enclave.unit_of_work import UnitOfWork

__all__ = ["SWEEP_INTERVAL_S", "sweep"]

SWEEP_INTERVAL_S: Final = 60
_LEASES_AT_ONCE: Final = 32
_RECORDS_AT_ONCE: Final = 500
_EXPENDABLE: Final[tuple[StoreName, ...]] = ("tokens", "grants")


async def sweep(context: Context) -> None:
    """Expire leases, with an entry each, and delete records that no longer matter."""
    await context.journal.commit(lambda now_ms: _expire_leases(context, now_ms))
    for store in _EXPENDABLE:
        dead_since = context.clock.now_ms() - LISTED_FOR_MS
        dead = await context.storage.expired(store, now_ms=dead_since, limit=_RECORDS_AT_ONCE)
        if dead:
            await context.storage.commit(
                expectations=(),
                puts=(),
                deletes=[Delete(Address(store, key)) for key, _ in dead],
                durable=False,
            )


async def _expire_leases(context: Context, now_ms: int) -> Change:
    due = await context.storage.expired("leases", now_ms=now_ms, limit=_LEASES_AT_ONCE)
    unit = UnitOfWork(context.storage)
    for key, stored in due:
        lease_id = str(key)
        try:
            lease = parse_lease(stored, expected_lease_id=lease_id)
        except KMSError:
            continue  # Damaged: whoever uses it is told.
        if lease.record.revoked_at is not None or lease.record.ended_at is not None:
            await unit.delete(lease_address(lease_id))
            await unit.delete(Address("quotas", lease_id))
        else:
            await _end(context, unit, lease, now_ms)
    return unit.change()


async def _end(context: Context, unit: UnitOfWork, lease: Lease, now_ms: int) -> None:
    record = attrs.evolve(without_keys(lease.record), ended_at=now_ms)
    await write_lease(unit, Lease(record, None, None, lease.revision))
    draft = EntryDraft(
        op="lease.expire",
        request_id=context.crypto.random_uuid(),
        kid=record.kid,
        user_id=record.user_id,
        origin=record.origin,
        lease_id=record.lease_id,
        details={"exp": record.exp},
    )
    unit.log(instance_draft(await read_instance_in(unit), draft))
