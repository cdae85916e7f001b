"""The key encryption key of each kind of enrollment, and the Master Secret under it."""

from __future__ import annotations

from typing import Final

import attrs

from kms_enclave.encoding import format_base64url, parse_base64url
from kms_enclave.errors import KMSError
from kms_enclave.keys.derivation import derive_user_audit_public_key
from kms_enclave.ports.crypto import CryptoPort, MasterSecret, UnusableSecretError, WrappingKey
from kms_enclave.unlock.passphrase import make_passphrase_kek
from kms_enclave.unlock.record import (
    GATE,
    PASSPHRASE,
    PRF,
    Enrollment,
    EnrollmentRecord,
    Method,
    PasskeyData,
    Via,
    master_secret_aad,
)

__all__ = [
    "KEK_WRAP_INFO",
    "NewKek",
    "OpenedEnrollment",
    "derive_prf_kek",
    "enroll_new_secret",
    "enroll_opened_secret",
    "make_gate_kek",
    "make_passphrase_method",
    "make_prf_kek",
    "open_secret",
]

KEK_WRAP_INFO: Final = b"ATS/KMS/KEK-wrap/v2"
PRF_OUTPUT_LENGTH: Final = 32
_SALT_LENGTH: Final = 32
_IV_LENGTH: Final = 12
# WebKitGTK refuses the audit keys of one secret in 256.
_SECRET_ATTEMPTS: Final = 5


@attrs.frozen
class NewKek:
    """A key encryption key made for a new enrollment, and the record's part that names it."""

    method: Method
    kek: WrappingKey
    template: EnrollmentRecord


@attrs.frozen
class OpenedEnrollment:
    """An enrollment with the key that opened it, which can rewrap its Master Secret."""

    enrollment: Enrollment
    kek: WrappingKey
    secret: MasterSecret


async def make_passphrase_method(
    crypto: CryptoPort, *, passphrase: bytes, iterations: int, via: Via, now_ms: int
) -> NewKek:
    """Return a KEK from a passphrase under a fresh salt."""
    kek, kdf = await make_passphrase_kek(
        crypto, passphrase=passphrase, iterations=iterations, now_ms=now_ms
    )
    return NewKek(PASSPHRASE, kek, attrs.evolve(_template(PASSPHRASE, via, now_ms), kdf=kdf))


async def make_prf_kek(
    crypto: CryptoPort, *, prf_output: bytes, passkey: PasskeyData, via: Via, now_ms: int
) -> NewKek:
    """Return a KEK from a PRF output under a fresh salt."""
    salt = crypto.random_bytes(_SALT_LENGTH)
    kek = await crypto.derive_prf_kek(prf_output=prf_output, salt=salt, info=KEK_WRAP_INFO)
    data = attrs.evolve(passkey, kek_salt=format_base64url(salt))
    return NewKek(PRF, kek, attrs.evolve(_template(PRF, via, now_ms), passkey=data))


async def make_gate_kek(crypto: CryptoPort, *, passkey: PasskeyData, now_ms: int) -> NewKek:
    """Return a random KEK that is stored; only a verified assertion releases it."""
    kek = await crypto.generate_wrapping_key()
    return NewKek(GATE, kek, attrs.evolve(_template(GATE, "enclave", now_ms), passkey=passkey))


async def derive_prf_kek(
    crypto: CryptoPort, *, prf_output: bytes, passkey: PasskeyData
) -> WrappingKey:
    """Return the KEK of an enrolled PRF passkey. Raises ValueError for a damaged record."""
    salt = parse_base64url(passkey.kek_salt or "")
    if len(salt) != _SALT_LENGTH:
        raise ValueError("salt of the wrong length")
    return await crypto.derive_prf_kek(prf_output=prf_output, salt=salt, info=KEK_WRAP_INFO)


async def enroll_new_secret(
    crypto: CryptoPort, new: NewKek, *, enrollment_id: str, instance_id: str
) -> OpenedEnrollment:
    """Make a Master Secret, wrapped for its first enrollment.

    Raises KMSError ``unsupported`` on a platform that refuses the audit key of every one.
    """
    for _ in range(_SECRET_ATTEMPTS):
        opened = await _enroll_one_secret(
            crypto, new, enrollment_id=enrollment_id, instance_id=instance_id
        )
        try:
            await derive_user_audit_public_key(crypto, opened.secret)
        except UnusableSecretError:
            continue
        return opened
    raise KMSError(
        "unsupported", "This browser refuses the audit keys", details={"capability": "ed25519"}
    )


async def _enroll_one_secret(
    crypto: CryptoPort, new: NewKek, *, enrollment_id: str, instance_id: str
) -> OpenedEnrollment:
    iv = crypto.random_bytes(_IV_LENGTH)
    record = attrs.evolve(new.template, enrollment_id=enrollment_id, ms_iv=format_base64url(iv))
    aad = _aad(record, instance_id)
    wrapped = await crypto.generate_master_secret(kek=new.kek, iv=iv, aad=aad)
    secret = await crypto.open_master_secret(kek=new.kek, wrapped=wrapped, iv=iv, aad=aad)
    return OpenedEnrollment(_enrollment(record, wrapped, new), new.kek, secret)


async def enroll_opened_secret(
    crypto: CryptoPort,
    opened: OpenedEnrollment,
    new: NewKek,
    *,
    enrollment_id: str,
    instance_id: str,
) -> Enrollment:
    """Wrap the opened Master Secret for another enrollment."""
    iv = crypto.random_bytes(_IV_LENGTH)
    record = attrs.evolve(new.template, enrollment_id=enrollment_id, ms_iv=format_base64url(iv))
    old = opened.enrollment.record
    wrapped = await crypto.rewrap_master_secret(
        kek=opened.kek,
        wrapped=parse_base64url(old.encrypted_ms),
        iv=parse_base64url(old.ms_iv),
        aad=_aad(old, instance_id),
        new_kek=new.kek,
        new_iv=iv,
        new_aad=_aad(record, instance_id),
    )
    return _enrollment(record, wrapped, new)


async def open_secret(
    crypto: CryptoPort, enrollment: Enrollment, kek: WrappingKey, *, instance_id: str
) -> OpenedEnrollment:
    """Open an enrollment's Master Secret. Raises DecryptionError or ValueError."""
    record = enrollment.record
    secret = await crypto.open_master_secret(
        kek=kek,
        wrapped=parse_base64url(record.encrypted_ms),
        iv=parse_base64url(record.ms_iv),
        aad=_aad(record, instance_id),
    )
    return OpenedEnrollment(enrollment, kek, secret)


def _template(method: Method, via: Via, now_ms: int) -> EnrollmentRecord:
    return EnrollmentRecord(
        enrollment_id="", method=method, created_at=now_ms, via=via, encrypted_ms="", ms_iv=""
    )


def _enrollment(record: EnrollmentRecord, wrapped: bytes, new: NewKek) -> Enrollment:
    complete = attrs.evolve(record, encrypted_ms=format_base64url(wrapped))
    return Enrollment(complete, new.kek if new.method == GATE else None)


def _aad(record: EnrollmentRecord, instance_id: str) -> bytes:
    return master_secret_aad(
        enrollment_id=record.enrollment_id,
        method=record.method,
        instance_id=instance_id,
        credential_id=record.passkey.credential_id if record.passkey else None,
    )
