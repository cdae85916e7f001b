"""The lease methods that need no authentication: using, seeing and giving up one's own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final, Literal

import attrs

from kms_enclave.config import MAX_QUOTA
from kms_enclave.context import Context
from kms_enclave.errors import KMSError, request_invalid
from kms_enclave.issuing.issuance import Issuer
from kms_enclave.issuing.ledger import Ledger
from kms_enclave.issuing.requests import IssueRequest, SendsRequest, Token
from kms_enclave.issuing.usage import LeaseUsage, UsageRequest, read_usage
from kms_enclave.leases.emergency import is_token_revoked, list_revoked_tokens
from kms_enclave.leases.endpoint import verify_visible_ascii
from kms_enclave.leases.listing import LeaseState, lease_state, leases_with_state
from kms_enclave.leases.revocation import revoke_lease, revoke_leases
from kms_enclave.rpc import contract
from kms_enclave.rpc.dispatch import Handler
from kms_enclave.rpc.translate import to_relay_proof, to_sub
from kms_enclave.structure import unstructure

__all__ = ["make_lease_handlers"]

Wire = Mapping[str, object]
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


def make_lease_handlers(context: Context, issuer: Issuer, ledger: Ledger) -> Mapping[str, Handler]:
    """Return their handlers; ``ledger`` is the issuer's, and answers from what it remembers."""
    return {
        "issueVAPIDJWT": partial(_issue, issuer),
        "issueVAPIDJWTs": partial(_issue_many, issuer),
        "recordSends": partial(_record_sends, issuer),
        "getQuota": partial(_get_quota, context, issuer, ledger),
        "revokeLease": partial(_revoke, context),
        "revokeAllLeases": partial(_revoke_all, context),
        "getLeases": partial(_get_leases, context),
        "verifyLease": partial(_verify_lease, context, ledger),
        "isTokenRevoked": partial(_is_token_revoked, context),
        "revokedTokens": partial(_revoked_tokens, context),
    }


async def _issue(issuer: Issuer, params: contract.IssueParams, origin: str) -> Wire:
    (token,) = await issuer.issue(_request("issueVAPIDJWT", params, origin, 1))
    return _token(token)


async def _issue_many(issuer: Issuer, params: contract.IssueManyParams, origin: str) -> Wire:
    if not 1 <= params.count <= MAX_BATCH:
        raise request_invalid("count", f"must be 1 to {MAX_BATCH}", max=MAX_BATCH)
    tokens = await issuer.issue(_request("issueVAPIDJWTs", params, origin, params.count))
    return {"tokens": [_token(token) for token in tokens]}


def _request(
    method: str, params: contract.IssueParams | contract.IssueManyParams, origin: str, count: int
) -> IssueRequest:
    if params.relay_id is not None:
        verify_visible_ascii(params.relay_id, field="relayId")
    return IssueRequest(
        origin=origin,
        lease_id=params.lease_id,
        endpoint=to_sub(params.endpoint),
        kid=params.kid,
        relay_id=params.relay_id,
        count=count,
        sends=1 if method == "issueVAPIDJWT" else 0,
        method=method,
        relay_proof=to_relay_proof(params.relay_proof),
    )


async def _record_sends(issuer: Issuer, params: contract.RecordSendsParams, origin: str) -> Wire:
    if not 1 <= params.count <= MAX_QUOTA:
        raise request_invalid("count", f"must be 1 to {MAX_QUOTA}")
    if params.relay_id is not None:
        verify_visible_ascii(params.relay_id, field="relayId")
    await issuer.record_sends(
        SendsRequest(origin, params.lease_id, params.eid, params.count, relay_id=params.relay_id)
    )
    return unstructure(contract.RecordSendsResult(accepted=params.count))


async def _get_quota(
    context: Context,
    issuer: Issuer,
    ledger: Ledger,
    params: contract.GetQuotaParams,
    origin: str,
) -> Wire:
    if params.relay_id is not None:
        verify_visible_ascii(params.relay_id, field="relayId")
    request = UsageRequest(origin, params.lease_id, params.eid, relay_id=params.relay_id)

    async def read(now_ms: int) -> LeaseUsage:
        return await read_usage(
            context,
            ledger,
            request,
            in_flight=await issuer.in_flight(request),
            now_ms=now_ms,
        )

    state = await ledger.consult(read)
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


async def _revoke(context: Context, params: contract.LeaseIdParams, origin: str) -> Wire:
    effective_at = await revoke_lease(context, params.lease_id, origin=origin)
    return unstructure(contract.RevokeLeaseResult(status="revoked", effective_at=effective_at))


async def _revoke_all(context: Context, _: contract.Empty, origin: str) -> Wire:
    revoked = await revoke_leases(context, origin=origin)
    return unstructure(contract.RevokeAllLeasesResult(revoked=tuple(revoked)))


async def _get_leases(context: Context, _: contract.Empty, origin: str) -> Wire:
    now_ms = await context.journal.read_time()
    found = await leases_with_state(context.storage, origin=origin, now_ms=now_ms)
    return {"leases": [_info(state) for state in found]}


async def _verify_lease(
    context: Context, ledger: Ledger, params: contract.LeaseIdParams, origin: str
) -> Wire:
    async def read(now_ms: int) -> LeaseState:
        account = await ledger.account(params.lease_id)
        return lease_state(
            account.lease,
            account.patterns,
            account.book.standing,
            expected_origin=origin,
            now_ms=now_ms,
            clock_ms=context.clock.now_ms(),
        )

    try:
        state = await ledger.consult(read)
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


async def _is_token_revoked(context: Context, params: contract.TokenIdParams, origin: str) -> Wire:
    revoked = await is_token_revoked(context, params.jti, origin=origin)
    return unstructure(contract.IsTokenRevokedResult(revoked=revoked))


async def _revoked_tokens(context: Context, _: contract.Empty, origin: str) -> Wire:
    found = await list_revoked_tokens(context, origin=origin)
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
