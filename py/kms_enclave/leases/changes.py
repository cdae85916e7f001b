"""Changing a lease under authentication: longer, as long as allowed, or usable again."""

from __future__ import annotations

import math

import attrs

from kms_enclave.codec import format_record
from kms_enclave.encoding import format_base64url, parse_base64url
from kms_enclave.errors import KMSError
from kms_enclave.keys.derivation import derive_session_kek
from kms_enclave.keys.vapid import lease_copy_aad
from kms_enclave.leases.book import lease_book_address, parse_book
from kms_enclave.leases.lease import (
    HOUR_MS,
    MIN_HOURS,
    Lease,
    LeaseRecord,
    lease_not_found,
    read_lease_in,
    verify_lease_current,
    write_lease,
)
from kms_enclave.leases.standing import SPOTLESS
from kms_enclave.log.certificate import LAK_SCOPE, CertificateDraft
from kms_enclave.log.signing import certify
from kms_enclave.ports.crypto import DecryptionError, VapidSigningKey
from kms_enclave.unlock.session import Session

__all__ = ["extend_lease", "refresh_lease", "resume_lease"]


async def extend_lease(session: Session, lease_id: str, *, add_hours: float) -> LeaseRecord:
    """Move a lease's end, at most to the cap counted from its creation.

    Raises KMSError ``lease.limit`` beyond that, ``lease.not.found``, ``origin.denied``,
    ``lease.revoked``, ``lease.expired``.
    """
    lease = await _current_lease(session, lease_id)
    latest = _latest_end(session, lease.record)
    # Beyond a thousand hours a product could be infinite.
    is_possible = MIN_HOURS <= add_hours <= 1000
    end = lease.record.exp + math.ceil(add_hours * HOUR_MS) if is_possible else 0
    if not lease.record.exp < end <= latest:
        cap = session.context.config.max_lease_hours
        raise KMSError(
            "lease.limit",
            f"Lease TTL can only grow, to a maximum of {cap} hours from the lease's creation",
            details={
                "leaseId": lease_id,
                "latestExp": latest,
                "field": "addHours",
                "minHours": MIN_HOURS,
            },
        )
    return await _prolong(session, lease, end)


async def refresh_lease(session: Session, lease_id: str) -> LeaseRecord:
    """Move a lease's end as far as the cap allows, and lift a suspension for violations.

    What the quotas count stays counted.
    """
    lease = await _current_lease(session, lease_id)
    end = max(_latest_end(session, lease.record), lease.record.exp)
    return await _prolong(session, lease, end, lifts=await _lift_suspension(session, lease_id))


async def resume_lease(session: Session, lease_id: str) -> LeaseRecord:
    """Give a lease its handles again: the same key copy, a new audit key."""
    lease = await _current_lease(session, lease_id)
    signing_key = await _reopen_copy(session, lease.record)
    lak = await session.context.crypto.generate_audit_key()
    public = format_base64url(lak.public_raw)
    record = attrs.evolve(lease.record, lak_public=public)
    record = await _certified(session, record)
    await write_lease(
        session.unit,
        attrs.evolve(lease, record=record, signing_key=signing_key, audit_key=lak.private),
    )
    session.log(
        "lease.resume",
        kid=record.kid,
        user_id=record.user_id,
        lease_id=lease_id,
        details={"lakPublicKey": public},
    )
    return record


async def _current_lease(session: Session, lease_id: str) -> Lease:
    lease = await read_lease_in(session.unit, lease_id)
    verify_lease_current(lease.record, expected_origin=session.origin, now_ms=session.now_ms)
    return lease


def _latest_end(session: Session, record: LeaseRecord) -> int:
    return record.created_at + session.context.config.max_lease_hours * HOUR_MS


async def _lift_suspension(session: Session, lease_id: str) -> bool:
    address = lease_book_address(lease_id)
    stored = await session.unit.read(address)
    book = parse_book(stored)
    if stored is None or not book.standing.is_suspended(session.now_ms):
        return False
    lifted = attrs.evolve(book, standing=SPOTLESS)
    await session.unit.write(address, format_record(lifted), expires_ms=stored.expires_ms)
    return True


async def _prolong(session: Session, lease: Lease, end: int, *, lifts: bool = False) -> LeaseRecord:
    if end <= lease.record.exp and not lifts:
        return lease.record
    record = await _certified(session, attrs.evolve(lease.record, exp=end))
    await write_lease(session.unit, attrs.evolve(lease, record=record))
    session.log(
        "lease.extend",
        kid=record.kid,
        user_id=record.user_id,
        lease_id=record.lease_id,
        details={"exp": end, "from": lease.record.exp, "liftsSuspension": lifts},
    )
    return record


async def _certified(session: Session, record: LeaseRecord) -> LeaseRecord:
    """Return the record with a certificate of its audit key until its end, for this build."""
    build = session.context.build
    draft = CertificateDraft(
        signer_kind="LAK",
        delegate_pub=record.lak_public,
        scope=LAK_SCOPE,
        not_before=record.created_at,
        not_after=record.exp,
        code_hash=build.code_hash,
        manifest_hash=build.manifest_hash,
        kms_version=build.version,
        lease_id=record.lease_id,
    )
    certificate = await certify(session.context.crypto, session.audit_key, draft)
    return attrs.evolve(record, lak_delegation_cert=certificate)


async def _reopen_copy(session: Session, record: LeaseRecord) -> VapidSigningKey:
    crypto = session.context.crypto
    try:
        session_kek = await derive_session_kek(
            crypto, session.secret, lease_salt=parse_base64url(record.lease_salt)
        )
        return await crypto.open_vapid_key(
            wrapping_key=session_kek,
            wrapped=parse_base64url(record.wrapped_lease_key),
            iv=parse_base64url(record.wrapped_lease_key_iv),
            aad=lease_copy_aad(
                kid=record.kid,
                created_at=record.created_at,
                instance_id=session.instance.record.instance_id,
                lease_id=record.lease_id,
            ),
        )
    except (DecryptionError, ValueError):
        raise lease_not_found(record.lease_id, "The lease's key copy is damaged") from None
