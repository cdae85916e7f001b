"""The lease methods that need no authentication: using, seeing and giving up one's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, cast

import attrs

from kms_enclave.config import MAX_QUOTA
from kms_enclave.errors import KMSError, request_invalid
from kms_enclave.issuing.requests import Token
from kms_enclave.leases import emergency
from kms_enclave.leases.listing import LeaseState, leases_with_state
from kms_enclave.rpc import contract
from kms_enclave.rpc.grants import LeaseUse, OwnLeases, Reader
from kms_enclave.rpc.method import Wire
from kms_enclave.structure import unstructure

__all__ = [
    "get_leases",
    "get_quota",
    "is_token_revoked",
    "issue_token",
    "issue_tokens",
    "record_sends",
    "remove_leased_subscription",
    "revoke_all_leases",
    "revoke_lease",
    "revoked_tokens",
    "set_leased_subscription",
    "verify_lease",
]

State = Literal["active", "suspended", "needs-resume", "expired", "revoked"]
MAX_BATCH: Final = 10
_UNSEEN: Final = ("lease.not.found", "origin.denied")
"""Of such a lease nothing is told but that."""
_STATES: Final[Mapping[str | None, State]] = {
    None: "active",
    "lease.suspended": "suspended",
    "quota.suspended": "suspended",
    "lease.not.found": "suspended",  # What it has used is not known: its quota record is damaged.
    "lease.needs.resume": "needs-resume",
    "lease.expired": "expired",
    "lease.revoked": "revoked",
}


async def issue_token(lease: LeaseUse, params: contract.IssueParams) -> Wire:
    """Issue one token, which counts as a send."""
    (token,) = await lease.issue("issueVAPIDJWT", params, count=1, sends=1)
    return _token(token)


async def issue_tokens(lease: LeaseUse, params: contract.IssueManyParams) -> Wire:
    """Issue several tokens, which are kept: their sends are recorded."""
    if not 1 <= params.count <= MAX_BATCH:
        raise request_invalid("count", f"must be 1 to {MAX_BATCH}", max=MAX_BATCH)
    tokens = await lease.issue("issueVAPIDJWTs", params, count=params.count, sends=0)
    return {"tokens": [_token(token) for token in tokens]}


async def record_sends(lease: LeaseUse, params: contract.RecordSendsParams) -> Wire:
    """Count sends before they are made."""
    if not 1 <= params.count <= MAX_QUOTA:
        raise request_invalid("count", f"must be 1 to {MAX_QUOTA}")
    await lease.record_sends(params)
    return unstructure(contract.RecordSendsResult(accepted=params.count))


async def get_quota(lease: LeaseUse, params: contract.GetQuotaParams) -> Wire:
    """Return what the lease has used of each quota."""
    state = await lease.usage(params)
    quotas = {
        scope: contract.QuotaState(*attrs.astuple(use)) for scope, use in state.quotas.items()
    }
    result = contract.GetQuotaResult(
        tokens_per_hour=quotas["tokensPerHour"],
        sends_per_minute=quotas["sendsPerMinute"],
        burst_sends=quotas["burstSends"],
        per_user_per_day=quotas["perUserPerDay"],
        token_ttl_s=state.token_ttl_s,
        suspended_until=state.suspended_until,
        sends_per_minute_per_eid=quotas.get("sendsPerMinutePerEid"),
        per_relay_per_hour=quotas.get("perRelayPerHour"),
    )
    return unstructure(result)


def _token(token: Token) -> Wire:
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


async def set_leased_subscription(
    lease: LeaseUse, params: contract.SetPushSubscriptionParams
) -> Wire:
    """Store the origin's push subscription while no user is there."""
    await lease.set_subscription(params.subscription, lease_id=cast(str, params.lease_id))
    return unstructure(contract.Success(success=True))


async def remove_leased_subscription(
    lease: LeaseUse, params: contract.RemovePushSubscriptionParams
) -> Wire:
    """Delete the origin's push subscription while no user is there."""
    await lease.remove_subscription(lease_id=cast(str, params.lease_id))
    return unstructure(contract.Success(success=True))


async def revoke_lease(own: OwnLeases, params: contract.LeaseIdParams) -> Wire:
    """End one lease."""
    effective_at = await own.revoke(params.lease_id)
    return unstructure(contract.RevokeLeaseResult(status="revoked", effective_at=effective_at))


async def revoke_all_leases(own: OwnLeases, _: contract.Empty) -> Wire:
    """End every lease of the origin."""
    return unstructure(contract.RevokeAllLeasesResult(revoked=tuple(await own.revoke_all())))


async def get_leases(reader: Reader, _: contract.Empty) -> Wire:
    """Return the origin's leases, each with its state."""
    now_ms = await reader.log_time_ms()
    found = await leases_with_state(reader.storage, origin=reader.origin, now_ms=now_ms)
    return {"leases": [_info(state) for state in found]}


async def verify_lease(reader: Reader, params: contract.LeaseIdParams) -> Wire:
    """Return whether issuing under a lease would be refused, and why."""
    try:
        state = await reader.lease_state(params.lease_id)
    except KMSError as refusal:
        if refusal.code not in _UNSEEN:
            raise
        return unstructure(
            contract.VerifyLeaseResult(params.lease_id, False, None, None, refusal.code)
        )
    record, reason = state.record, state.reason
    return unstructure(
        contract.VerifyLeaseResult(params.lease_id, reason is None, record.kid, record.exp, reason)
    )


async def is_token_revoked(reader: Reader, params: contract.TokenIdParams) -> Wire:
    """Return whether a token is on the emergency list."""
    revoked = await emergency.is_token_revoked(
        reader.storage,
        reader.config,
        params.jti,
        origin=reader.origin,
        now_ms=reader.clock.now_ms(),
    )
    return unstructure(contract.IsTokenRevokedResult(revoked=revoked))


async def revoked_tokens(reader: Reader, _: contract.Empty) -> Wire:
    """Return the emergency list."""
    found = await emergency.list_revoked_tokens(
        reader.storage, reader.config, origin=reader.origin, now_ms=reader.clock.now_ms()
    )
    tokens = tuple(contract.RevokedTokenInfo(**attrs.asdict(token)) for token in found)
    return unstructure(contract.RevokedTokensResult(tokens=tokens))


def _info(state: LeaseState) -> Wire:
    # By hand: the certificate is JSON already. A test holds the shape against
    # contract.LeaseInfo.
    record, binding = state.record, state.record.relay_binding
    optional: Wire = {
        "label": record.label,
        "revokedAt": record.revoked_at,
        "relayBinding": attrs.asdict(binding) if binding else None,
    }
    return {
        "leaseId": record.lease_id,
        "userId": record.user_id,
        "kid": record.kid,
        "subs": [attrs.asdict(sub) for sub in record.subs],
        "ttlHours": record.ttl_hours,
        "createdAt": record.created_at,
        "exp": record.exp,
        "quotas": unstructure(contract.Quotas(**attrs.asdict(record.quotas))),
        "state": _STATES[state.reason],
        "lakDelegationCert": record.lak_delegation_cert,
        **{name: value for name, value in optional.items() if value is not None},
    }
