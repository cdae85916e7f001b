"""Creating a lease: under authentication, with a key copy and an audit key of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from kms_enclave.config import Config, QuotaLimits
from kms_enclave.encoding import format_base64url, parse_base64url
from kms_enclave.keys.derivation import derive_mkek, derive_session_kek
from kms_enclave.keys.vapid import (
    IV_LENGTH,
    VapidKeyRecord,
    damaged_key,
    lease_copy_aad,
    main_copy_aad,
    read_vapid_key_in,
)
from kms_enclave.leases.lease import (
    Endpoint,
    Lease,
    LeaseRecord,
    resolve_quotas,
    verify_subs,
    verify_ttl,
    write_lease,
)
from kms_enclave.leases.relay import RelayBinding, verify_binding
from kms_enclave.log.certificate import LAK_SCOPE, CertificateDraft
from kms_enclave.log.signing import certify
from kms_enclave.ports.crypto import DecryptionError, VapidSigningKey
from kms_enclave.unlock.session import Session

__all__ = ["LeaseRequest", "create_lease", "in_words", "verify_request"]

_SALT_LENGTH = 32


@attrs.frozen
class LeaseRequest:
    """What a page asks for; ``quotas`` are overrides by their Python names."""

    user_id: str
    subs: Sequence[Endpoint]
    ttl_hours: float
    quotas: Mapping[str, int]
    kid: str | None = None
    label: str | None = None
    relay_binding: RelayBinding | None = None


@attrs.frozen
class _KeyCopy:
    signing_key: VapidSigningKey
    wrapped: bytes
    iv: bytes
    salt: bytes


async def create_lease(session: Session, request: LeaseRequest) -> LeaseRecord:
    """Make a lease within an authenticated operation.

    Raises FieldError, and KMSError ``lease.limit``, ``aud.mismatch``, ``key.not.found``.
    """
    ttl_ms, quotas = verify_request(request, config=session.context.config)
    kid = request.kid or session.instance.record.current_kid
    key = await read_vapid_key_in(session.unit, kid)
    lease = await _make_lease(session, request, key, ttl_ms, quotas)
    await write_lease(session.unit, lease)
    session.log(
        "lease.create",
        kid=key.kid,
        user_id=request.user_id,
        lease_id=lease.record.lease_id,
        details=_details(lease.record),
    )
    return lease.record


def verify_request(request: LeaseRequest, *, config: Config) -> tuple[int, QuotaLimits]:
    """Return a request's length in milliseconds and its quotas; what is wrong raises."""
    ttl_ms = verify_ttl(request.ttl_hours, config=config)
    verify_subs(request.subs, config=config)
    if request.relay_binding is not None:
        verify_binding(request.relay_binding, field="relayBinding")
    return ttl_ms, resolve_quotas(request.quotas, config=config)


def in_words(request: LeaseRequest) -> str:
    """Return what the user is asked to authorise."""
    hours = request.ttl_hours
    duration = _counted(hours * 3_600, "second") if hours < 1 / 60 else _counted(hours, "hour")
    return f"Create a lease of {duration} for {_counted(len(request.subs), 'endpoint')}"


def _counted(number: float, noun: str) -> str:
    return f"{number:g} {noun}" + ("" if number == 1 else "s")


def _details(record: LeaseRecord) -> dict[str, object]:
    binding = record.relay_binding
    bound = {"relayBinding": {"alg": binding.alg, "key": binding.key}} if binding else {}
    return {
        **bound,
        "endpoints": [{"aud": sub.aud, "eid": sub.eid} for sub in record.subs],
        "exp": record.exp,
        "lakPublicKey": record.lak_public,
        "quotas": {
            "burstSends": record.quotas.burst_sends,
            "sendsPerMinute": record.quotas.sends_per_minute,
            "sendsPerMinutePerEid": record.quotas.sends_per_minute_per_eid,
            "tokensPerHour": record.quotas.tokens_per_hour,
        },
    }


async def _make_lease(
    session: Session,
    request: LeaseRequest,
    key: VapidKeyRecord,
    ttl_ms: int,
    quotas: QuotaLimits,
) -> Lease:
    crypto, build = session.context.crypto, session.context.build
    lease_id, created_at = f"lease-{crypto.random_uuid()}", session.now_ms
    copy = await _copy_key(session, key, lease_id, created_at)
    lak = await crypto.generate_audit_key()
    certificate = await certify(
        crypto,
        session.audit_key,
        CertificateDraft(
            signer_kind="LAK",
            delegate_pub=format_base64url(lak.public_raw),
            scope=LAK_SCOPE,
            not_before=created_at,
            not_after=created_at + ttl_ms,
            code_hash=build.code_hash,
            manifest_hash=build.manifest_hash,
            kms_version=build.version,
            lease_id=lease_id,
        ),
    )
    record = LeaseRecord(
        lease_id=lease_id,
        origin=session.origin,
        user_id=request.user_id,
        subs=tuple(request.subs),
        ttl_hours=request.ttl_hours,
        created_at=created_at,
        exp=created_at + ttl_ms,
        quotas=quotas,
        kid=key.kid,
        vapid_public_key=key.public_key,
        wrapped_lease_key=format_base64url(copy.wrapped),
        wrapped_lease_key_iv=format_base64url(copy.iv),
        lease_salt=format_base64url(copy.salt),
        lak_public=format_base64url(lak.public_raw),
        lak_delegation_cert=certificate,
        label=request.label,
        relay_binding=request.relay_binding,
    )
    return Lease(record, copy.signing_key, lak.private, revision=1)


async def _copy_key(
    session: Session, key: VapidKeyRecord, lease_id: str, created_at: int
) -> _KeyCopy:
    crypto, instance_id = session.context.crypto, session.instance.record.instance_id
    salt, iv = crypto.random_bytes(_SALT_LENGTH), crypto.random_bytes(IV_LENGTH)
    session_kek = await derive_session_kek(crypto, session.secret, lease_salt=salt)
    aad = lease_copy_aad(
        kid=key.kid, created_at=created_at, instance_id=instance_id, lease_id=lease_id
    )
    try:
        wrapped = await crypto.rewrap_vapid_key(
            wrapping_key=await derive_mkek(crypto, session.secret),
            wrapped=parse_base64url(key.wrapped_key),
            iv=parse_base64url(key.iv),
            aad=main_copy_aad(kid=key.kid, created_at=key.created_at, instance_id=instance_id),
            new_wrapping_key=session_kek,
            new_iv=iv,
            new_aad=aad,
        )
    except (DecryptionError, ValueError):
        raise damaged_key(key.kid) from None
    signing_key = await crypto.open_vapid_key(
        wrapping_key=session_kek, wrapped=wrapped, iv=iv, aad=aad
    )
    return _KeyCopy(signing_key, wrapped, iv, salt)
