"""Issuing tokens under a lease: many waiting calls, one commit.

For each call, in this order: the lease is known and of this origin, not revoked,
not expired; the endpoint is one of the lease's and the audience its origin; the
quota has room; the token is signed; quota state, token id and audit entry are
committed together. If signing fails nothing was counted; if the commit fails
nothing was issued and no token is returned.

Calls that wait while a commit is under way share the next one, each of them whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from kms_enclave.audit.entry import EntryDraft, format_signer_id
from kms_enclave.audit.journal import Change, SignedDraft
from kms_enclave.codec import format_record
from kms_enclave.context import Context
from kms_enclave.encoding import parse_base64url
from kms_enclave.errors import KMSError
from kms_enclave.leases.endpoint import verify_audience
from kms_enclave.leases.lease import LeaseRecord, LiveLease, Sub, verify_live_lease
from kms_enclave.leases.ledger import LeaseAccount, Ledger
from kms_enclave.leases.refusals import Logged, Refusal, RefusalLog
from kms_enclave.leases.relay import (
    Examined,
    ProofUse,
    RelayCall,
    RelayProof,
    bind_relay,
    examine_proof,
)
from kms_enclave.leases.token import (
    TOKEN_TTL_S,
    TokenClaims,
    TokenRecord,
    format_token,
    signing_input,
    stagger,
    token_address,
)
from kms_enclave.ports.storage import ABSENT, Address, Expectation, Put, Record

__all__ = ["IssueRequest", "Issuer", "Token"]

_MAX_CALLS_PER_COMMIT: Final = 64


@attrs.frozen
class IssueRequest:
    """One call for ``count`` tokens, all or none. ``kid``, where given, must be the lease's."""

    origin: str
    lease_id: str
    endpoint: Sub
    kid: str | None = None
    relay_id: str | None = None
    count: int = 1
    method: str = "issueVAPIDJWT"
    relay_proof: RelayProof | None = None


@attrs.frozen
class Token:
    """An issued token with its audit entry; ``claims`` in Unix seconds."""

    jwt: str = attrs.field(repr=False)
    claims: TokenClaims
    kid: str
    vapid_public_key: str
    audit_entry: Mapping[str, object]


@attrs.frozen
class _Granted:
    """What a call was granted; ``used`` counts the window with these tokens in it."""

    account: LeaseAccount
    lease: LiveLease
    claims: Sequence[TokenClaims]
    used: int
    proof: ProofUse | None


@attrs.define
class _Call:
    request: IssueRequest
    reply: asyncio.Future[Sequence[Token]]
    outcome: _Granted | KMSError | None = None
    jwts: Sequence[str] = ()


