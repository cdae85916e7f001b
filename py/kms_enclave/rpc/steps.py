"""Authenticated methods as steps: what is authorised in words, and what is then done.

A step runs inside one authenticated commit, alone or as part of a batch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import attrs

from kms_enclave.audit.prune import prune
from kms_enclave.audit.retention import delete_pruned
from kms_enclave.config import QUOTA_PRESETS
from kms_enclave.enrollment import changes as enrollments
from kms_enclave.errors import KMSError, request_invalid
from kms_enclave.leases import changes, creation, patterns
from kms_enclave.leases.creation import LeaseRequest, in_words, verify_request
from kms_enclave.leases.lease import LeaseRecord
from kms_enclave.push import operations
from kms_enclave.push.operations import generate_key, regenerate_key, verify_payload
from kms_enclave.push.subscription import (
    delete_subscription,
    subscription_details,
    verify_subscription,
    write_subscription,
)
from kms_enclave.rpc import contract
from kms_enclave.rpc.grants import Step, View
from kms_enclave.rpc.method import Wire
from kms_enclave.structure import FieldError, unstructure
from kms_enclave.unlock.record import in_words as way_in_words
from kms_enclave.unlock.record import is_enrollment_id
from kms_enclave.unlock.session import Session

__all__ = [
    "create_lease",
    "extend_lease",
    "generate_vapid",
    "prune_audit",
    "refresh_lease",
    "regenerate_vapid",
    "remove_enrollment",
    "remove_subscription",
    "resume_lease",
    "set_subscription",
    "sign_jwt",
    "suspend_pattern",
    "unsuspend_pattern",
]

_WORDLESS: Final = re.compile(r"[^A-Za-z0-9._@+*-]")


def generate_vapid(_: View, __: contract.AuthenticatedParams) -> Step:
    """Add a VAPID key, which is the current one from then on."""

    async def run(session: Session) -> Wire:
        key = await generate_key(session)
        return unstructure(contract.GenerateVAPIDResult(kid=key.kid, public_key=key.public_key))

    return Step("Make a new push key", run)


def regenerate_vapid(_: View, __: contract.AuthenticatedParams) -> Step:
    """Replace the current VAPID key and end the leases that sign with it."""

    async def run(session: Session) -> Wire:
        key = await regenerate_key(session)
        return unstructure(contract.GenerateVAPIDResult(kid=key.kid, public_key=key.public_key))

    return Step("Replace the push key, and end every lease that uses it", run)


def sign_jwt(view: View, params: contract.SignJWTParams) -> Step:
    """Sign one VAPID token with claims of the caller's."""
    verify_payload(params.payload, now_s=view.clock.now_ms() // 1000)

    async def run(session: Session) -> Wire:
        jwt = await operations.sign_jwt(session, kid=params.kid, payload=params.payload)
        return unstructure(contract.SignJWTResult(jwt=jwt))

    return Step(f"Sign a token for {params.payload['aud']}", run)


def create_lease(view: View, params: contract.CreateLeaseParams) -> Step:
    """Create a lease of the calling origin."""
    request = LeaseRequest(
        user_id=params.user_id,
        subs=params.subs,
        ttl_hours=params.ttl_hours,
        quotas=_asked_quotas(params.quotas),
        kid=params.kid,
        label=params.label,
        relay_binding=params.relay_binding,
    )
    verify_request(request, config=view.config)

    async def run(session: Session) -> Wire:
        return _lease_result(await creation.create_lease(session, request))

    return Step(in_words(request), run)


def _asked_quotas(
    given: contract.QuotaPreset | contract.QuotaOverrides | None,
) -> Mapping[str, int]:
    """Return the quotas that a lease asks for, by their Python names."""
    if given is None:
        return {}
    asked = attrs.asdict(QUOTA_PRESETS[given] if isinstance(given, str) else given)
    return {name: value for name, value in asked.items() if value is not None}


def _lease_result(lease: LeaseRecord) -> Wire:
    quotas = contract.Quotas(**attrs.asdict(lease.quotas))
    return unstructure(
        contract.CreateLeaseResult(
            lease_id=lease.lease_id, exp=lease.exp, quotas=quotas, kid=lease.kid
        )
    )


def extend_lease(_: View, params: contract.ExtendLeaseParams) -> Step:
    """Move a lease's end, within the cap."""

    async def run(session: Session) -> Wire:
        lease = await changes.extend_lease(session, params.lease_id, add_hours=params.add_hours)
        return unstructure(contract.LeaseEnd(exp=lease.exp))

    return Step(f"Make a lease last {params.add_hours:g} hours longer", run)


def refresh_lease(_: View, params: contract.LeaseParams) -> Step:
    """Move a lease's end as far as the cap allows; lift a suspension."""

    async def run(session: Session) -> Wire:
        lease = await changes.refresh_lease(session, params.lease_id)
        return unstructure(contract.LeaseEnd(exp=lease.exp))

    return Step("Make a lease last as long as allowed", run)


def resume_lease(_: View, params: contract.LeaseParams) -> Step:
    """Give a lease its signing handle again."""

    async def run(session: Session) -> Wire:
        lease = await changes.resume_lease(session, params.lease_id)
        return unstructure(contract.LeaseEnd(exp=lease.exp))

    return Step("Let a lease sign again", run)


def suspend_pattern(_: View, params: contract.PatternParams) -> Step:
    """Refuse issuing for matching users until lifted."""

    async def run(session: Session) -> Wire:
        await patterns.suspend_pattern(session, params.user_id_pattern)
        return unstructure(contract.Success(success=True))

    return Step(f"Suspend the leases of users like {_shown(params.user_id_pattern)}", run)


def unsuspend_pattern(_: View, params: contract.PatternParams) -> Step:
    """Lift a pattern."""

    async def run(session: Session) -> Wire:
        await patterns.lift_pattern(session, params.user_id_pattern)
        return unstructure(contract.Success(success=True))

    return Step(f"Lift the suspension of users like {_shown(params.user_id_pattern)}", run)


def _shown(pattern: str) -> str:
    """Return a pattern without what could make it a sentence, or turn the one it stands in.

    What is left out stands for any one character, which ``?`` means in a pattern as well.
    """
    return _WORDLESS.sub("?", pattern)


def set_subscription(view: View, params: contract.SetPushSubscriptionParams) -> Step:
    """Store the origin's push subscription for the current key."""
    _require_no_lease(params.lease_id)
    subscription = params.subscription
    endpoint_origin = verify_subscription(subscription, config=view.config)

    async def run(session: Session) -> Wire:
        kid = _current_kid(session)
        await write_subscription(session.unit, subscription, kid=kid, origin=session.origin)
        session.log("subscription.set", kid=kid, details=subscription_details(endpoint_origin))
        return unstructure(contract.Success(success=True))

    return Step(f"Store a push subscription of {endpoint_origin}", run)


def remove_subscription(_: View, params: contract.RemovePushSubscriptionParams) -> Step:
    """Delete the origin's push subscription of the current key."""
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


def remove_enrollment(_: View, params: contract.RemoveEnrollmentParams) -> Step:
    """Remove a way to unlock, never the last."""
    # The id is shown to the user: a page must not put words of its own there.
    if not is_enrollment_id(params.enrollment_id):
        raise KMSError("enrollment.not.found", details={"enrollmentId": params.enrollment_id})

    async def run(session: Session) -> Wire:
        await enrollments.remove_enrollment(session, params.enrollment_id)
        return unstructure(contract.Success(success=True))

    return Step(f"Remove a way to unlock: {way_in_words(params.enrollment_id)}", run)


def prune_audit(view: View, params: contract.PruneAuditParams) -> Step:
    """Drop old entries of the log; what they were is deleted after the commit."""
    if params.keep < 0:
        raise request_invalid("keep", "must not be negative")

    async def run(session: Session) -> Wire:
        first, dropped = await prune(session, keep=params.keep, checkpoint=params.checkpoint)
        return unstructure(contract.PruneAuditResult(first=first, dropped=dropped))

    return Step("Drop old entries of the audit log", run, then=delete_pruned)


def _current_kid(session: Session) -> str:
    kid = session.instance.record.current_kid
    if kid is None:
        raise KMSError("key.not.found")
    return kid
