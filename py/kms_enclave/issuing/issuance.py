"""Issuing tokens under leases: many waiting calls, one commit.

For each call, in this order: it is granted (:mod:`kms_enclave.issuing.decision`); its
tokens are signed; the books, the token ids and the audit entries are committed
together. If signing fails nothing was counted; if the commit fails nothing was issued
and no token is returned.

Calls that wait while a commit is under way share the next one, each of them whole. A
lease whose key fails to sign fails its own calls alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Mapping, Sequence
from typing import Final

import attrs

from kms_enclave.context import Context
from kms_enclave.errors import KMSError
from kms_enclave.issuing.decision import decide, is_quotas, is_violation
from kms_enclave.issuing.issued import make_tokens, token_drafts, token_put
from kms_enclave.issuing.ledger import Ledger
from kms_enclave.issuing.places import Place, Places
from kms_enclave.issuing.refusals import Due, Refusal, RefusalLog
from kms_enclave.issuing.requests import (
    CountedRequest,
    Granted,
    IssueRequest,
    LeaseRequest,
    SendsRequest,
    Token,
)
from kms_enclave.issuing.waiting import within_lease
from kms_enclave.leases.lease import LeaseRecord
from kms_enclave.leases.standing import with_rest
from kms_enclave.leases.token import format_token, signing_input, token_address
from kms_enclave.log.entry import EntryDraft
from kms_enclave.log.instance import read_instance
from kms_enclave.log.journal import Change, SignedDraft
from kms_enclave.log.signing import instance_draft
from kms_enclave.ports.storage import ABSENT, Address, Expectation, StorageError

__all__ = ["Issuer"]

_MAX_CALLS_PER_COMMIT: Final = 64


@attrs.define
class _Call:
    request: CountedRequest
    place: Place
    reply: asyncio.Future[Sequence[Token]]
    outcome: Granted | Exception | None = None
    jwts: Sequence[str] = ()


class Issuer:
    """Issues for one worker. Use one instance: it is what gathers waiting calls."""

    def __init__(self, *, context: Context, ledger: Ledger) -> None:
        self._context = context
        self._ledger = ledger
        self._refusals = RefusalLog(crypto=context.crypto, storage=context.storage)
        self._waiting: list[_Call] = []
        self._in_turn: Sequence[_Call] = ()
        self._committing: asyncio.Task[None] | None = None
        self._places = Places()

    async def issue(self, request: IssueRequest) -> Sequence[Token]:
        """Issue the tokens. Raises KMSError with the code of the first rule that refuses."""
        key = (request.origin, request.lease_id)
        place = self._places.arrive(key)
        try:
            return await self._enqueue(request, place)
        finally:
            self._places.leave(key, place)

    async def record_sends(self, request: SendsRequest) -> None:
        """Count sends before they are made. Raises KMSError like :meth:`issue`."""
        await self._enqueue(request, Place())

    async def in_flight(self, request: LeaseRequest) -> int:
        """Return how many issuing calls of a lease are under way, without those to be refused.

        For questions to the ledger: while one is asked, no call is half decided. Raises
        KMSError ``lease.not.found``.
        """
        account = await self._ledger.account(request.lease_id)
        key = (request.origin, request.lease_id)
        undecided = [
            call.place
            for call in (*self._in_turn, *self._waiting)
            if (call.request.origin, call.request.lease_id) == key
            and isinstance(call.request, IssueRequest)
            and not call.reply.done()
        ]
        limit = account.lease.record.quotas.burst_sends
        return self._places.count(key, undecided, limit=limit)

    async def _enqueue(self, request: CountedRequest, place: Place) -> Sequence[Token]:
        call = _Call(request, place, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_waiting())
        return await call.reply

    async def _commit_waiting(self) -> None:
        while self._waiting:
            calls = self._waiting[:_MAX_CALLS_PER_COMMIT]
            del self._waiting[:_MAX_CALLS_PER_COMMIT]
            self._in_turn = calls
            error = await _failure_of(self._commit(calls))
            if error is not None:
                # Nothing was written, so nothing was issued; what was counted in memory
                # for it must go.
                self._ledger.forget()
                self._context.journal.forget()
                # What came after the answers takes none back, and keeps nobody waiting.
                for call in calls:
                    if not call.reply.done():
                        call.reply.set_exception(error)
        self._in_turn = ()

    async def _commit(self, calls: Sequence[_Call]) -> None:
        due, decided_ms = Due(), 0

        async def plan(now_ms: int) -> Change:
            nonlocal due, decided_ms
            suspended = await self._decide_and_sign(calls, now_ms)
            refusals = [
                Refusal(call.request.lease_id, call.request.origin, call.outcome.code)
                for call in calls
                if isinstance(call.outcome, KMSError)
            ]
            due, decided_ms = await self._refusals.due(refusals, now_ms=now_ms), now_ms
            return self._change(calls, await self._suspensions(suspended), due, now_ms)

        entries = iter(await self._context.journal.commit(plan, from_memory=True))
        for call in calls:
            if isinstance(call.outcome, Granted):
                call.reply.set_result(make_tokens(call.jwts, call.outcome, entries))
                self._announce(call.outcome)
            elif call.outcome is not None:
                call.reply.set_exception(call.outcome)
        # Every call has its answer; a count that cannot be written changes none.
        with contextlib.suppress(StorageError):
            await self._refusals.count(due.others, now_ms=decided_ms)

    async def _decide_and_sign(
        self, calls: Sequence[_Call], now_ms: int
    ) -> Mapping[str, LeaseRecord]:
        """Give every call its outcome; return the leases that this suspended."""
        failed: dict[str, Exception] = {}
        while True:
            self._ledger.begin(now_ms)
            for call in calls:
                call.place.undo()
            suspended: dict[str, LeaseRecord] = {}
            nonces: set[Address] = set()
            for call in calls:
                error = failed.get(call.request.lease_id)
                call.outcome = error or await self._decide(call, now_ms, nonces, suspended)
            failing = await self._sign(calls)
            if not failing:
                return suspended
            # Counted, and not signed: decided anew without them.
            failed |= failing
            self._ledger.forget()

    async def _decide(
        self,
        call: _Call,
        now_ms: int,
        nonces: set[Address],
        suspended: dict[str, LeaseRecord],
    ) -> Granted | KMSError:
        lease_id = call.request.lease_id
        try:
            return await decide(
                self._context,
                self._ledger,
                call.request,
                place=call.place,
                nonces=nonces,
                now_ms=now_ms,
            )
        except KMSError as refusal:
            if not is_quotas(refusal):
                return refusal
            account = await self._ledger.account(lease_id)
            clock_ms = self._context.clock.now_ms()
            told = refusal
            if is_violation(refusal):
                standing = account.book.standing.violated(now_ms)
                account.book.stand(standing)
                if standing.is_suspended(now_ms):
                    suspended[lease_id] = account.lease.record
                    told = with_rest(refusal, standing, clock_ms=clock_ms)
            return within_lease(told, call.request, account, clock_ms=clock_ms)

    async def _sign(self, calls: Sequence[_Call]) -> Mapping[str, Exception]:
        """Sign what was granted, a lease at a time, all at once; return the errors by lease."""
        by_lease: dict[str, list[tuple[_Call, Granted]]] = {}
        for call in calls:
            if isinstance(call.outcome, Granted) and call.outcome.claims:
                by_lease.setdefault(call.request.lease_id, []).append((call, call.outcome))
        work = [_failure_of(self._sign_for_lease(granted)) for granted in by_lease.values()]
        # Tasks of their own cost turns of the event loop, and mostly there is one lease.
        failures = [await work[0]] if len(work) == 1 else await asyncio.gather(*work)
        return {
            lease_id: failure
            for lease_id, failure in zip(by_lease, failures, strict=True)
            if failure is not None
        }

    async def _sign_for_lease(self, granted: Sequence[tuple[_Call, Granted]]) -> None:
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

    async def _suspensions(self, suspended: Mapping[str, LeaseRecord]) -> Sequence[SignedDraft]:
        if not suspended:
            return ()
        instance = await read_instance(self._context.storage)
        drafts: list[SignedDraft] = []
        for lease in suspended.values():
            account = await self._ledger.account(lease.lease_id)
            draft = EntryDraft(
                op="lease.suspend",
                request_id=self._context.crypto.random_uuid(),
                kid=lease.kid,
                user_id=lease.user_id,
                origin=lease.origin,
                lease_id=lease.lease_id,
                details={"reason": "violations", "until": account.book.standing.suspended_until},
            )
            drafts.append(instance_draft(instance, draft))
        return drafts

    def _change(
        self, calls: Sequence[_Call], suspensions: Sequence[SignedDraft], refused: Due, now_ms: int
    ) -> Change:
        granted = [call.outcome for call in calls if isinstance(call.outcome, Granted)]
        tokens = [(outcome, claims) for outcome in granted for claims in outcome.claims]
        proofs = [outcome.proof for outcome in granted if outcome.proof is not None]
        books = self._ledger.take_changed_books()
        # Before the writes: they count the revision that the commit makes.
        rests_on = [book.expectation() for book in books]
        writes = [book.take_writes(now_ms=now_ms) for book in books]
        leases = {outcome.lease.record.lease_id: outcome for outcome in granted}
        return Change(
            drafts=[
                *(draft for outcome in granted for draft in token_drafts(outcome, self._context)),
                *suspensions,
                *refused.drafts,
            ],
            expectations=[
                *(named for lease_id in leases for named in self._ledger.expectations(lease_id)),
                *rests_on,
                *(Expectation(token_address(claims.jti), ABSENT) for _, claims in tokens),
                *(proof.expectation() for proof in proofs),
                *refused.expectations,
            ],
            puts=[
                *(put for puts, _ in writes for put in puts),
                *(token_put(outcome, claims) for outcome, claims in tokens),
                *(proof.put() for proof in proofs),
                *refused.puts,
            ],
            deletes=[delete for _, deletes in writes for delete in deletes],
        )

    def _announce(self, granted: Granted) -> None:
        record = granted.lease.record
        for usage in granted.usages:
            for alert in usage.alerts():
                self._context.events.emit(
                    "quota.alert",
                    {
                        **attrs.asdict(alert),
                        "leaseId": record.lease_id,
                        "userId": record.user_id,
                        "relayId": granted.request.relay_id,
                    },
                    origin=record.origin,
                )


async def _failure_of(work: Awaitable[None]) -> Exception | None:
    """Return what ``work`` raised: whatever it is becomes the reply of its calls."""
    try:
        await work
    except Exception as error:
        return error
    return None
