"""Enrollment records: the Master Secret, wrapped for one way of unlocking it."""

from __future__ import annotations

from typing import Final, Literal

import attrs

from kms_enclave.codec import DamagedRecordError, format_record, parse_record
from kms_enclave.encoding import canonical_json
from kms_enclave.enrollment.passphrase import PassphraseKdf
from kms_enclave.errors import KMSError
from kms_enclave.ports.storage import Address, Put, Record, StoragePort

__all__ = [
    "PASSPHRASE_ENROLLMENT",
    "EnrollmentRecord",
    "Via",
    "enrollment_address",
    "generic_method",
    "list_enrollments",
    "master_secret_aad",
    "put_enrollment",
    "read_enrollment",
]

PASSPHRASE_ENROLLMENT: Final = "enrollment:passphrase:v2"
_MAX_ENROLLMENTS: Final = 64

Via = Literal["page", "enclave"]
"""Who saw the credentials: the embedding page, or only the enclave."""


@attrs.frozen
class EnrollmentRecord:
    """Bytes are base64url; ``created_at`` is in milliseconds."""

    enrollment_id: str
    method: Literal["passphrase"]
    created_at: int
    via: Via
    encrypted_ms: str
    ms_iv: str
    kdf: PassphraseKdf


def enrollment_address(enrollment_id: str) -> Address:
    """Return where an enrollment's record is."""
    return Address("enrollments", enrollment_id)


def master_secret_aad(*, enrollment_id: str, method: str, instance_id: str) -> bytes:
    """Return the AAD of ``encryptedMS``, recomputed from what is expected."""
    return canonical_json(
        {
            "algVersion": 1,
            "enrollmentId": enrollment_id,
            "instanceId": instance_id,
            "kmsVersion": 2,
            "method": method,
            "purpose": "master-secret",
        }
    )


def put_enrollment(record: EnrollmentRecord, *, revision: int) -> Put:
    """Return the put that stores an enrollment."""
    address = enrollment_address(record.enrollment_id)
    return Put(address, Record(revision, format_record(record)))


async def read_enrollment(storage: StoragePort, enrollment_id: str) -> EnrollmentRecord:
    """Return an enrollment. Raises KMSError ``enrollment.not.found`` or ``enrollment.damaged``."""
    (record,) = await storage.read([enrollment_address(enrollment_id)])
    if record is None:
        raise KMSError("enrollment.not.found", details={"enrollmentId": enrollment_id})
    try:
        return parse_record(record.value, EnrollmentRecord)
    except DamagedRecordError:
        raise KMSError("enrollment.damaged", details={"enrollmentId": enrollment_id}) from None


async def list_enrollments(storage: StoragePort) -> list[str]:
    """Return the ids of all enrollments, in order."""
    found = await storage.scan("enrollments", after=None, limit=_MAX_ENROLLMENTS)
    return [str(key) for key, _ in found]


def generic_method(enrollment_id: str) -> str:
    """Return the kind of method that pages see: ``passphrase`` or ``passkey``."""
    return "passphrase" if enrollment_id.startswith("enrollment:passphrase:") else "passkey"
