"""What a lease may still do: every quota that applies to it, read from storage."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from kms_enclave.config import QuotaConfig
from kms_enclave.leases.book import Book
from kms_enclave.leases.charges import (
    eid_quota,
    relay_quota,
    sends_quota,
    tokens_quota,
    user_quota,
)
from kms_enclave.leases.decision import verify_eid
from kms_enclave.leases.lease import verify_lease_current
from kms_enclave.leases.ledger import Ledger
from kms_enclave.leases.quota import Quota
from kms_enclave.leases.relay import bind_relay
from kms_enclave.leases.requests import LeaseRequest

__all__ = ["LeaseUsage", "QuotaUse", "UsageRequest", "read_usage"]


@attrs.frozen
class UsageRequest(LeaseRequest):
    """Asks for a lease's quotas; of one endpoint's and one relay's too, where named."""

    eid: str | None = None


@attrs.frozen
class QuotaUse:
    """``next_at_ms`` is when one more would be granted, ``None`` for now."""

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
    ledger: Ledger, request: UsageRequest, *, config: QuotaConfig, in_flight: int, now_ms: int
) -> LeaseUsage:
    """Return what a live lease of this origin has used. Raises KMSError as issuing would.

    A suspended lease answers too: that is when one asks. ``in_flight`` are its issuing calls
    under way.
    """
    account = await ledger.account(request.lease_id)
    record, book = account.lease.record, account.book
    verify_lease_current(record, expected_origin=request.origin, now_ms=now_ms)
    counted: list[tuple[Book, Quota]] = [
        (book, tokens_quota(record)),
        (book, sends_quota(record)),
        (account.user_book, user_quota(config)),
    ]
    if request.eid is not None:
        verify_eid(request.eid, lease=record)
        counted.append((book, eid_quota(record, request.eid)))
    relay_id = bind_relay(record.relay_binding, asked=request.relay_id)
    if relay_id is not None:
        relay_book = await ledger.relay_book(request.origin, relay_id)
        counted.append((relay_book, relay_quota(config)))
    uses = {quota.scope: await _use(book, quota, now_ms) for book, quota in counted}
    uses["burstSends"] = QuotaUse(record.quotas.burst_sends, in_flight, None)
    standing = book.standing
    return LeaseUsage(
        quotas=uses,
        token_ttl_s=standing.token_ttl_s(now_ms),
        suspended_until=standing.suspended_until if standing.is_suspended(now_ms) else None,
    )


async def _use(book: Book, quota: Quota, now_ms: int) -> QuotaUse:
    decision = await book.decide(quota, 1, now_ms=now_ms)
    return QuotaUse(quota.limit, decision.used, decision.retry_at_ms)
