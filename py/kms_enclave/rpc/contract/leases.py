"""Leases and tokens."""

from __future__ import annotations

import attrs

from kms_enclave.rpc.contract.audit import AuditEntry
from kms_enclave.rpc.contract.credentials import Credentials
from kms_enclave.rpc.fields import text

__all__ = [
    "CreateLeaseParams",
    "CreateLeaseResult",
    "Endpoint",
    "IssueParams",
    "IssuedToken",
    "QuotaOverrides",
    "Quotas",
]


@attrs.frozen
class Endpoint:
    """A push endpoint: its URL, the URL's origin, and an ID that the caller chose."""

    url: str = attrs.field(validator=text(2048))
    aud: str = attrs.field(validator=text(2048))
    eid: str = attrs.field(validator=text(64))


@attrs.frozen
class Quotas:
    """The quotas in force for a lease, each at least 1."""

    tokens_per_hour: int
    sends_per_minute: int
    burst_sends: int
    sends_per_minute_per_eid: int


@attrs.frozen
class QuotaOverrides:
    """Quotas a lease asks for; what is left out is the operator's default."""

    tokens_per_hour: int | None = None
    sends_per_minute: int | None = None
    burst_sends: int | None = None
    sends_per_minute_per_eid: int | None = None


@attrs.frozen
class CreateLeaseParams:
    """``ttl_hours`` above 0, at most the operator's cap; ``subs`` 1 to 64, ``eid`` unique."""

    user_id: str = attrs.field(validator=text(128))
    subs: tuple[Endpoint, ...]
    ttl_hours: float
    quotas: QuotaOverrides | None = None
    kid: str | None = attrs.field(default=None, validator=attrs.validators.optional(text(64)))
    credentials: Credentials | None = None


@attrs.frozen
class CreateLeaseResult:
    """``exp`` in milliseconds; ``kid`` is the VAPID key that the lease signs with."""

    lease_id: str
    exp: int
    quotas: Quotas
    kid: str


@attrs.frozen
class IssueParams:
    """``kid``, where given, must be the lease's; ``relay_id`` becomes the claim ``rid``."""

    lease_id: str = attrs.field(validator=text(64))
    endpoint: Endpoint
    kid: str | None = attrs.field(default=None, validator=attrs.validators.optional(text(64)))
    relay_id: str | None = attrs.field(default=None, validator=attrs.validators.optional(text(64)))


@attrs.frozen
class IssuedToken:
    """A VAPID token; ``exp`` and ``nbf`` in Unix *seconds*, as in its claims."""

    jwt: str
    jti: str
    exp: int
    nbf: int
    kid: str
    vapid_public_key: str
    audit_entry: AuditEntry
