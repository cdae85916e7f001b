"""Every method of the enclave: its parameters and its result, declared once.

``web/protocol/contract.gen.ts`` is generated from this file, and requests are
refused against it before any handler runs. Durations and times carry their unit
in the docstring: a token's ``exp`` and ``nbf`` are Unix *seconds* (they mirror the
claims), every other time is Unix *milliseconds*.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import attrs

from kms_enclave.rpc.fields import text

__all__ = ["METHODS", "Method"]


@attrs.frozen
class Empty:
    """No parameters."""


@attrs.frozen
class PassphraseCredentials:
    """What unlocks a passphrase enrollment: the passphrase, 8 to 1024 characters."""

    method: Literal["passphrase"]
    passphrase: str = attrs.field(repr=False, validator=text(4096, empty=True))


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
class AuditDelegationCert:
    """The User Audit Key's word that another key may sign entries; times in milliseconds."""

    type: Literal["audit-delegation"]
    version: Literal[1]
    signer_kind: Literal["LAK", "KIAK"]
    delegate_pub: str
    scope: tuple[str, ...]
    not_before: int
    not_after: int | None
    code_hash: str
    manifest_hash: str
    kms_version: str
    sig: str
    lease_id: str | None = None
    instance_id: str | None = None


@attrs.frozen
class AuditEntry:
    """One entry of the audit log (``docs/spec/audit.md``); times in milliseconds."""

    kms_version: Literal[2]
    seq_num: int
    timestamp: int
    op: str
    kid: str
    request_id: str
    previous_hash: str
    chain_hash: str
    signer: Literal["UAK", "LAK", "KIAK"]
    signer_id: str
    sig: str
    user_id: str | None = None
    origin: str | None = None
    lease_id: str | None = None
    unlock_time: int | None = None
    lock_time: int | None = None
    duration: int | None = None
    details: Mapping[str, object] | None = None
    cert: AuditDelegationCert | None = None


@attrs.frozen
class SetupPassphraseParams:
    """``passphrase`` 8 to 1024 characters; without it the enclave asks the user itself."""

    passphrase: str | None = attrs.field(
        default=None, repr=False, validator=attrs.validators.optional(text(4096, empty=True))
    )


@attrs.frozen
class SetupResult:
    """``vapid_public_key`` is base64url of the 65-byte uncompressed point."""

    success: Literal[True]
    enrollment_id: str
    vapid_public_key: str
    vapid_kid: str


@attrs.frozen
class IsSetupResult:
    """``methods`` are generic: ``passphrase``, ``passkey``."""

    is_setup: bool
    methods: tuple[str, ...]


@attrs.frozen
class StatusResult:
    """How the enclave is; ``audit_entries`` counts the log, ``reason`` says why it is locked."""

    state: Literal["ready", "locked"]
    version: str
    code_hash: str
    manifest_hash: str
    instance_id: str | None
    is_setup: bool
    vapid_kid: str | None
    audit_entries: int
    now: int
    reason: str | None = None


@attrs.frozen
class GetPublicKeyParams:
    """``kid`` is the key's RFC 7638 thumbprint; without it, the current key."""

    kid: str | None = attrs.field(default=None, validator=attrs.validators.optional(text(64)))


@attrs.frozen
class GetPublicKeyResult:
    """base64url of the 65-byte uncompressed P-256 point."""

    public_key: str


@attrs.frozen
class CreateLeaseParams:
    """``ttl_hours`` above 0, at most the operator's cap; ``subs`` 1 to 64, ``eid`` unique."""

    user_id: str = attrs.field(validator=text(128))
    subs: tuple[Endpoint, ...]
    ttl_hours: float
    quotas: QuotaOverrides | None = None
    credentials: PassphraseCredentials | None = None


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


@attrs.frozen
class GetAuditLogParams:
    """Entries from ``seqNum`` ``from`` on, at most ``limit`` (1 to 500, 500 unless given)."""

    from_: int = 0
    limit: int = 500


@attrs.frozen
class GetAuditLogResult:
    """``next`` is where the following page starts, or null after the last."""

    entries: tuple[AuditEntry, ...]
    next: int | None


@attrs.frozen
class AuditFault:
    """The first bad entry and what is wrong with it; ``seq_num`` -1: the log as a whole."""

    seq_num: int
    reason: str


@attrs.frozen
class AuditHead:
    """The last entry's number and hash."""

    seq_num: int
    chain_hash: str


@attrs.frozen
class VerifyAuditChainResult:
    """``entries`` counts what was verified; ``head`` is the last good entry."""

    valid: bool
    entries: int
    errors: tuple[AuditFault, ...]
    head: AuditHead | None


@attrs.frozen
class ResetParams:
    """Without credentials the user confirms in the enclave's own dialog."""

    credentials: PassphraseCredentials | None = None


@attrs.frozen
class ResetResult:
    """``checkpoint`` is the head of the ended log; null where a locked enclave was reset."""

    success: Literal[True]
    checkpoint: AuditHead | None


@attrs.frozen
class Method:
    """The classes of a method's parameters and result."""

    params: type
    result: type


METHODS: Final[Mapping[str, Method]] = {
    "setupPassphrase": Method(SetupPassphraseParams, SetupResult),
    "isSetup": Method(Empty, IsSetupResult),
    "getStatus": Method(Empty, StatusResult),
    "getPublicKey": Method(GetPublicKeyParams, GetPublicKeyResult),
    "createLease": Method(CreateLeaseParams, CreateLeaseResult),
    "issueVAPIDJWT": Method(IssueParams, IssuedToken),
    "getAuditLog": Method(GetAuditLogParams, GetAuditLogResult),
    "verifyAuditChain": Method(Empty, VerifyAuditChainResult),
    "resetKMS": Method(ResetParams, ResetResult),
}
