"""Whether waiting helps: a refusal names no moment at which the lease would be over."""

from __future__ import annotations

from kms_enclave.errors import KMSError
from kms_enclave.issuing.ledger import Account
from kms_enclave.issuing.requests import CountedRequest, IssueRequest
from kms_enclave.leases.token import stagger

__all__ = ["within_lease"]


def within_lease(
    refusal: KMSError, request: CountedRequest, account: Account, *, clock_ms: int
) -> KMSError:
    """Return a quota's refusal; without its wait where the lease does not outlast that.

    The account's standing is what it is after this refusal.
    """
    wait_ms = refusal.retry_after_ms
    if wait_ms is None or _allows(request, account, at_ms=clock_ms + wait_ms):
        return refusal
    return KMSError(refusal.code, refusal.message, retry_after_ms=None, details=refusal.details)


def _allows(request: CountedRequest, account: Account, *, at_ms: int) -> bool:
    """Tell whether the lease is still long enough then: to send, or for every token to live."""
    end_ms = account.lease.record.exp
    if not isinstance(request, IssueRequest):
        return at_ms < end_ms
    lives = stagger(
        request.count,
        issued_at_s=at_ms // 1000,
        ttl_s=account.book.standing.token_ttl_s(at_ms),
        lease_end_s=end_ms // 1000,
    )
    return len(lives) == request.count
