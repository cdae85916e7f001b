"""The methods: each takes its contract's parameters and returns its result as JSON.

Only translation happens here; decisions are made by the modules that it calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import cast

import attrs

from kms_enclave.audit.journal import HEAD, parse_head
from kms_enclave.audit.reading import MAX_PAGE, read_page, verify_stored_log
from kms_enclave.codec import DamagedRecordError
from kms_enclave.context import Context
from kms_enclave.enrollment.record import (
    PASSPHRASE_ENROLLMENT,
    generic_method,
    list_enrollments,
)
from kms_enclave.enrollment.setup import setup_passphrase
from kms_enclave.errors import KMSError, request_invalid
from kms_enclave.instance import INSTANCE, parse_instance, read_instance
from kms_enclave.keys.vapid import read_vapid_key
from kms_enclave.leases.creation import LeaseRequest, create_lease
from kms_enclave.leases.endpoint import verify_visible_ascii
from kms_enclave.leases.issuance import Issuer, IssueRequest
from kms_enclave.leases.lease import Sub
from kms_enclave.reset import reset_instance
from kms_enclave.rpc import contract
from kms_enclave.rpc.dispatch import Handler
from kms_enclave.structure import unstructure

__all__ = ["make_handlers"]

Wire = Mapping[str, object]


def make_handlers(context: Context, issuer: Issuer) -> Mapping[str, Handler]:
    """Return the handler of every method of the contract."""
    return {
        "setupPassphrase": partial(_setup_passphrase, context),
        "isSetup": partial(_is_setup, context),
        "getStatus": partial(_get_status, context),
        "getPublicKey": partial(_get_public_key, context),
        "createLease": partial(_create_lease, context),
        "issueVAPIDJWT": partial(_issue, issuer),
        "getAuditLog": partial(_get_audit_log, context),
        "verifyAuditChain": partial(_verify_audit_chain, context),
        "resetKMS": partial(_reset, context),
    }


async def _setup_passphrase(
    context: Context, params: contract.SetupPassphraseParams, origin: str
) -> Wire:
    key = await setup_passphrase(context, passphrase=params.passphrase, origin=origin)
    return unstructure(
        contract.SetupResult(
            success=True,
            enrollment_id=PASSPHRASE_ENROLLMENT,
            vapid_public_key=key.public_key,
            vapid_kid=key.kid,
        )
    )


async def _is_setup(context: Context, _: contract.Empty, __: str) -> Wire:
    enrollments = await list_enrollments(context.storage)
    methods = tuple(dict.fromkeys(generic_method(name) for name in enrollments))
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
    kid = params.kid or (await read_instance(context.storage)).record.current_kid
    if kid is None:
        raise KMSError("setup.required")
    key, _revision = await read_vapid_key(context.storage, kid)
    return unstructure(contract.GetPublicKeyResult(public_key=key.public_key))


async def _create_lease(context: Context, params: contract.CreateLeaseParams, origin: str) -> Wire:
    asked = attrs.asdict(params.quotas) if params.quotas else {}
    lease = await create_lease(
        context,
        LeaseRequest(
            origin=origin,
            user_id=params.user_id,
            subs=[_sub(endpoint) for endpoint in params.subs],
            ttl_hours=params.ttl_hours,
            quotas={name: value for name, value in asked.items() if value is not None},
            passphrase=_passphrase(params.credentials),
        ),
    )
    quotas = contract.Quotas(**attrs.asdict(lease.quotas))
    return unstructure(
        contract.CreateLeaseResult(
            lease_id=lease.lease_id, exp=lease.exp, quotas=quotas, kid=lease.kid
        )
    )


async def _issue(issuer: Issuer, params: contract.IssueParams, origin: str) -> Wire:
    if params.relay_id is not None:
        verify_visible_ascii(params.relay_id, field="relayId")
    token = await issuer.issue(
        IssueRequest(
            origin=origin,
            lease_id=params.lease_id,
            endpoint=_sub(params.endpoint),
            kid=params.kid,
            relay_id=params.relay_id,
        )
    )
    # By hand: this is the hot path, and the entry is JSON already. A test holds the
    # shape against contract.IssuedToken.
    return {
        "jwt": token.jwt,
        "jti": token.claims.jti,
        "exp": token.claims.exp,
        "nbf": token.claims.nbf,
        "kid": token.kid,
        "vapidPublicKey": token.vapid_public_key,
        "auditEntry": token.audit_entry,
    }


async def _get_audit_log(context: Context, params: contract.GetAuditLogParams, _: str) -> Wire:
    if params.from_ < 0:
        raise request_invalid("from", "must not be negative")
    if not 1 <= params.limit <= MAX_PAGE:
        raise request_invalid("limit", f"must be 1 to {MAX_PAGE}")
    page = await read_page(context.storage, start=params.from_, limit=params.limit)
    return {"entries": page.entries, "next": page.next}


async def _verify_audit_chain(context: Context, _: contract.Empty, __: str) -> Wire:
    instance = await read_instance(context.storage)
    verdict = await verify_stored_log(context.storage, context.crypto, instance)
    fault = verdict.fault
    head = contract.AuditHead(verdict.entries - 1, verdict.last_hash) if verdict.entries else None
    return unstructure(
        contract.VerifyAuditChainResult(
            valid=fault is None,
            entries=verdict.entries,
            errors=(contract.AuditFault(fault.seq_num, fault.reason),) if fault else (),
            head=head,
        )
    )


async def _reset(context: Context, params: contract.ResetParams, origin: str) -> Wire:
    closing = await reset_instance(
        context, passphrase=_passphrase(params.credentials), origin=origin
    )
    checkpoint = None
    if closing is not None:
        checkpoint = contract.AuditHead(
            cast(int, closing["seqNum"]), cast(str, closing["chainHash"])
        )
    return unstructure(contract.ResetResult(success=True, checkpoint=checkpoint))


def _sub(endpoint: contract.Endpoint) -> Sub:
    return Sub(url=endpoint.url, aud=endpoint.aud, eid=endpoint.eid)


def _passphrase(credentials: contract.PassphraseCredentials | None) -> str | None:
    return credentials.passphrase if credentials else None
