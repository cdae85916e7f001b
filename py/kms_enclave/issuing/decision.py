"""Whether a call under a lease is granted: every rule in its order, then the counting.

The lease is known and of this origin; not revoked, expired or suspended; the endpoint is
one of the lease's and the audience its origin; no more calls are under way than the
lease allows; a bound lease's call carries its relay's proof; every quota has room. Nothing
is counted for a call that is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kms_enclave.context import Context
from kms_enclave.errors import KMSError
from kms_enclave.issuing.charges import (
    Charge,
    burst_refusal,
    decide_all,
    eid_quota,
    relay_quota,
    sends_quota,
    tokens_quota,
    user_quota,
)
from kms_enclave.issuing.ledger import Account, Ledger
from kms_enclave.issuing.places import Place
from kms_enclave.issuing.requests import CountedRequest, Granted, IssueRequest, LeaseRequest
from kms_enclave.leases.book import Book
from kms_enclave.leases.endpoint import verify_audience
from kms_enclave.leases.lease import LeaseRecord, LiveLease, verify_live_lease
from kms_enclave.leases.relay import ProofUse, RelayCall, bind_relay, verify_relay_proof
from kms_enclave.leases.standing import verify_standing
from kms_enclave.leases.token import TokenClaims, stagger
from kms_enclave.log.skew import verify_clock
from kms_enclave.ports.storage import Address

__all__ = ["decide", "is_quotas", "is_violation", "verify_eid", "verify_usable"]

_USER_ALERTS = (80,)
_RELAY_ALERTS = (80, 100)


async def decide(
    context: Context,
    ledger: Ledger,
    request: CountedRequest,
    *,
    place: Place,
    nonces: set[Address],
    now_ms: int,
) -> Granted:
    """Grant and count, or raise KMSError with the code of the first rule that refuses.

    ``place`` is the call's own, taken if one was free when it came; ``nonces`` are what the
    relay proofs of other calls of this commit have used.
    """
    account = await ledger.account(request.lease_id)
    verify_clock(clock_ms=context.clock.now_ms(), now_ms=now_ms)
    lease = _verify_lease(context, account, request, now_ms)
    relay_id = bind_relay(lease.record.relay_binding, asked=request.relay_id)
    proof: ProofUse | None = None
    if isinstance(request, IssueRequest):
        _verify_endpoint(request, lease=lease.record)
        proof = await _require_proof(context, request, lease.record, nonces)
        if place.used() >= lease.record.quotas.burst_sends:
            raise burst_refusal(lease.record, used=place.used())
        place.take()
        tokens, sends, eid = request.count, request.sends, request.endpoint.eid
    else:
        verify_eid(request.eid, lease=lease.record)
        tokens, sends, eid = 0, request.count, request.eid
    of_lease = {"leaseId": request.lease_id}
    charges = [
        Charge(
            account.book,
            tokens_quota(lease.record),
            tokens,
            "quota.exceeded.lease",
            of=of_lease,
        )
    ]
    charges += _sends_charges(context, account, eid, sends)
    if relay_id is not None:
        relay_book = await ledger.relay_book(request.origin, relay_id)
        of_relay = {**of_lease, "relayId": relay_id}
        charges.append(_relay_charge(context, relay_book, sends, of=of_relay))
    usages = await decide_all(
        [charge for charge in charges if charge.count],
        now_ms=now_ms,
        clock_ms=context.clock.now_ms(),
    )
    claims: Sequence[TokenClaims] = ()
    if isinstance(request, IssueRequest):
        ttl_s = account.book.standing.token_ttl_s(now_ms)
        claims = _claims(context, request, lease.record, ttl_s=ttl_s, relay_id=relay_id)
    for usage in usages:
        usage.grant(now_ms=now_ms)
    if proof is not None:
        nonces.add(proof.address)
    return Granted(request, lease, usages, claims, proof)


async def _require_proof(
    context: Context, request: IssueRequest, lease: LeaseRecord, nonces: set[Address]
) -> ProofUse | None:
    call = RelayCall(
        enclave_origin=context.enclave_origin,
        method=request.method,
        lease_id=request.lease_id,
        eid=request.endpoint.eid,
        count=request.count,
    )
    return await verify_relay_proof(
        context.crypto,
        context.storage,
        binding=lease.relay_binding,
        call=call,
        proof=request.relay_proof,
        claimed=nonces,
        now_ms=context.clock.now_ms(),
        not_before_ms=lease.proofs_after,
    )


def _verify_endpoint(request: IssueRequest, *, lease: LeaseRecord) -> None:
    """Raise KMSError unless the endpoint and the key are the lease's."""
    asked = request.endpoint
    match = next((sub for sub in lease.subs if sub.eid == asked.eid), None)
    if match is None or match.url != asked.url:
        raise KMSError(
            "endpoint.not.in.lease",
            details={
                "leaseId": lease.lease_id,
                "requestedEid": asked.eid,
                "authorizedEids": [sub.eid for sub in lease.subs],
            },
        )
    verify_audience(aud=asked.aud, expected_origin=match.aud, eid=asked.eid)
    if request.kid is not None and request.kid != lease.kid:
        raise KMSError("key.not.found", details={"kid": request.kid})


