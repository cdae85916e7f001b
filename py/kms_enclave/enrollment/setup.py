"""The first enrollment: a Master Secret, the audit keys' public side, a VAPID key.

Everything is made before the commit and lands in one: enrollment, instance record
with the Instance Audit Key's certificate, the first VAPID key, the ``setup`` entry.
A second setup is refused; it never replaces anything.
"""

from __future__ import annotations

from typing import Final

import attrs

from kms_enclave.audit.entry import EntryDraft
from kms_enclave.audit.journal import Change
from kms_enclave.audit.signing import certify_instance, user_draft
from kms_enclave.context import Context
from kms_enclave.encoding import format_base64url
from kms_enclave.enrollment.authenticate import require_page_credentials_allowed
from kms_enclave.enrollment.passphrase import (
    calibrate_iterations,
    make_passphrase_kek,
    normalize_passphrase,
)
from kms_enclave.enrollment.record import (
    PASSPHRASE_ENROLLMENT,
    EnrollmentRecord,
    Via,
    enrollment_address,
    master_secret_aad,
    put_enrollment,
)
from kms_enclave.enrollment.unlock import Unlocked
from kms_enclave.errors import KMSError
from kms_enclave.instance import Instance, read_instance
from kms_enclave.keys.derivation import (
    derive_mkek,
    derive_user_audit_key,
    derive_user_audit_public_key,
)
from kms_enclave.keys.vapid import VapidKeyRecord, generate_vapid_key
from kms_enclave.ports.crypto import CryptoPort, MasterSecret, UnusableSecretError, WrappingKey
from kms_enclave.ports.prompt import PromptRequest
from kms_enclave.ports.storage import ABSENT, Expectation

__all__ = ["setup_passphrase"]

_IV_LENGTH: Final = 12
# WebKitGTK refuses the keys of one secret in 256.
_SECRET_ATTEMPTS: Final = 5


@attrs.frozen
class _Prepared:
    enrollment: EnrollmentRecord
    secret: MasterSecret
    uak_public: str


async def setup_passphrase(
    context: Context, *, passphrase: str | None, origin: str
) -> VapidKeyRecord:
    """Set the enclave up and return its first VAPID key.

    Raises KMSError ``enrollment.exists``, ``request.invalid``, ``unlock.cancelled``.
    """
    await _require_not_set_up(context)
    via: Via = "page"
    if passphrase is None:
        via = "enclave"
        words = PromptRequest("Set up your key enclave with a passphrase", origin, ("passphrase",))
        passphrase = (await context.prompt.choose_passphrase(words)).passphrase
    else:
        require_page_credentials_allowed(context, field="passphrase")
    try:
        return await _set_up(context, passphrase, via, origin)
    finally:
        if via == "enclave":
            await context.prompt.close()


async def _set_up(context: Context, passphrase: str, via: Via, origin: str) -> VapidKeyRecord:
    secret_bytes = normalize_passphrase(passphrase, field="passphrase")
    iterations = await calibrate_iterations(context.crypto, context.clock)
    made: list[VapidKeyRecord] = []

    async def plan(now_ms: int) -> Change:
        instance = await _require_not_set_up(context)
        prepared = await _prepare(context, instance, secret_bytes, iterations, via, now_ms)
        mkek = await derive_mkek(context.crypto, prepared.secret)
        key, key_put = await generate_vapid_key(
            context.crypto, mkek=mkek, instance_id=instance.record.instance_id, now_ms=now_ms
        )
        made[:] = [key]
        unlocked = Unlocked(
            secret=prepared.secret,
            audit_key=await derive_user_audit_key(context.crypto, prepared.secret),
            unlock_time=now_ms,
            via=via,
        )
        record = attrs.evolve(instance.record, uak_public=prepared.uak_public, current_kid=key.kid)
        record = await certify_instance(context.crypto, unlocked.audit_key, record, context.build)
        draft = EntryDraft(
            op="setup", request_id=context.crypto.random_uuid(), kid=key.kid, origin=origin
        )
        signed = user_draft(
            unlocked,
            draft,
            uak_public=prepared.uak_public,
            lock_time=context.clock.now_ms(),
            details={
                "auditPublicKey": prepared.uak_public,
                "enrollmentId": prepared.enrollment.enrollment_id,
                "instanceCert": record.kiak_cert,
                "method": prepared.enrollment.method,
                "vapidPublicKey": key.public_key,
            },
        )
        return Change(
            drafts=[signed],
            expectations=[
                instance.expectation(),
                Expectation(enrollment_address(PASSPHRASE_ENROLLMENT), ABSENT),
            ],
            puts=[instance.put(record), put_enrollment(prepared.enrollment, revision=1), key_put],
        )

    await context.journal.commit(plan)
    return made[0]


async def _prepare(
    context: Context,
    instance: Instance,
    passphrase: bytes,
    iterations: int,
    via: Via,
    now_ms: int,
) -> _Prepared:
    crypto = context.crypto
    kek, kdf = await make_passphrase_kek(
        crypto, passphrase=passphrase, iterations=iterations, now_ms=now_ms
    )
    aad = master_secret_aad(
        enrollment_id=PASSPHRASE_ENROLLMENT,
        method="passphrase",
        instance_id=instance.record.instance_id,
    )
    made = await _make_master_secret(crypto, kek=kek, aad=aad)
    enrollment = EnrollmentRecord(
        enrollment_id=PASSPHRASE_ENROLLMENT,
        method="passphrase",
        created_at=now_ms,
        via=via,
        encrypted_ms=format_base64url(made.wrapped),
        ms_iv=format_base64url(made.iv),
        kdf=kdf,
    )
    return _Prepared(enrollment, made.secret, format_base64url(made.audit_public))


@attrs.frozen
class _MadeSecret:
    """A Master Secret, wrapped and opened, and the User Audit Key's public key."""

    wrapped: bytes
    iv: bytes
    secret: MasterSecret
    audit_public: bytes


async def _make_master_secret(crypto: CryptoPort, *, kek: WrappingKey, aad: bytes) -> _MadeSecret:
    """Make a secret whose User Audit Key this platform accepts."""
    for _ in range(_SECRET_ATTEMPTS):
        iv = crypto.random_bytes(_IV_LENGTH)
        wrapped = await crypto.generate_master_secret(kek=kek, iv=iv, aad=aad)
        secret = await crypto.open_master_secret(kek=kek, wrapped=wrapped, iv=iv, aad=aad)
        try:
            public = await derive_user_audit_public_key(crypto, secret)
        except UnusableSecretError:
            continue
        return _MadeSecret(wrapped, iv, secret, public)
    raise KMSError("unsupported", details={"capability": "Ed25519"})


async def _require_not_set_up(context: Context) -> Instance:
    instance = await read_instance(context.storage)
    if instance.record.uak_public is not None:
        raise KMSError("enrollment.exists")
    return instance
