"""What a call counts against, and what comes of it: a grant, a refusal, an alert.

=============================  ============================  =======  ===================
quota                          counts                        window   of
=============================  ============================  =======  ===================
``tokensPerHour``              every token                   1 h      lease
``sendsPerMinute``             sends                         60 s     lease
``sendsPerMinutePerEid``       sends                         60 s     endpoint of a lease
``perUserPerDay``              sends                         24 h     origin and user
``perRelayPerHour``            sends                         1 h      origin and relay
=============================  ============================  =======  ===================

A single token is asked for in order to send: it counts as one send. Tokens of a batch
count as tokens only, and their use through ``recordSends``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from kms_enclave.config import QuotaConfig
from kms_enclave.errors import QUOTA_MESSAGES, KMSError
from kms_enclave.leases.book import Book
from kms_enclave.leases.lease import LeaseRecord
from kms_enclave.leases.quota import Decision, Quota

__all__ = [
    "Alert",
    "Charge",
    "Usage",
    "burst_refusal",
    "decide_all",
    "eid_quota",
    "relay_quota",
    "sends_quota",
    "tokens_quota",
    "user_quota",
]

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS


@attrs.frozen
class Charge:
    """``count`` against a quota of a book.

    ``code`` is the refusal's; a charge that is not ``enforced`` is counted and never refused.
    ``alerts`` are the percentages of the limit that are announced when they are reached, and
    ``of`` names on the wire whose quota it is, for a refusal's details.
    """

    book: Book
    quota: Quota
    count: int
    code: str
    enforced: bool = True
    alerts: tuple[int, ...] = ()
    of: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Alert:
    """A percentage of a cap that a grant has reached; ``used`` counts that grant."""

    scope: str
    percent: int
    used: int
    limit: int


@attrs.frozen
class Usage:
    """A charge with what its window held before."""

    charge: Charge
    used_before: int

    @property
    def used(self) -> int:
        """What the window holds with this charge."""
        return self.used_before + self.charge.count

    def grant(self, *, now_ms: int) -> None:
        """Count the charge."""
        self.charge.book.grant(self.charge.quota, self.charge.count, now_ms=now_ms)

    def alerts(self) -> Sequence[Alert]:
        """Return the percentages that this charge reaches."""
        quota = self.charge.quota
        return [
            Alert(quota.scope, percent, self.used, quota.limit)
            for percent in self.charge.alerts
            if self.used_before * 100 < percent * quota.limit <= self.used * 100
        ]


def tokens_quota(lease: LeaseRecord) -> Quota:
    """Return the quota of a lease's tokens."""
    return Quota("tokensPerHour", "tokens", lease.quotas.tokens_per_hour, _HOUR_MS)


def sends_quota(lease: LeaseRecord) -> Quota:
    """Return the quota of a lease's sends."""
    return Quota("sendsPerMinute", "sends", lease.quotas.sends_per_minute, _MINUTE_MS)


def eid_quota(lease: LeaseRecord, eid: str) -> Quota:
    """Return the quota of sends to an endpoint of a lease."""
    limit = lease.quotas.sends_per_minute_per_eid
    return Quota("sendsPerMinutePerEid", f"eid/{eid}", limit, _MINUTE_MS)


def user_quota(config: QuotaConfig) -> Quota:
    """Return the quota of a user's sends."""
    return Quota("perUserPerDay", "sends", config.per_user_per_day, _DAY_MS)


def relay_quota(config: QuotaConfig) -> Quota:
    """Return the quota of sends through a relay."""
    return Quota("perRelayPerHour", "sends", config.per_relay_per_hour, _HOUR_MS)


async def decide_all(charges: Sequence[Charge], *, now_ms: int, clock_ms: int) -> Sequence[Usage]:
    """Decide every charge; nothing is counted yet.

    Raises KMSError with the code of the first that refuses. Its ``retryAfterMs`` is the moment
    at which *all* would grant, by the clock, which may be behind the time of the log.
    """
    decided = [
        (charge, await charge.book.decide(charge.quota, charge.count, now_ms=now_ms))
        for charge in charges
    ]
    refused = [pair for pair in decided if pair[0].enforced and not pair[1].granted]
    if refused:
        moments = [decision.retry_at_ms for _, decision in refused]
        fits = min(decision.fits for charge, decision in decided if charge.enforced)
        retry_after_ms = None if None in moments else max(filter(None, moments)) - clock_ms
        charge, decision = refused[0]
        raise _refusal(charge, decision, fits=fits, retry_after_ms=retry_after_ms)
    return [Usage(charge, decision.used) for charge, decision in decided]


def burst_refusal(lease: LeaseRecord, *, used: int) -> KMSError:
    """Return the refusal of one call too many at once.

    Waiting has no length of its own: it ends when one of the calls under way is answered.
    """
    return _exceeded(
        "quota.exceeded.lease",
        "burstSends",
        used,
        lease.quotas.burst_sends,
        retry_after_ms=0,
        more={"leaseId": lease.lease_id},
    )


def _refusal(
    charge: Charge, decision: Decision, *, fits: int, retry_after_ms: int | None
) -> KMSError:
    return _exceeded(
        charge.code,
        charge.quota.scope,
        decision.used,
        charge.quota.limit,
        retry_after_ms=retry_after_ms,
        more={"fits": fits, **charge.of},
    )


def _exceeded(
    code: str,
    scope: str,
    used: int,
    limit: int,
    *,
    retry_after_ms: int | None,
    more: Mapping[str, object],
) -> KMSError:
    return KMSError(
        code,
        QUOTA_MESSAGES[scope],
        retry_after_ms=retry_after_ms,
        details={"scope": scope, "used": used, "limit": limit, **more},
    )
