"""Leases and tokens."""

from __future__ import annotations

from typing import Literal

import attrs

from kms_enclave.fields import line, text
from kms_enclave.leases.lease import Endpoint
from kms_enclave.leases.relay import RelayBinding, RelayProof
from kms_enclave.rpc.contract.audit import AuditDelegationCert, AuditEntry
from kms_enclave.rpc.contract.credentials import Credentials

__all__ = [
    "CreateLeaseParams",
    "CreateLeaseResult",
    "Endpoint",
    "ExtendLeaseParams",
    "GetLeasesResult",
    "GetQuotaParams",
    "GetQuotaResult",
    "IsTokenRevokedResult",
    "IssueManyParams",
    "IssueParams",
    "IssuedToken",
    "IssuedTokens",
    "LeaseEnd",
    "LeaseIdParams",
    "LeaseInfo",
    "LeaseParams",
    "PatternParams",
    "QuotaOverrides",
    "QuotaPreset",
    "QuotaState",
    "Quotas",
    "RecordSendsParams",
    "RecordSendsResult",
    "RelayBinding",
    "RelayProof",
    "RevokeAllLeasesResult",
    "RevokeLeaseResult",
    "RevokedTokenInfo",
    "RevokedTokensResult",
    "TokenIdParams",
    "VerifyLeaseResult",
]


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


QuotaPreset = Literal["conservative", "aggressive"]
"""Names of ``config.QUOTA_PRESETS``."""


@attrs.frozen
class CreateLeaseParams:
    """``ttl_hours`` a second to the operator's cap; ``subs`` 1 to 64, ``eid`` unique.

    ``quotas``: ``conservative`` is 120 tokens an hour, 60 sends a minute, 30 of them for one
    endpoint, 100 calls at once; ``aggressive`` 240, 120, 60 and 200.
    A lease with a ``relay_binding`` issues only with that relay's proof, call by call.
    """

    user_id: str = attrs.field(validator=line(128))
    subs: tuple[Endpoint, ...]
    ttl_hours: float
    quotas: QuotaPreset | QuotaOverrides | None = None
    kid: str | None = attrs.field(default=None, validator=attrs.validators.optional(text(64)))
    label: str | None = attrs.field(default=None, validator=attrs.validators.optional(line(128)))
    relay_binding: RelayBinding | None = None
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
    """``kid``, where given, must be the lease's; ``relay_id`` becomes the claim ``rid``.

    A bound lease needs ``relay_proof``; its ``rid`` is the relay's key thumbprint.
    """

    lease_id: str = attrs.field(validator=text(64))
    endpoint: Endpoint
    kid: str | None = attrs.field(default=None, validator=attrs.validators.optional(text(64)))
    relay_id: str | None = attrs.field(default=None, validator=attrs.validators.optional(text(64)))
    relay_proof: RelayProof | None = None


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


@attrs.frozen
class IssueManyParams:
    """``count`` 1 to 10, all or none; each token takes over when its predecessor is at 60 %."""

    lease_id: str = attrs.field(validator=text(64))
    endpoint: Endpoint
    count: int
    kid: str | None = attrs.field(default=None, validator=attrs.validators.optional(text(64)))
    relay_id: str | None = attrs.field(default=None, validator=attrs.validators.optional(text(64)))
    relay_proof: RelayProof | None = None


@attrs.frozen
class IssuedTokens:
    """In order of ``nbf``. ``KMSUser`` returns the list itself."""

    tokens: tuple[IssuedToken, ...]


@attrs.frozen
class RecordSendsParams:
    """Sends about to be made with tokens of a batch: ``count`` 1 or more, all or none.

    ``relay_id`` where they go through a relay.
    """

    lease_id: str = attrs.field(validator=text(64))
    eid: str = attrs.field(validator=text(64))
    count: int
    relay_id: str | None = attrs.field(default=None, validator=attrs.validators.optional(text(64)))


@attrs.frozen
class RecordSendsResult:
    """How many sends were counted: as many as were asked for."""

    accepted: int


