"""From credentials to the Master Secret's handle, for one operation.

The handle can derive and nothing else, and the Master Secret must be the one this
instance was set up with: its User Audit Key must have the stored public key.

Does not protect from script on this origin while the operation runs.
"""

from __future__ import annotations

import attrs

from kms_enclave.encoding import format_base64url, parse_base64url
from kms_enclave.enrollment.passphrase import normalize_passphrase, open_passphrase_kek
from kms_enclave.enrollment.record import (
    PASSPHRASE_ENROLLMENT,
    EnrollmentRecord,
    Via,
    master_secret_aad,
    read_enrollment,
)
from kms_enclave.errors import KMSError
from kms_enclave.instance import Instance
from kms_enclave.keys.derivation import derive_user_audit_key, derive_user_audit_public_key
from kms_enclave.ports.clock import ClockPort
from kms_enclave.ports.crypto import (
    AuditSigningKey,
    CryptoPort,
    DecryptionError,
    MasterSecret,
    WrappingKey,
)
from kms_enclave.ports.storage import StoragePort

__all__ = ["Credentials", "Unlocked", "WrongPassphraseError", "unlock"]


class WrongPassphraseError(Exception):
    """The credentials are well-formed and wrong; the caller records the attempt."""


@attrs.frozen
class Credentials:
    """What unlocks, and who saw it."""

    passphrase: str = attrs.field(repr=False)
    via: Via


@attrs.frozen
class Unlocked:
    """What an authenticated operation may use. ``unlock_time`` is in milliseconds."""

    secret: MasterSecret
    audit_key: AuditSigningKey
    unlock_time: int
    via: Via


async def unlock(
    *,
    credentials: Credentials,
    instance: Instance,
    crypto: CryptoPort,
    storage: StoragePort,
    clock: ClockPort,
) -> Unlocked:
    """Open the Master Secret for one operation.

    Raises WrongPassphraseError, or KMSError ``request.invalid`` for a passphrase that no
    enrollment can have, ``enrollment.not.found``, ``enrollment.damaged``.
    """
    passphrase = normalize_passphrase(credentials.passphrase, field="credentials.passphrase")
    record = await read_enrollment(storage, PASSPHRASE_ENROLLMENT)
    kek = await _derive_kek(crypto, passphrase, record)
    secret = await _open_secret(crypto, kek, record, instance)
    return Unlocked(
        secret=secret,
        audit_key=await derive_user_audit_key(crypto, secret),
        unlock_time=clock.now_ms(),
        via=credentials.via,
    )


async def _derive_kek(
    crypto: CryptoPort, passphrase: bytes, record: EnrollmentRecord
) -> WrappingKey:
    try:
        kek = await open_passphrase_kek(crypto, passphrase=passphrase, kdf=record.kdf)
    except ValueError:
        raise _damaged(record) from None
    if kek is None:
        raise WrongPassphraseError
    return kek


async def _open_secret(
    crypto: CryptoPort, kek: WrappingKey, record: EnrollmentRecord, instance: Instance
) -> MasterSecret:
    aad = master_secret_aad(
        enrollment_id=PASSPHRASE_ENROLLMENT,
        method="passphrase",
        instance_id=instance.record.instance_id,
    )
    try:
        secret = await crypto.open_master_secret(
            kek=kek,
            wrapped=parse_base64url(record.encrypted_ms),
            iv=parse_base64url(record.ms_iv),
            aad=aad,
        )
    except (DecryptionError, ValueError):
        raise _damaged(record) from None
    public = format_base64url(await derive_user_audit_public_key(crypto, secret))
    if public != instance.record.uak_public:
        raise _damaged(record)
    return secret


def _damaged(record: EnrollmentRecord) -> KMSError:
    return KMSError("enrollment.damaged", details={"enrollmentId": record.enrollment_id})
