"""VAPID keys: made, wrapped under the MKEK at once, opened only for a moment.

The additional authenticated data is recomputed from what the caller expects, never
read from the record, so a record that was moved, renamed or swapped does not open.
"""

from __future__ import annotations

from typing import Final

import attrs

from kms_enclave.codec import DamagedRecordError, format_record, parse_record
from kms_enclave.encoding import canonical_json, format_base64url, parse_base64url
from kms_enclave.errors import KMSError
from kms_enclave.keys.thumbprint import vapid_thumbprint
from kms_enclave.log.unit_of_work import UnitOfWork
from kms_enclave.ports.crypto import (
    CryptoPort,
    DecryptionError,
    VapidSigningKey,
    WrappingKey,
)
from kms_enclave.ports.storage import Address, Record, StoragePort
from kms_enclave.structure import from_json

__all__ = [
    "IV_LENGTH",
    "VapidKeyRecord",
    "damaged_key",
    "generate_vapid_key",
    "lease_copy_aad",
    "main_copy_aad",
    "open_main_copy",
    "read_vapid_key",
    "read_vapid_key_in",
    "vapid_address",
    "write_vapid_key",
]

IV_LENGTH: Final = 12


@from_json
@attrs.frozen
class VapidKeyRecord:
    """Bytes are base64url; ``created_at`` is in milliseconds."""

    kid: str
    public_key: str
    wrapped_key: str
    iv: str
    created_at: int


def vapid_address(kid: str) -> Address:
    """Return where a key's record is."""
    return Address("keys", kid)


def main_copy_aad(*, kid: str, created_at: int, instance_id: str) -> bytes:
    """Return the AAD of the copy that is wrapped under the MKEK."""
    return canonical_json(_aad("vapid", kid, created_at, instance_id))


def lease_copy_aad(*, kid: str, created_at: int, instance_id: str, lease_id: str) -> bytes:
    """Return the AAD of a lease's copy; ``created_at`` is the lease's."""
    return canonical_json(_aad("vapid-lease", kid, created_at, instance_id) | {"leaseId": lease_id})


def _aad(purpose: str, kid: str, created_at: int, instance_id: str) -> dict[str, object]:
    return {
        "alg": "ES256",
        "createdAt": created_at,
        "instanceId": instance_id,
        "kid": kid,
        "kmsVersion": 2,
        "purpose": purpose,
    }


async def generate_vapid_key(
    crypto: CryptoPort, *, mkek: WrappingKey, instance_id: str, now_ms: int
) -> VapidKeyRecord:
    """Make a key, wrapped under the MKEK; the private key's handle is gone when this returns."""
    iv = crypto.random_bytes(IV_LENGTH)

    def aad_for(public_raw: bytes) -> bytes:
        return main_copy_aad(
            kid=vapid_thumbprint(public_raw), created_at=now_ms, instance_id=instance_id
        )

    made = await crypto.generate_vapid_key(wrapping_key=mkek, iv=iv, aad_for=aad_for)
    return VapidKeyRecord(
        kid=vapid_thumbprint(made.public_raw),
        public_key=format_base64url(made.public_raw),
        wrapped_key=format_base64url(made.wrapped),
        iv=format_base64url(iv),
        created_at=now_ms,
    )


async def open_main_copy(
    crypto: CryptoPort, key: VapidKeyRecord, *, mkek: WrappingKey, instance_id: str
) -> VapidSigningKey:
    """Return a handle that signs. Raises KMSError ``key.not.found`` for a damaged record."""
    aad = main_copy_aad(kid=key.kid, created_at=key.created_at, instance_id=instance_id)
    try:
        return await crypto.open_vapid_key(
            wrapping_key=mkek,
            wrapped=parse_base64url(key.wrapped_key),
            iv=parse_base64url(key.iv),
            aad=aad,
        )
    except (DecryptionError, ValueError):
        raise damaged_key(key.kid) from None


async def write_vapid_key(unit: UnitOfWork, key: VapidKeyRecord) -> None:
    """Store a key."""
    await unit.write(vapid_address(key.kid), format_record(key))


async def read_vapid_key(storage: StoragePort, kid: str) -> VapidKeyRecord:
    """Return a key's record.

    Raises KMSError ``key.not.found`` where there is none, or one that is not the
    key it is stored as (its public key does not have that thumbprint).
    """
    (record,) = await storage.read([vapid_address(kid)])
    return _parse_vapid_key(record, kid)


async def read_vapid_key_in(unit: UnitOfWork, kid: str | None) -> VapidKeyRecord:
    """:func:`read_vapid_key`, as a unit of work sees it."""
    if kid is None:
        raise KMSError("key.not.found")
    return _parse_vapid_key(await unit.read(vapid_address(kid)), kid)


def damaged_key(kid: str) -> KMSError:
    """Return the error for a key whose record does not hold."""
    return KMSError("key.not.found", "The key's record is damaged", details={"kid": kid})


def _parse_vapid_key(record: Record | None, kid: str) -> VapidKeyRecord:
    if record is None:
        raise KMSError("key.not.found", details={"kid": kid})
    try:
        key = parse_record(record.value, VapidKeyRecord)
        genuine = key.kid == kid == vapid_thumbprint(parse_base64url(key.public_key))
    except (DamagedRecordError, ValueError):
        genuine = False
    if not genuine:
        raise damaged_key(kid)
    return key