class Issuer:
    """Issues for one worker. Use one instance: it is what gathers waiting calls."""

    def __init__(self, *, context: Context, ledger: Ledger) -> None:
        self._context = context
        self._ledger = ledger
        self._refusals = RefusalLog(crypto=context.crypto, storage=context.storage)
        self._waiting: list[_Call] = []
        self._committing: asyncio.Task[None] | None = None

    async def issue(self, request: IssueRequest) -> Sequence[Token]:
        """Issue the tokens. Raises KMSError with the code of the first rule that refuses."""
        call = _Call(request, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_waiting())
        return await call.reply

    async def _commit_waiting(self) -> None:
        while self._waiting:
            calls = self._waiting[:_MAX_CALLS_PER_COMMIT]
            del self._waiting[:_MAX_CALLS_PER_COMMIT]
            commit = asyncio.ensure_future(self._commit(calls))
            await asyncio.wait([commit])
            error = commit.exception()
            if error is not None:
                # Nothing was written, so nothing was issued; what was counted in memory
                # for it must go.
                self._context.journal.forget()
                for call in calls:
                    call.reply.set_exception(error)

    async def _commit(self, calls: Sequence[_Call]) -> None:
        logged: list[Logged] = []

        async def plan(now_ms: int) -> Change:
            fresh: set[str] = set()
            nonces: set[Address] = set()
            for call in calls:
                call.outcome = await self._decide(call.request, now_ms, fresh, nonces)
            refusals = [
                Refusal(call.request.lease_id, call.request.origin, call.outcome.code)
                for call in calls
                if isinstance(call.outcome, KMSError)
            ]
            refusal_drafts, note = await self._refusals.drafts(refusals, now_ms=now_ms)
            logged[:] = [note]
            return await self._change(calls, refusal_drafts)

        entries = iter(await self._context.journal.commit(plan))
        for note in logged:
            self._refusals.note(note)
        for call in calls:
            if isinstance(call.outcome, _Granted):
                call.reply.set_result(_tokens(call.jwts, call.outcome, entries))
            elif call.outcome is not None:
                call.reply.set_exception(call.outcome)

    async def _decide(
        self, request: IssueRequest, now_ms: int, fresh: set[str], nonces: set[Address]
    ) -> _Granted | KMSError:
        """Grant and count, or refuse; what was refused from memory is decided again.

        ``fresh`` are the leases that were read from storage for this attempt. An account
        with uncommitted grants needs no second look: their commit proves the memory.
        """
        try:
            account, just_read = await self._ledger.account(request.lease_id)
            if just_read:
                fresh.add(request.lease_id)
            proof = await self._examine(request, account.lease.record)
            try:
                return self._grant(request, account, now_ms, proof, nonces)
            except KMSError:
                if request.lease_id in fresh or account.uncommitted:
                    raise
            fresh.add(request.lease_id)
            account = await self._ledger.reread(request.lease_id)
            return self._grant(request, account, now_ms, proof, nonces)
        except KMSError as refusal:
            return refusal

    async def _examine(self, request: IssueRequest, lease: LeaseRecord) -> Examined:
        call = RelayCall(
            enclave_origin=self._context.enclave_origin,
            method=request.method,
            lease_id=request.lease_id,
            eid=request.endpoint.eid,
            count=request.count,
        )
        return await examine_proof(
            self._context.crypto,
            self._context.storage,
            binding=lease.relay_binding,
            call=call,
            proof=request.relay_proof,
            now_ms=self._context.clock.now_ms(),
            not_before_ms=lease.proofs_after,
        )

    def _grant(
        self,
        request: IssueRequest,
        account: LeaseAccount,
        now_ms: int,
        proof: Examined,
        nonces: set[Address],
    ) -> _Granted:
        suspended = account.patterns.match(account.lease.record.user_id)
        lease = verify_live_lease(
            account.lease, expected_origin=request.origin, now_ms=now_ms, suspended=suspended
        )
        verify_endpoint(request, lease=lease.record)
        claims = self._claims(request, lease.record)
        use = proof.require(nonces)
        decision = account.tokens.decide(request.count, now_ms=now_ms)
        if not decision.granted:
            limit = account.tokens.limit
            raise KMSError(
                "quota.exceeded.lease",
                f"Quota exceeded: tokens per hour ({decision.used}/{limit})",
                retry_after_ms=decision.retry_after_ms,
                details={
                    "scope": "tokensPerHour",
                    "used": decision.used,
                    "limit": limit,
                    "fits": decision.fits,
                },
            )
        account.grant_tokens(request.count, now_ms=now_ms)
        if use is not None:
            nonces.add(use.address)
        return _Granted(account, lease, claims, decision.used + request.count, use)

    def _claims(self, request: IssueRequest, lease: LeaseRecord) -> Sequence[TokenClaims]:
        # The claims go by the clock, not by the log's time: push services compare them
        # with their own clocks.
        now_s = self._context.clock.now_ms() // 1000
        rid = bind_relay(lease.relay_binding, asked=request.relay_id)
        lives = stagger(
            request.count, issued_at_s=now_s, ttl_s=TOKEN_TTL_S, lease_end_s=lease.exp // 1000
        )
        if len(lives) < request.count:
            raise KMSError(
                "lease.limit",
                "The lease ends too soon for a token",
                details={"leaseId": lease.lease_id, "fits": len(lives)},
            )
        return [
            TokenClaims(
                aud=request.endpoint.aud,
                sub=self._context.config.contact,
                iat=now_s,
                nbf=nbf,
                exp=exp,
                jti=self._context.crypto.random_uuid(),
                eid=request.endpoint.eid,
                rid=rid,
            )
            for nbf, exp in lives
        ]

    async def _change(
        self, calls: Sequence[_Call], refusal_drafts: Sequence[SignedDraft]
    ) -> Change:
        granted = [(call, call.outcome) for call in calls if isinstance(call.outcome, _Granted)]
        accounts = {id(outcome.account): outcome.account for _, outcome in granted}
        await asyncio.gather(
            *(
                self._sign([pair for pair in granted if pair[1].account is account])
                for account in accounts.values()
            )
        )
        tokens = [(outcome, claims) for _, outcome in granted for claims in outcome.claims]
        proofs = [outcome.proof for _, outcome in granted if outcome.proof is not None]
        return Change(
            drafts=[
                *(
                    draft
                    for call, outcome in granted
                    for draft in _drafts(call, outcome, self._context)
                ),
                *refusal_drafts,
            ],
            expectations=[
                *(named for account in accounts.values() for named in account.expectations()),
                *(Expectation(token_address(claims.jti), ABSENT) for _, claims in tokens),
                *(proof.expectation() for proof in proofs),
            ],
            puts=[
                *(put for account in accounts.values() for put in account.puts()),
                *(_token_put(outcome, claims) for outcome, claims in tokens),
                *(proof.put() for proof in proofs),
            ],
        )

    async def _sign(self, granted: Sequence[tuple[_Call, _Granted]]) -> None:
        lease = granted[0][1].lease
        inputs = [
            signing_input(claims, kid=lease.record.kid)
            for _, outcome in granted
            for claims in outcome.claims
        ]
        signatures = await self._context.crypto.sign_es256_many(lease.signing_key, inputs)
        jwts = iter([format_token(*pair) for pair in zip(inputs, signatures, strict=True)])
        for call, outcome in granted:
            call.jwts = [next(jwts) for _ in outcome.claims]


