"""The one error that crosses the wire, and every code that it can carry.

A code is stable, dotted and lower case; programs decide by it. The message is
for people and may change. ``details`` never holds a secret, and a stack never
crosses. ``docs/errors.md`` is generated from :data:`ERROR_CODES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["ERROR_CODES", "QUOTA_MESSAGES", "KMSError", "request_invalid", "storage_failed"]

QUOTA_MESSAGES: Final[Mapping[str, str]] = {
    "tokensPerHour": "Quota exceeded: tokens per hour",
    "sendsPerMinute": "Quota exceeded: sends per minute",
    "burstSends": "Quota exceeded: calls at once",
    "sendsPerMinutePerEid": "Quota exceeded: sends per minute of this endpoint",
    "perUserPerDay": "Quota exceeded: sends per day of this user",
    "perRelayPerHour": "Quota exceeded: sends per hour of this relay",
}
"""By the quota's name on the wire, which is ``details.scope``; the first three have one code."""

ERROR_CODES: Final[Mapping[str, str]] = {
    "quota.exceeded.lease": QUOTA_MESSAGES["tokensPerHour"],
    "quota.exceeded.endpoint": QUOTA_MESSAGES["sendsPerMinutePerEid"],
    "quota.exceeded.user": QUOTA_MESSAGES["perUserPerDay"],
    "quota.exceeded.relay": QUOTA_MESSAGES["perRelayPerHour"],
    "quota.suspended": "Lease suspended due to abuse",
    "lease.expired": "Lease expired",
    "lease.not.found": "Lease not found",
    "lease.revoked": "Lease was revoked",
    "lease.suspended": "Leases of this user are suspended",
    "lease.needs.resume": "The lease's signing handle is lost; resume the lease",
    "lease.limit": "Beyond what a lease allows",
    "relay.proof.invalid": "The relay's proof is missing or not valid",
    "endpoint.not.in.lease": "Endpoint not authorized for this lease",
    "eid.unknown": "Endpoint ID not recognized",
    "aud.mismatch": "Audience is not the endpoint's origin",
    "unlock.denied": "Invalid passphrase",
    "unlock.cancelled": "The user cancelled",
    "unlock.throttled": "Too many attempts; wait before the next",
    "enrollment.exists": "An enrollment exists already",
    "enrollment.last": "Cannot remove the last enrollment (would lock user out)",
    "enrollment.not.found": "No such enrollment",
    "enrollment.damaged": "Decryption failed",
    "setup.required": "KMS is not set up",
    "key.not.found": "Key not found",
    "jti.collision": "Token ID already issued",
    "clock.skew": "The clock is behind the log",
    "request.invalid": "The request is not valid",
    "method.unknown": "No such method",
    "request.too.large": "The request is too large",
    "origin.denied": "Not allowed for this origin",
    "integrity.failed": "The code that was loaded is not the code that was built",
    "attestation.failed": "The enclave failed its own checks and is locked",
    "audit.rollback": "The audit log does not go on from what was seen of it before",
    "storage.blocked": "The browser blocks storage for this embedded page:"
    " allow third-party storage for the enclave's site",
    "storage.unavailable": "Storage cannot be used",
    "storage.full": "Storage is full",
    "storage.evicted": "The browser removed what the enclave had stored:"
    " its keys, leases and log are gone. init() finds an empty enclave",
    "storage.newer": "The stored data belongs to a newer version",
    "unsupported": "This browser lacks a capability",
    "channel.not.initialized": "KMS not initialized. Call init() first.",
    "channel.timeout": "Request timeout",
    "channel.closed": "The channel is closed",
    "internal": "Unexpected error",
}
"""Every code, with the message it has unless a better one is given."""


class KMSError(Exception):
    """A refusal with a stable code.

    ``retry_after_ms`` is the time after which the same call would be granted if
    nothing else happened, or ``None`` where waiting does not help.
    """

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        retry_after_ms: int | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        if code not in ERROR_CODES:
            raise ValueError(f"unknown error code {code!r}")
        super().__init__(message or ERROR_CODES[code])
        self.code = code
        self.retry_after_ms = retry_after_ms
        self.details: dict[str, object] = dict(details or {})

    @property
    def message(self) -> str:
        """The words for people."""
        return str(self.args[0])

    def to_wire(self) -> dict[str, object]:
        """Return ``{code, message, retryAfterMs, details}``."""
        return {
            "code": self.code,
            "message": self.message,
            "retryAfterMs": self.retry_after_ms,
            "details": self.details,
        }


def storage_failed(failure: str, reason: str) -> KMSError:
    """Return ``storage.<failure>`` with what to do, and what storage said."""
    code = f"storage.{failure}"
    return KMSError(code, f"{ERROR_CODES[code]} ({reason})" if reason else None)


def request_invalid(
    field: str, reason: str, *, message: str | None = None, **more: object
) -> KMSError:
    """Return the ``request.invalid`` error that names the field and says why.

    ``more`` are further details, by their names on the wire.
    """
    return KMSError(
        "request.invalid",
        message or f"{field}: {reason}",
        details={"field": field, "reason": reason, **more},
    )
