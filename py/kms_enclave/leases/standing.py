"""How a lease stands after refused calls: shorter tokens first, then an hour of rest.

Each call refused for a quota is a violation. Within an hour the fourth halves the life
of new tokens, the fifth brings it to its floor, the eleventh suspends the lease for an
hour. Calls while it is suspended are no violations: what is written stays bounded.
"""

from __future__ import annotations

from typing import Final

import attrs

from kms_enclave.errors import KMSError

__all__ = ["SPOTLESS", "Standing", "verify_standing", "with_rest"]

_SUSPENDED_FOR_MS: Final = 3_600_000
_REMEMBERED_FOR_MS: Final = 3_600_000
_SUSPENDING: Final = 11
_TTL_S: Final = 900
_HALVED_TTL_S: Final = 450
_LEAST_TTL_S: Final = 300
_HALVING: Final = 4


@attrs.frozen
class Standing:
    """``violations`` are times, ``suspended_until`` one or 0, all in milliseconds."""

    violations: tuple[int, ...]
    suspended_until: int

    def token_ttl_s(self, now_ms: int) -> int:
        """Return how long a token made now lives, in seconds."""
        count = len(self._counting(now_ms))
        if count < _HALVING:
            return _TTL_S
        return _HALVED_TTL_S if count == _HALVING else _LEAST_TTL_S

    def is_suspended(self, now_ms: int) -> bool:
        """Tell whether the lease rests."""
        return now_ms < self.suspended_until

    def violated(self, now_ms: int) -> Standing:
        """Return the standing after one more violation."""
        violations = (*self._counting(now_ms), now_ms)
        suspends = len(violations) >= _SUSPENDING
        return Standing(violations, now_ms + _SUSPENDED_FOR_MS if suspends else 0)

    def restamped(self, *, last_ms: int, now_ms: int) -> Standing:
        """Return the standing as it stood at ``last_ms``, for a clock that now says ``now_ms``."""
        rest_ms = max(self.suspended_until - last_ms, 0)
        counting = self._counting(last_ms)
        return Standing((now_ms,) * len(counting), now_ms + rest_ms if rest_ms else 0)

    def _counting(self, now_ms: int) -> tuple[int, ...]:
        return tuple(time for time in self.violations if time > now_ms - _REMEMBERED_FOR_MS)


SPOTLESS: Final = Standing((), 0)
"""How a lease stands at first."""


def verify_standing(standing: Standing, *, now_ms: int, clock_ms: int) -> None:
    """Raise KMSError ``quota.suspended`` while a lease rests.

    ``now_ms`` is the time of the log; the caller waits by its clock, ``clock_ms``.
    """
    if standing.is_suspended(now_ms):
        until = standing.suspended_until
        raise KMSError(
            "quota.suspended", retry_after_ms=until - clock_ms, details={"suspendedUntil": until}
        )


def with_rest(refusal: KMSError, standing: Standing, *, clock_ms: int) -> KMSError:
    """Return the refusal that made a lease rest; whoever waits for the quota waits for that too."""
    if refusal.retry_after_ms is None:
        return refusal
    return KMSError(
        refusal.code,
        refusal.message,
        retry_after_ms=max(refusal.retry_after_ms, standing.suspended_until - clock_ms),
        details=refusal.details,
    )
