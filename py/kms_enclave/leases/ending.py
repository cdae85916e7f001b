"""The end of a lease: its keys go, an entry says why, what remains of it is kept 32 days."""

from __future__ import annotations

import attrs

from kms_enclave.context import Context
from kms_enclave.leases.lease import Lease, without_keys, write_lease
from kms_enclave.log.entry import EntryDraft
from kms_enclave.log.instance import Instance
from kms_enclave.log.signing import instance_draft
from kms_enclave.log.unit_of_work import UnitOfWork

__all__ = ["end_lease"]


async def end_lease(
    context: Context,
    unit: UnitOfWork,
    instance: Instance,
    lease: Lease,
    *,
    now_ms: int,
    reason: str,
    origin: str,
) -> None:
    """Revoke a lease within a unit of work; its tokens are on the emergency list from then on."""
    record = attrs.evolve(without_keys(lease.record), revoked_at=now_ms, revoked_reason=reason)
    await write_lease(unit, Lease(record, None, None, lease.revision))
    draft = EntryDraft(
        op="lease.revoke",
        request_id=context.crypto.random_uuid(),
        kid=record.kid,
        user_id=record.user_id,
        origin=origin,
        lease_id=record.lease_id,
        details={"reason": reason},
    )
    unit.log(instance_draft(instance, draft))
