"""What a lease may still do: every quota that applies to it, read from storage."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from kms_enclave.config import QuotaConfig
from kms_enclave.context import Context
from kms_enclave.issuing.charges import (
    eid_quota,
    relay_quota,
    sends_quota,
    tokens_quota,
    user_quota,
)
from kms_enclave.issuing.decision import verify_eid, verify_usable
from kms_enclave.issuing.ledger import Account, Ledger
from kms_enclave.issuing.requests import LeaseRequest
from kms_enclave.leases.book import Book
from kms_enclave.leases.quota import Quota
from kms_enclave.leases.relay import bind_relay
from kms_enclave.log.skew import verify_clock

__all__ = ["LeaseUsage", "QuotaUse", "UsageRequest", "read_usage"]


@attrs.frozen
class UsageRequest(LeaseRequest):
    """Asks for a lease's quotas; of one endpoint's and one relay's too, where named."""

    eid: str | None = None


@attrs.frozen
class QuotaUse:
    """``next_at_ms`` is when this quota would grant one more, ``None`` for now.

    The lease may be over by then, and another quota may refuse.
    """

    limit: int
    used: int
    next_at_ms: int | None


@attrs.frozen
class LeaseUsage:
    """By name on the wire. ``suspended_until`` is a time in milliseconds, ``None`` mostly."""

    quotas: Mapping[str, QuotaUse]
    token_ttl_s: int
    suspended_until: int | None


async def read_usage(
    context: Context, ledger: Ledger, request: UsageRequest, *, in_flight: int, now_ms: int
) -> LeaseUsage:
    """Return what a live lease of this origin has used. Raises KMSError as issuing would.

    A lease that rests after too many refused calls answers too: that is when one asks.
    ``in_flight`` are its issuing calls under way.
    """
    account = await ledger.account(request.lease_id)
    verify_clock(clock_ms=context.clock.now_ms(), now_ms=now_ms)
    record = verify_usable(account, expected_origin=request.origin, now_ms=now_ms).record
    uses = await _uses(context.config.quotas, ledger, account, request, now_ms)
    uses["burstSends"] = QuotaUse(record.quotas.burst_sends, in_flight, None)
    standing = account.book.standing
    suspended_until = standing.suspended_until if standing.is_suspended(now_ms) else None
    if suspended_until is not None:
        uses = {scope: _after_rest(use, suspended_until) for scope, use in uses.items()}
    return LeaseUsage(
        quotas=uses,
        token_ttl_s=standing.token_ttl_s(now_ms),
        suspended_until=suspended_until,
    )


async def _uses(
    config: QuotaConfig, ledger: Ledger, account: Account, request: UsageRequest, now_ms: int
) -> dict[str, QuotaUse]:
    """Return the use of each window that counts for the request, by the quota's name."""
    record, book = account.lease.record, account.book
    counted: list[tuple[Book, Quota]] = [
        (book, tokens_quota(record)),
        (book, sends_quota(record)),
        (account.user_book, user_quota(config)),
    ]
    if request.eid is not None:
        verify_eid(request.eid, lease=record)
        counted.append((book, eid_quota(record, request.eid)))
    uses = {quota.scope: await _use(book, quota, now_ms) for book, quota in counted}
    relay_id = bind_relay(record.relay_binding, asked=request.relay_id)
    if relay_id is not None:
        quota = relay_quota(config)
        use = await _use(await ledger.relay_book(request.origin, relay_id), quota, now_ms)
        refuses = config.refuse_relay_over_cap
        uses[quota.scope] = use if refuses else attrs.evolve(use, next_at_ms=None)
    return uses


async def _use(book: Book, quota: Quota, now_ms: int) -> QuotaUse:
    decision = await book.decide(quota, 1, now_ms=now_ms)
    return QuotaUse(quota.limit, decision.used, decision.retry_at_ms)


def _after_rest(use: QuotaUse, suspended_until: int) -> QuotaUse:
    return attrs.evolve(use, next_at_ms=max(use.next_at_ms or 0, suspended_until))
