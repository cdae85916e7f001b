"""Ending leases before their time.

From the commit on every issuance is refused; the signing handle, the key copy and the
lease's audit key are deleted in the same commit. What remains of the record says when
and why.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import attrs

from kms_enclave.audit.entry import EntryDraft
from kms_enclave.audit.signing import instance_draft
from kms_enclave.codec import DamagedRecordError, format_record, parse_record
from kms_enclave.enrollment.session import Session
from kms_enclave.leases.lease import LeaseRecord, lease_address
from kms_enclave.ports.storage import Key, Record

__all__ = ["revoke_leases_of_key"]

_PAGE: Final = 256


async def revoke_leases_of_key(session: Session, kid: str, *, reason: str) -> None:
    """Revoke every live lease that signs with a key, with an entry each."""
    async for stored in _all_leases(session):
        try:
            record = parse_record(stored.value, LeaseRecord)
        except DamagedRecordError:
            continue
        if record.kid == kid and record.revoked_at is None:
            await _revoke(session, record, reason)


async def _all_leases(session: Session) -> AsyncIterator[Record]:
    """Yield each lease as this unit of work sees it, those of its own earlier steps included."""
    pending = dict(session.unit.pending("leases"))
    after: Key | None = None
    while True:
        page = await session.context.storage.scan("leases", after=after, limit=_PAGE)
        for after, stored in page:
            yield pending.pop(after, stored)
        if len(page) < _PAGE:
            break
    for stored in pending.values():
        yield stored


async def _revoke(session: Session, record: LeaseRecord, reason: str) -> None:
    revoked = attrs.evolve(
        record,
        revoked_at=session.now_ms,
        wrapped_lease_key="",
        wrapped_lease_key_iv="",
        lease_salt="",
    )
    await session.unit.write(
        lease_address(record.lease_id), format_record(revoked), expires_ms=record.exp
    )
    draft = EntryDraft(
        op="lease.revoke",
        request_id=session.context.crypto.random_uuid(),
        kid=record.kid,
        user_id=record.user_id,
        origin=session.origin,
        lease_id=record.lease_id,
        details={"reason": reason},
    )
    session.unit.log(instance_draft(session.instance, draft))
