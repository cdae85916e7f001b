"""Methods that only read: each answers from what is stored."""

from __future__ import annotations

from typing import Final

from kms_enclave.codec import DamagedRecordError
from kms_enclave.errors import KMSError
from kms_enclave.keys.vapid import read_vapid_key
from kms_enclave.log.head import HEAD, parse_head
from kms_enclave.log.instance import INSTANCE, parse_instance, read_instance
from kms_enclave.push.subscription import read_subscription
from kms_enclave.rpc import contract
from kms_enclave.rpc.grants import Reader
from kms_enclave.rpc.method import Wire
from kms_enclave.structure import unstructure
from kms_enclave.unlock.record import (
    GATE,
    EnrollmentRecord,
    generic_method,
    list_enrollments,
    readable_enrollments,
)

__all__ = [
    "get_enrollments",
    "get_public_key",
    "get_push_subscription",
    "get_status",
    "get_vapid_kid",
    "is_setup",
]

_METHODS: Final = ("passphrase", "passkey")
"""In the order of ``isSetup``: a page that unlocks by itself begins with the first."""


async def is_setup(reader: Reader, _: contract.Empty) -> Wire:
    """Return whether there is an enrollment, and of which kinds."""
    enrollments = await list_enrollments(reader.storage)
    methods = tuple(sorted({generic_method(name) for name in enrollments}, key=_METHODS.index))
    return unstructure(contract.IsSetupResult(is_setup=bool(methods), methods=methods))


async def get_status(reader: Reader, _: contract.Empty) -> Wire:
    """Return what runs and in which state."""
    instance_record, head_record = await reader.storage.read([INSTANCE, HEAD])
    locked = reader.lock_reason
    instance = None
    entries = 0
    try:
        instance = parse_instance(instance_record).record if instance_record else None
        entries = parse_head(head_record).seq_num + 1
    except DamagedRecordError:
        locked = locked or "the enclave's records are damaged"
    return unstructure(
        contract.StatusResult(
            state="locked" if locked else "ready",
            version=reader.build.version,
            code_hash=reader.build.code_hash,
            manifest_hash=reader.build.manifest_hash,
            instance_id=instance.instance_id if instance else None,
            is_setup=instance is not None and instance.uak_public is not None,
            vapid_kid=instance.current_kid if instance else None,
            audit_entries=entries,
            now=reader.clock.now_ms(),
            reason=locked,
        )
    )


async def get_public_key(reader: Reader, params: contract.GetPublicKeyParams) -> Wire:
    """Return a VAPID public key."""
    key = await read_vapid_key(reader.storage, params.kid or await _current_kid(reader))
    return unstructure(contract.GetPublicKeyResult(public_key=key.public_key))


async def get_vapid_kid(reader: Reader, _: contract.Empty) -> Wire:
    """Return the current key's identifier."""
    return unstructure(contract.GetVAPIDKidResult(kid=await _current_kid(reader)))


async def get_push_subscription(reader: Reader, _: contract.Empty) -> Wire:
    """Return the origin's push subscription of the current key."""
    kid = await _current_kid(reader)
    found = await read_subscription(reader.storage, kid=kid, origin=reader.origin)
    return {"subscription": unstructure(found) if found else None}


async def get_enrollments(reader: Reader, _: contract.Empty) -> Wire:
    """Return the ways to unlock, readable or damaged."""
    readable = {
        enrollment.record.enrollment_id: enrollment.record
        for enrollment in await readable_enrollments(reader.storage)
    }
    found = [
        _enrollment_info(name, readable.get(name))
        for name in await list_enrollments(reader.storage)
    ]
    # When a damaged one was made is not known.
    details = tuple(sorted(found, key=lambda info: (info.damaged, info.created_at)))
    ids = tuple(info.enrollment_id for info in details)
    return unstructure(contract.GetEnrollmentsResult(enrollments=ids, details=details))


def _enrollment_info(name: str, record: EnrollmentRecord | None) -> contract.EnrollmentInfo:
    if record is None:
        return contract.EnrollmentInfo(
            enrollment_id=name,
            method=generic_method(name),
            created_at=0,
            via="enclave",
            assurance="low",
            page_only=False,
            damaged=True,
        )
    return contract.EnrollmentInfo(
        enrollment_id=name,
        method=record.method,
        created_at=record.created_at,
        via=record.via,
        assurance="low" if record.method == GATE else "high",
        page_only=record.page_only,
        damaged=False,
    )


async def _current_kid(reader: Reader) -> str:
    kid = (await read_instance(reader.storage)).record.current_kid
    if kid is None:
        raise KMSError("setup.required")
    return kid