def verify_endpoint(request: IssueRequest, *, lease: LeaseRecord) -> None:
    """Raise KMSError unless the endpoint and the key are the lease's."""
    asked = request.endpoint
    match = next((sub for sub in lease.subs if sub.eid == asked.eid), None)
    if match is None or match.url != asked.url:
        raise KMSError("endpoint.not.in.lease", details={"requestedEid": asked.eid})
    verify_audience(aud=asked.aud, expected_origin=match.aud, eid=asked.eid)
    if request.kid is not None and request.kid != lease.kid:
        raise KMSError("key.not.found", details={"kid": request.kid})


def _drafts(call: _Call, granted: _Granted, context: Context) -> Iterator[SignedDraft]:
    lease = granted.lease
    signer_id = format_signer_id(parse_base64url(lease.record.lak_public))
    first = granted.used - len(granted.claims) + 1
    for used, claims in enumerate(granted.claims, start=first):
        details: dict[str, object] = {
            "aud": claims.aud,
            "eid": claims.eid,
            "exp": claims.exp,
            "jti": claims.jti,
            "nbf": claims.nbf,
            "quotas": {"tokensPerHour": {"limit": granted.account.tokens.limit, "used": used}},
        }
        if claims.rid is not None:
            details["rid"] = claims.rid
        draft = EntryDraft(
            op="sign",
            request_id=context.crypto.random_uuid(),
            signer="LAK",
            signer_id=signer_id,
            kid=lease.record.kid,
            user_id=lease.record.user_id,
            origin=call.request.origin,
            lease_id=lease.record.lease_id,
            details=details,
            cert=lease.record.lak_delegation_cert,
        )
        yield SignedDraft(draft, lease.audit_key)


def _token_put(granted: _Granted, claims: TokenClaims) -> Put:
    value = TokenRecord(
        exp=claims.exp,
        lease_id=granted.lease.record.lease_id,
        eid=claims.eid,
        nbf=claims.nbf,
        rid=claims.rid,
    )
    record = Record(1, format_record(value), {}, expires_ms=claims.exp * 1000)
    return Put(token_address(claims.jti), record)


def _tokens(
    jwts: Sequence[str], granted: _Granted, entries: Iterator[Mapping[str, object]]
) -> Sequence[Token]:
    lease = granted.lease.record
    return [
        Token(jwt, claims, lease.kid, lease.vapid_public_key, next(entries))
        for jwt, claims in zip(jwts, granted.claims, strict=True)
    ]
