"""Authenticated methods as steps: what is authorised in words, and what is then done.

A step runs inside one authenticated commit, alone or as part of a batch.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Never

import attrs

from kms_enclave.audit.prune import prune
from kms_enclave.context import Context
from kms_enclave.enrollment.changes import remove_enrollment
from kms_enclave.errors import KMSError, request_invalid
from kms_enclave.leases.changes import extend_lease, refresh_lease, resume_lease
from kms_enclave.leases.creation import LeaseRequest, create_lease, in_words, verify_request
from kms_enclave.leases.lease import LeaseRecord
from kms_enclave.leases.patterns import lift_pattern, suspend_pattern
from kms_enclave.push.operations import generate_key, regenerate_key, sign_jwt, verify_payload
from kms_enclave.push.subscription import (
    delete_subscription,
    subscription_details,
    verify_subscription,
    write_subscription,
)
from kms_enclave.rpc import contract
from kms_enclave.rpc.translate import to_quotas, to_relay_binding, to_sub, to_subscription
from kms_enclave.structure import FieldError, unstructure
from kms_enclave.unlock.record import in_words as way_in_words
from kms_enclave.unlock.record import is_enrollment_id
from kms_enclave.unlock.session import Session

__all__ = ["STEPS", "Step"]

Wire = Mapping[str, object]
_WORDLESS: Final = re.compile(r"[^A-Za-z0-9._@+*-]")


@attrs.frozen
class Step:
    """``words`` is shown to the user; ``run`` acts and returns the method's result."""

    words: str
    run: Callable[[Session], Awaitable[Wire]]


def _generate(_: Context, __: contract.AuthenticatedParams) -> Step:
    async def run(session: Session) -> Wire:
        key = await generate_key(session)
        return unstructure(contract.GenerateVAPIDResult(kid=key.kid, public_key=key.public_key))

    return Step("Make a new push key", run)


def _regenerate(_: Context, __: contract.AuthenticatedParams) -> Step:
    async def run(session: Session) -> Wire:
        key = await regenerate_key(session)
        return unstructure(contract.GenerateVAPIDResult(kid=key.kid, public_key=key.public_key))

    return Step("Replace the push key, and end every lease that uses it", run)


