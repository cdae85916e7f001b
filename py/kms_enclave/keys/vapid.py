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
from kms_enclave.ports.crypto import CryptoPort, WrappingKey
from kms_enclave.ports.storage import Address, Put, Record, StoragePort

__all__ = [
    "VapidKeyRecord",
    "generate_vapid_key",
    "lease_copy_aad",
    "main_copy_aad",
    "read_vapid_key",
    "vapid_address",
]

IV_LENGTH: Final = 12


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
) -> tuple[VapidKeyRecord, Put]:
    """Make a key; return its record and the put that stores it."""
    iv = crypto.random_bytes(IV_LENGTH)

    def aad_for(public_raw: bytes) -> bytes:
        return main_copy_aad(
            kid=vapid_thumbprint(public_raw), created_at=now_ms, instance_id=instance_id
        )

    made = await crypto.generate_vapid_key(wrapping_key=mkek, iv=iv, aad_for=aad_for)
    record = VapidKeyRecord(
        kid=vapid_thumbprint(made.public_raw),
        public_key=format_base64url(made.public_raw),
        wrapped_key=format_base64url(made.wrapped),
        iv=format_base64url(iv),
        created_at=now_ms,
    )
    return record, Put(vapid_address(record.kid), Record(1, format_record(record)))


async def read_vapid_key(storage: StoragePort, kid: str) -> tuple[VapidKeyRecord, int]:
    """Return a key's record and revision.

    Raises KMSError ``key.not.found`` where there is none, or one that is not the
    key it is stored as (its public key does not have that thumbprint).
    """
    (record,) = await storage.read([vapid_address(kid)])
    if record is None:
        raise KMSError("key.not.found", details={"kid": kid})
    try:
        key = parse_record(record.value, VapidKeyRecord)
        genuine = key.kid == kid == vapid_thumbprint(parse_base64url(key.public_key))
    except (DamagedRecordError, ValueError):
        genuine = False
    if not genuine:
        raise KMSError("key.not.found", "The key's record is damaged", details={"kid": kid})
    return key, record.revision
