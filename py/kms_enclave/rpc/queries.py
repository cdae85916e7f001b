"""Methods that only read: each answers from what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from kms_enclave.codec import DamagedRecordError
from kms_enclave.context import Context
from kms_enclave.errors import KMSError
from kms_enclave.keys.vapid import read_vapid_key
from kms_enclave.log.head import HEAD, parse_head
from kms_enclave.log.instance import INSTANCE, parse_instance, read_instance
from kms_enclave.push.subscription import read_subscription
from kms_enclave.rpc import contract
from kms_enclave.rpc.dispatch import Handler
from kms_enclave.structure import unstructure
from kms_enclave.unlock.record import (
    GATE,
    EnrollmentRecord,
    generic_method,
    list_enrollments,
    readable_enrollments,
)

__all__ = ["make_queries"]

Wire = Mapping[str, object]
_METHODS: Final = ("passphrase", "passkey")
"""In the order of ``isSetup``: a page that unlocks by itself begins with the first."""


def make_queries(context: Context) -> Mapping[str, Handler]:
    """Return the handlers of the methods that need no authorisation."""
    return {
        "isSetup": partial(_is_setup, context),
        "getEnrollments": partial(_get_enrollments, context),
        "getStatus": partial(_get_status, context),
        "getPublicKey": partial(_get_public_key, context),
        "exportPublicKey": partial(_get_public_key, context),
        "getVAPIDKid": partial(_get_vapid_kid, context),
        "getPushSubscription": partial(_get_push_subscription, context),
    }


async def _is_setup(context: Context, _: contract.Empty, __: str) -> Wire:
    enrollments = await list_enrollments(context.storage)
    methods = tuple(sorted({generic_method(name) for name in enrollments}, key=_METHODS.index))
    return unstructure(contract.IsSetupResult(is_setup=bool(methods), methods=methods))


async def _get_status(context: Context, _: contract.Empty, __: str) -> Wire:
    instance_record, head_record = await context.storage.read([INSTANCE, HEAD])
    locked = context.lock.reason
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
            version=context.build.version,
            code_hash=context.build.code_hash,
            manifest_hash=context.build.manifest_hash,
            instance_id=instance.instance_id if instance else None,
            is_setup=instance is not None and instance.uak_public is not None,
            vapid_kid=instance.current_kid if instance else None,
            audit_entries=entries,
            now=context.clock.now_ms(),
            reason=locked,
        )
    )


async def _get_public_key(context: Context, params: contract.GetPublicKeyParams, _: str) -> Wire:
    key = await read_vapid_key(context.storage, params.kid or await _current_kid(context))
    return unstructure(contract.GetPublicKeyResult(public_key=key.public_key))


async def _get_vapid_kid(context: Context, _: contract.Empty, __: str) -> Wire:
    return unstructure(contract.GetVAPIDKidResult(kid=await _current_kid(context)))


async def _get_push_subscription(context: Context, _: contract.Empty, origin: str) -> Wire:
    kid = await _current_kid(context)
    found = await read_subscription(context.storage, kid=kid, origin=origin)
    return {"subscription": unstructure(found) if found else None}


async def _get_enrollments(context: Context, _: contract.Empty, __: str) -> Wire:
    readable = {
        enrollment.record.enrollment_id: enrollment.record
        for enrollment in await readable_enrollments(context.storage)
    }
    found = [
        _enrollment_info(name, readable.get(name))
        for name in await list_enrollments(context.storage)
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


async def _current_kid(context: Context) -> str:
    kid = (await read_instance(context.storage)).record.current_kid
    if kid is None:
        raise KMSError("setup.required")
    return kid