def _sign(context: Context, params: contract.SignJWTParams) -> Step:
    verify_payload(params.payload, now_s=context.clock.now_ms() // 1000)

    async def run(session: Session) -> Wire:
        jwt = await sign_jwt(session, kid=params.kid, payload=params.payload)
        return unstructure(contract.SignJWTResult(jwt=jwt))

    return Step(f"Sign a token for {params.payload['aud']}", run)


def _create_lease(context: Context, params: contract.CreateLeaseParams) -> Step:
    request = LeaseRequest(
        user_id=params.user_id,
        subs=[to_sub(endpoint) for endpoint in params.subs],
        ttl_hours=params.ttl_hours,
        quotas=to_quotas(params.quotas),
        kid=params.kid,
        label=params.label,
        relay_binding=to_relay_binding(params.relay_binding),
    )
    verify_request(request, config=context.config)

    async def run(session: Session) -> Wire:
        return _lease_result(await create_lease(session, request))

    return Step(in_words(request), run)


def _lease_result(lease: LeaseRecord) -> Wire:
    quotas = contract.Quotas(**attrs.asdict(lease.quotas))
    return unstructure(
        contract.CreateLeaseResult(
            lease_id=lease.lease_id, exp=lease.exp, quotas=quotas, kid=lease.kid
        )
    )


def _extend(_: Context, params: contract.ExtendLeaseParams) -> Step:
    async def run(session: Session) -> Wire:
        lease = await extend_lease(session, params.lease_id, add_hours=params.add_hours)
        return unstructure(contract.LeaseEnd(exp=lease.exp))

    return Step(f"Make a lease last {params.add_hours:g} hours longer", run)


def _refresh(_: Context, params: contract.LeaseParams) -> Step:
    async def run(session: Session) -> Wire:
        lease = await refresh_lease(session, params.lease_id)
        return unstructure(contract.LeaseEnd(exp=lease.exp))

    return Step("Make a lease last as long as allowed", run)


def _resume(_: Context, params: contract.LeaseParams) -> Step:
    async def run(session: Session) -> Wire:
        lease = await resume_lease(session, params.lease_id)
        return unstructure(contract.LeaseEnd(exp=lease.exp))

    return Step("Let a lease sign again", run)


def _suspend(_: Context, params: contract.PatternParams) -> Step:
    async def run(session: Session) -> Wire:
        await suspend_pattern(session, params.user_id_pattern)
        return unstructure(contract.Success(success=True))

    return Step(f"Suspend the leases of users like {_shown(params.user_id_pattern)}", run)


def _lift(_: Context, params: contract.PatternParams) -> Step:
    async def run(session: Session) -> Wire:
        await lift_pattern(session, params.user_id_pattern)
        return unstructure(contract.Success(success=True))

    return Step(f"Lift the suspension of users like {_shown(params.user_id_pattern)}", run)


def _shown(pattern: str) -> str:
    """Return a pattern without what could make it a sentence, or turn the one it stands in.

    What is left out stands for any one character, which ``?`` means in a pattern as well.
    """
    return _WORDLESS.sub("?", pattern)


def _set_subscription(context: Context, params: contract.SetPushSubscriptionParams) -> Step:
    _require_no_lease(params.lease_id)
    subscription = to_subscription(params.subscription)
    endpoint_origin = verify_subscription(subscription, config=context.config)

    async def run(session: Session) -> Wire:
        kid = _current_kid(session)
        await write_subscription(session.unit, subscription, kid=kid, origin=session.origin)
        session.log("subscription.set", kid=kid, details=subscription_details(endpoint_origin))
        return unstructure(contract.Success(success=True))

    return Step(f"Store a push subscription of {endpoint_origin}", run)


def _remove_subscription(_: Context, params: contract.RemovePushSubscriptionParams) -> Step:
    _require_no_lease(params.lease_id)

    async def run(session: Session) -> Wire:
        kid = _current_kid(session)
        if await delete_subscription(session.unit, kid=kid, origin=session.origin):
            session.log("subscription.remove", kid=kid, details={})
        return unstructure(contract.Success(success=True))

    return Step("Remove the push subscription", run)


def _require_no_lease(lease_id: str | None) -> None:
    """Refuse a lease as a step of a batch: the batch's authentication would outdo it unseen."""
    if lease_id is not None:
        raise FieldError("leaseId", "belongs to a call that needs no authentication")


def _remove_enrollment(_: Context, params: contract.RemoveEnrollmentParams) -> Step:
    # The id is shown to the user: a page must not put words of its own there.
    if not is_enrollment_id(params.enrollment_id):
        raise KMSError("enrollment.not.found", details={"enrollmentId": params.enrollment_id})

    async def run(session: Session) -> Wire:
        await remove_enrollment(session, params.enrollment_id)
        return unstructure(contract.Success(success=True))

    return Step(f"Remove a way to unlock: {way_in_words(params.enrollment_id)}", run)


def _prune_audit(context: Context, params: contract.PruneAuditParams) -> Step:
    if params.keep < 0:
        raise request_invalid("keep", "must not be negative")

    async def run(session: Session) -> Wire:
        first, dropped = await prune(session, keep=params.keep, checkpoint=params.checkpoint)
        return unstructure(contract.PruneAuditResult(first=first, dropped=dropped))

    return Step("Drop old entries of the audit log", run)


def _current_kid(session: Session) -> str:
    kid = session.instance.record.current_kid
    if kid is None:
        raise KMSError("key.not.found")
    return kid


STEPS: Final[Mapping[str, Callable[[Context, Never], Step]]] = {
    "generateVAPID": _generate,
    "regenerateVAPID": _regenerate,
    "signJWT": _sign,
    "createLease": _create_lease,
    "extendLease": _extend,
    "refreshLease": _refresh,
    "resumeLease": _resume,
    "suspendPattern": _suspend,
    "unsuspendPattern": _lift,
    "setPushSubscription": _set_subscription,
    "removePushSubscription": _remove_subscription,
    "pruneAudit": _prune_audit,
    "removeEnrollment": _remove_enrollment,
}
"""The methods that need fresh authentication and nothing else from the user."""