def verify_eid(eid: str, *, lease: LeaseRecord) -> None:
    """Raise KMSError ``eid.unknown`` unless an endpoint of the lease has this id."""
    if all(sub.eid != eid for sub in lease.subs):
        raise KMSError("eid.unknown", details={"requestedEid": eid})


def is_quotas(refusal: KMSError) -> bool:
    """Tell whether a quota refused a call, or the rest after too many such refusals."""
    return refusal.code.startswith("quota.")


def is_violation(refusal: KMSError) -> bool:
    """Tell whether a refused call counts against the lease's standing."""
    return refusal.code.startswith("quota.exceeded") and (
        refusal.details.get("scope") != "burstSends"
    )


def verify_usable(account: Account, *, expected_origin: str, now_ms: int) -> LiveLease:
    """Return the lease, if this origin may use it now but for a rest after refused calls.

    Raises KMSError like ``verify_live_lease``.
    """
    suspended = account.patterns.match(account.lease.record.user_id)
    return verify_live_lease(
        account.lease, expected_origin=expected_origin, now_ms=now_ms, suspended=suspended
    )


def _verify_lease(
    context: Context, account: Account, request: LeaseRequest, now_ms: int
) -> LiveLease:
    lease = verify_usable(account, expected_origin=request.origin, now_ms=now_ms)
    verify_standing(account.book.standing, now_ms=now_ms, clock_ms=context.clock.now_ms())
    return lease


def _sends_charges(context: Context, account: Account, eid: str, sends: int) -> list[Charge]:
    lease, book = account.lease.record, account.book
    of_lease = {"leaseId": lease.lease_id}
    return [
        Charge(book, sends_quota(lease), sends, "quota.exceeded.lease", of=of_lease),
        Charge(
            book,
            eid_quota(lease, eid),
            sends,
            "quota.exceeded.endpoint",
            of={**of_lease, "eid": eid},
        ),
        Charge(
            account.user_book,
            user_quota(context.config.quotas),
            sends,
            "quota.exceeded.user",
            alerts=_USER_ALERTS,
            of={**of_lease, "userId": lease.user_id},
        ),
    ]


def _relay_charge(context: Context, book: Book, sends: int, *, of: Mapping[str, str]) -> Charge:
    quotas = context.config.quotas
    return Charge(
        book,
        relay_quota(quotas),
        sends,
        "quota.exceeded.relay",
        enforced=quotas.refuse_relay_over_cap,
        alerts=_RELAY_ALERTS,
        of=of,
    )


def _claims(
    context: Context,
    request: IssueRequest,
    lease: LeaseRecord,
    *,
    ttl_s: int,
    relay_id: str | None,
) -> Sequence[TokenClaims]:
    # The claims go by the clock, not by the log's time: push services compare them
    # with their own clocks.
    now_s = context.clock.now_ms() // 1000
    lives = stagger(request.count, issued_at_s=now_s, ttl_s=ttl_s, lease_end_s=lease.exp // 1000)
    if len(lives) < request.count:
        raise KMSError(
            "lease.limit",
            "The lease ends too soon for a token",
            details={"leaseId": lease.lease_id, "fits": len(lives)},
        )
    return [
        TokenClaims(
            aud=request.endpoint.aud,
            sub=context.config.contact,
            iat=now_s,
            nbf=nbf,
            exp=exp,
            jti=context.crypto.random_uuid(),
            eid=request.endpoint.eid,
            rid=relay_id,
        )
        for nbf, exp in lives
    ]
