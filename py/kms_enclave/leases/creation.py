"""Creating a lease: under authentication, with a key copy and an audit key of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from kms_enclave.audit.certificate import LAK_SCOPE, CertificateDraft
from kms_enclave.audit.entry import EntryDraft
from kms_enclave.audit.journal import Change
from kms_enclave.audit.signing import certify, certify_instance, user_draft
from kms_enclave.config import QuotaLimits
from kms_enclave.context import Context
from kms_enclave.encoding import format_base64url, parse_base64url
from kms_enclave.enrollment.authenticate import authenticated
from kms_enclave.enrollment.unlock import Unlocked
from kms_enclave.errors import KMSError
from kms_enclave.instance import Instance, read_instance
from kms_enclave.keys.derivation import derive_mkek, derive_session_kek
from kms_enclave.keys.vapid import (
    IV_LENGTH,
    VapidKeyRecord,
    lease_copy_aad,
    main_copy_aad,
    read_vapid_key,
    vapid_address,
)
from kms_enclave.leases.lease import (
    Lease,
    LeaseRecord,
    Sub,
    lease_address,
    put_lease,
    resolve_quotas,
    verify_subs,
    verify_ttl,
)
from kms_enclave.ports.crypto import DecryptionError, VapidSigningKey
from kms_enclave.ports.storage import ABSENT, Expectation

__all__ = ["LeaseRequest", "create_lease"]

_SALT_LENGTH = 32


@attrs.frozen
class LeaseRequest:
    """What a page asks for; ``quotas`` are overrides by their Python names."""

    origin: str
    user_id: str
    subs: Sequence[Sub]
    ttl_hours: float
    quotas: Mapping[str, int]
    passphrase: str | None = attrs.field(repr=False)


@attrs.frozen
class _KeyCopy:
    signing_key: VapidSigningKey
    wrapped: bytes
    iv: bytes
    salt: bytes


async def create_lease(context: Context, request: LeaseRequest) -> LeaseRecord:
    """Authenticate the user, make the lease, commit it with its entry.

    Raises FieldError, and KMSError ``lease.limit``, ``aud.mismatch``, ``setup.required``,
    ``key.not.found`` and those of :func:`~kms_enclave.enrollment.authenticate.authenticated`.
    """
    ttl_ms = verify_ttl(request.ttl_hours, config=context.config)
    verify_subs(request.subs, config=context.config)
    quotas = resolve_quotas(request.quotas, config=context.config)
    async with authenticated(
        context,
        passphrase=request.passphrase,
        operation=_in_words(request),
        origin=request.origin,
    ) as (unlocked, instance):
        key, key_revision = await _current_key(context, instance)
        made: list[LeaseRecord] = []

        async def plan(now_ms: int) -> Change:
            # Made for every attempt: its certificate must not begin after its first entry.
            lease = await _make_lease(
                context, request, unlocked, instance, key, ttl_ms, quotas, now_ms
            )
            made[:] = [lease.record]
            current = await read_instance(context.storage)
            if current.record.instance_id != instance.record.instance_id:
                raise KMSError("unlock.denied", "The enclave was reset meanwhile")
            record = await certify_instance(
                context.crypto, unlocked.audit_key, current.record, context.build
            )
            draft = EntryDraft(
                op="lease.create",
                request_id=context.crypto.random_uuid(),
                kid=key.kid,
                user_id=request.user_id,
                origin=request.origin,
                lease_id=lease.record.lease_id,
            )
            signed = user_draft(
                unlocked,
                draft,
                uak_public=str(record.uak_public),
                lock_time=context.clock.now_ms(),
                details=_details(lease.record),
            )
            return Change(
                drafts=[signed],
                expectations=[
                    current.expectation(),
                    Expectation(vapid_address(key.kid), key_revision),
                    Expectation(lease_address(lease.record.lease_id), ABSENT),
                ],
                puts=[
                    put_lease(lease),
                    *([] if record is current.record else [current.put(record)]),
                ],
            )

        await context.journal.commit(plan)
    return made[0]


def _in_words(request: LeaseRequest) -> str:
    hours, count = request.ttl_hours, len(request.subs)
    duration = f"{hours:g} hour" + ("" if hours == 1 else "s")
    return f"Create a lease of {duration} for {count} endpoint" + ("" if count == 1 else "s")


def _details(record: LeaseRecord) -> dict[str, object]:
    return {
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


async def _current_key(context: Context, instance: Instance) -> tuple[VapidKeyRecord, int]:
    kid = instance.record.current_kid
    if kid is None:
        raise KMSError("key.not.found")
    return await read_vapid_key(context.storage, kid)


async def _make_lease(
    context: Context,
    request: LeaseRequest,
    unlocked: Unlocked,
    instance: Instance,
    key: VapidKeyRecord,
    ttl_ms: int,
    quotas: QuotaLimits,
    created_at: int,
) -> Lease:
    crypto = context.crypto
    lease_id = f"lease-{crypto.random_uuid()}"
    copy = await _copy_key(context, unlocked, instance, key, lease_id, created_at)
    lak = await crypto.generate_audit_key()
    certificate = await certify(
        crypto,
        unlocked.audit_key,
        CertificateDraft(
            signer_kind="LAK",
            delegate_pub=format_base64url(lak.public_raw),
            scope=LAK_SCOPE,
            not_before=created_at,
            not_after=created_at + ttl_ms,
            code_hash=context.build.code_hash,
            manifest_hash=context.build.manifest_hash,
            kms_version=context.build.version,
            lease_id=lease_id,
        ),
    )
    record = LeaseRecord(
        lease_id=lease_id,
        origin=request.origin,
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
    )
    return Lease(record, copy.signing_key, lak.private, revision=1)


async def _copy_key(
    context: Context,
    unlocked: Unlocked,
    instance: Instance,
    key: VapidKeyRecord,
    lease_id: str,
    created_at: int,
) -> _KeyCopy:
    crypto = context.crypto
    instance_id = instance.record.instance_id
    salt, iv = crypto.random_bytes(_SALT_LENGTH), crypto.random_bytes(IV_LENGTH)
    session_kek = await derive_session_kek(crypto, unlocked.secret, lease_salt=salt)
    aad = lease_copy_aad(
        kid=key.kid, created_at=created_at, instance_id=instance_id, lease_id=lease_id
    )
    try:
        wrapped = await crypto.rewrap_vapid_key(
            wrapping_key=await derive_mkek(crypto, unlocked.secret),
            wrapped=parse_base64url(key.wrapped_key),
            iv=parse_base64url(key.iv),
            aad=main_copy_aad(kid=key.kid, created_at=key.created_at, instance_id=instance_id),
            new_wrapping_key=session_kek,
            new_iv=iv,
            new_aad=aad,
        )
    except (DecryptionError, ValueError):
        raise KMSError(
            "key.not.found", "The key's record is damaged", details={"kid": key.kid}
        ) from None
    signing_key = await crypto.open_vapid_key(
        wrapping_key=session_kek, wrapped=wrapped, iv=iv, aad=aad
    )
    return _KeyCopy(signing_key, wrapped, iv, salt)