@attrs.frozen
class GetQuotaParams:
    """``eid`` and ``relay_id`` for what is counted by endpoint and by relay."""

    lease_id: str = attrs.field(validator=text(64))
    eid: str | None = attrs.field(default=None, validator=attrs.validators.optional(text(64)))
    relay_id: str | None = attrs.field(default=None, validator=attrs.validators.optional(text(64)))


@attrs.frozen
class QuotaState:
    """``next_at_ms`` is when this quota would grant one more; null where it would now.

    Another quota may refuse the call, and the lease may be over by then: in its last minute it
    issues no token. Of ``burst_sends`` it is null also where all are under way, since nobody
    knows when one is answered.
    """

    limit: int
    used: int
    next_at_ms: int | None


@attrs.frozen
class GetQuotaResult:
    """Every quota that applies to a lease.

    ``token_ttl_s`` is how many *seconds* a token made now lives; ``suspended_until`` in
    milliseconds, null unless the lease rests after too many refused calls.
    """

    tokens_per_hour: QuotaState
    sends_per_minute: QuotaState
    burst_sends: QuotaState
    per_user_per_day: QuotaState
    token_ttl_s: int
    suspended_until: int | None
    sends_per_minute_per_eid: QuotaState | None = None
    per_relay_per_hour: QuotaState | None = None


@attrs.frozen
class ExtendLeaseParams:
    """``add_hours``: a second or more; the end stays within the cap, counted from the creation."""

    lease_id: str = attrs.field(validator=text(64))
    add_hours: float
    credentials: Credentials | None = None


@attrs.frozen
class LeaseParams:
    """A lease, and what authenticates; without credentials the enclave asks."""

    lease_id: str = attrs.field(validator=text(64))
    credentials: Credentials | None = None


@attrs.frozen
class LeaseEnd:
    """The lease's end in milliseconds."""

    exp: int


@attrs.frozen
class LeaseIdParams:
    """A lease of this origin."""

    lease_id: str = attrs.field(validator=text(64))


@attrs.frozen
class RevokeLeaseResult:
    """``effective_at`` in milliseconds; a second revocation returns the first one's."""

    status: Literal["revoked"]
    effective_at: int


@attrs.frozen
class RevokeAllLeasesResult:
    """The ids of the leases that this call revoked."""

    revoked: tuple[str, ...]


@attrs.frozen
class LeaseInfo:
    """A lease as its origin sees it; no key, salt or handle. Times in milliseconds.

    ``ttl_hours`` is what it was created for, ``exp`` its end with every extension.
    ``lak_delegation_cert`` is the User Audit Key's word for the key that signs its entries.
    """

    lease_id: str
    user_id: str
    kid: str
    subs: tuple[Endpoint, ...]
    ttl_hours: float
    created_at: int
    exp: int
    quotas: Quotas
    state: Literal["active", "suspended", "needs-resume", "expired", "revoked"]
    lak_delegation_cert: AuditDelegationCert
    label: str | None = None
    revoked_at: int | None = None
    relay_binding: RelayBinding | None = None


@attrs.frozen
class GetLeasesResult:
    """This origin's leases; ended ones are listed for 32 days."""

    leases: tuple[LeaseInfo, ...]


@attrs.frozen
class VerifyLeaseResult:
    """``reason`` is the code with which issuing would be refused."""

    lease_id: str
    valid: bool
    kid: str | None
    exp: int | None
    reason: str | None = None


@attrs.frozen
class PatternParams:
    """A glob over ``userId``: ``*`` for any characters, ``?`` for one."""

    user_id_pattern: str = attrs.field(validator=line(128))
    credentials: Credentials | None = None


@attrs.frozen
class TokenIdParams:
    """A token's ``jti``."""

    jti: str = attrs.field(validator=text(64))


@attrs.frozen
class IsTokenRevokedResult:
    """True for a token of a revoked lease of this origin, until some minutes after its expiry."""

    revoked: bool


@attrs.frozen
class RevokedTokenInfo:
    """``exp`` in Unix seconds, ``revoked_at`` in milliseconds; ``rid`` is the relay's name."""

    jti: str
    lease_id: str
    exp: int
    revoked_at: int
    rid: str | None = None


@attrs.frozen
class RevokedTokensResult:
    """The emergency list of this origin."""

    tokens: tuple[RevokedTokenInfo, ...]
