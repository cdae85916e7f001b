"""The lease: permission for hours to have tokens of minutes made for some endpoints.

A lease belongs to the parent origin that asked for it and to one VAPID key. Its
record holds a copy of that key under the lease's SessionKEK (which is not stored)
and a signing handle that cannot be exported; see docs/adr/001.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from kms_enclave.codec import DamagedRecordError, format_record, parse_record
from kms_enclave.config import Config, QuotaLimits
from kms_enclave.errors import KMSError
from kms_enclave.fields import text
from kms_enclave.leases.endpoint import endpoint_origin, verify_audience, verify_visible_ascii
from kms_enclave.leases.relay import RelayBinding
from kms_enclave.log.unit_of_work import UnitOfWork
from kms_enclave.ports.crypto import AuditSigningKey, KeyHandle, VapidSigningKey
from kms_enclave.ports.storage import Address, Record
from kms_enclave.structure import FieldError, camel_case, from_json

__all__ = [
    "HOUR_MS",
    "KEPT_FOR_MS",
    "MIN_HOURS",
    "Endpoint",
    "Lease",
    "LeaseRecord",
    "LiveLease",
    "lease_address",
    "lease_not_found",
    "parse_lease",
    "read_lease_in",
    "resolve_quotas",
    "verify_lease_current",
    "verify_live_lease",
    "verify_subs",
    "verify_ttl",
    "without_keys",
    "write_lease",
]

MAX_SUBS: Final = 64
HOUR_MS: Final = 3_600_000
MIN_HOURS: Final = 1 / 3_600
KEPT_FOR_MS: Final = 32 * 24 * HOUR_MS
"""How long what has ended is kept: what a clock that was a month ahead ended is not forgotten."""
_SIGNING: Final = "signing"
_LAK: Final = "lak"


@attrs.frozen
class Endpoint:
    """A push endpoint: its URL, the URL's origin, and an ID that the caller chose."""

    # A secret of the user's; it is never logged.
    url: str = attrs.field(repr=False, validator=text(2048))
    aud: str = attrs.field(validator=text(2048))
    eid: str = attrs.field(validator=text(64))


@from_json
@attrs.frozen
class LeaseRecord:
    """Bytes are base64url, times in milliseconds."""

    lease_id: str
    origin: str
    user_id: str
    subs: tuple[Endpoint, ...]
    ttl_hours: float
    created_at: int
    exp: int
    quotas: QuotaLimits
    kid: str
    vapid_public_key: str
    wrapped_lease_key: str
    wrapped_lease_key_iv: str
    lease_salt: str
    lak_public: str
    lak_delegation_cert: Mapping[str, object]
    label: str | None = None
    revoked_at: int | None = None
    revoked_reason: str | None = None
    ended_at: int | None = None
    relay_binding: RelayBinding | None = None
    proofs_after: int = 0
    """Relay proofs from before this time are refused: their nonces may have been forgotten."""


@attrs.frozen
class Lease:
    """The record with its two handles; a browser may have lost them, revoking deletes them."""

    record: LeaseRecord
    signing_key: VapidSigningKey | None
    audit_key: AuditSigningKey | None
    revision: int


@attrs.frozen
class LiveLease:
    """A lease that its origin may use now."""

    record: LeaseRecord
    signing_key: VapidSigningKey
    audit_key: AuditSigningKey


def without_keys(record: LeaseRecord) -> LeaseRecord:
    """Return the record of a lease that has ended: its key copy is gone."""
    return attrs.evolve(record, wrapped_lease_key="", wrapped_lease_key_iv="", lease_salt="")


def lease_address(lease_id: str) -> Address:
    """Return where a lease's record is."""
    return Address("leases", lease_id)


async def write_lease(unit: UnitOfWork, lease: Lease) -> None:
    """Store a lease with the handles it has.

    One that has ended is kept for 32 days, so that its use is refused by the true reason.
    """
    record = lease.record
    ended = record.revoked_at is not None or record.ended_at is not None
    handles: dict[str, KeyHandle] = {}
    if lease.signing_key is not None:
        handles[_SIGNING] = lease.signing_key
    if lease.audit_key is not None:
        handles[_LAK] = lease.audit_key
    await unit.write(
        lease_address(record.lease_id),
        format_record(record),
        handles=handles,
        expires_ms=record.exp + KEPT_FOR_MS if ended else record.exp,
    )


def parse_lease(stored: Record, *, expected_lease_id: str) -> Lease:
    """Return the lease that a record holds.

    Raises KMSError ``lease.not.found`` where the record is another's or damaged.
    """
    try:
        record = parse_record(stored.value, LeaseRecord)
    except DamagedRecordError:
        raise lease_not_found(expected_lease_id, "The lease's record is damaged") from None
    if record.lease_id != expected_lease_id:
        raise lease_not_found(expected_lease_id, "The lease's record is another lease's")
    signing, lak = stored.handles.get(_SIGNING), stored.handles.get(_LAK)
    return Lease(
        record,
        signing if isinstance(signing, VapidSigningKey) else None,
        lak if isinstance(lak, AuditSigningKey) else None,
        stored.revision,
    )


async def read_lease_in(unit: UnitOfWork, lease_id: str) -> Lease:
    """Return a lease as a unit of work sees it. Raises KMSError ``lease.not.found``."""
    stored = await unit.read(lease_address(lease_id))
    if stored is None:
        raise lease_not_found(lease_id)
    return parse_lease(stored, expected_lease_id=lease_id)


def lease_not_found(lease_id: str, message: str | None = None) -> KMSError:
    """Return the ``lease.not.found`` error that names the lease."""
    return KMSError(
        "lease.not.found",
        message or f"Lease not found: {lease_id}",
        details={"leaseId": lease_id},
    )


def verify_live_lease(
    lease: Lease, *, expected_origin: str, now_ms: int, suspended: bool = False
) -> LiveLease:
    """Return the lease with its keys, if this origin may use it now.

    Raises KMSError ``origin.denied``, ``lease.revoked``, ``lease.suspended``,
    ``lease.expired`` or ``lease.needs.resume``, the first that applies.
    """
    verify_lease_current(lease.record, expected_origin=expected_origin, now_ms=now_ms)
    details = {"leaseId": lease.record.lease_id}
    if suspended:
        raise KMSError("lease.suspended", details=details)
    if lease.signing_key is None or lease.audit_key is None:
        raise KMSError("lease.needs.resume", details=details)
    return LiveLease(lease.record, lease.signing_key, lease.audit_key)


def verify_lease_current(record: LeaseRecord, *, expected_origin: str, now_ms: int) -> None:
    """Raise KMSError unless the lease is this origin's, not revoked and not expired."""
    details = {"leaseId": record.lease_id}
    if record.origin != expected_origin:
        raise KMSError("origin.denied", "The lease belongs to another origin", details=details)
    if record.revoked_at is not None:
        raise KMSError(
            "lease.revoked",
            details={**details, "revokedAt": record.revoked_at, "reason": record.revoked_reason},
        )
    # What has ended stays ended: its keys are gone, even if the clock was set back since.
    if now_ms >= record.exp or record.ended_at is not None:
        raise KMSError("lease.expired", details={**details, "exp": record.exp})


def verify_ttl(ttl_hours: float, *, config: Config) -> int:
    """Return the lease's length in milliseconds. Raises KMSError ``lease.limit``."""
    fault = None
    if not ttl_hours >= MIN_HOURS:
        fault = "Lease TTL must be at least one second"
    elif ttl_hours > config.max_lease_hours:
        fault = f"Lease TTL exceeds maximum of {config.max_lease_hours} hours"
    if fault is not None:
        raise KMSError(
            "lease.limit",
            fault,
            details={
                "field": "ttlHours",
                "minHours": MIN_HOURS,
                "maxHours": config.max_lease_hours,
            },
        )
    return math.ceil(ttl_hours * HOUR_MS)


def verify_subs(subs: Sequence[Endpoint], *, config: Config) -> None:
    """Raise FieldError, ``lease.limit`` or ``aud.mismatch`` unless a lease takes these."""
    if not subs:
        raise FieldError("subs", "must not be empty")
    if len(subs) > MAX_SUBS:
        raise KMSError(
            "lease.limit",
            f"A lease has at most {MAX_SUBS} endpoints",
            details={"field": "subs", "max": MAX_SUBS},
        )
    seen: set[str] = set()
    for index, sub in enumerate(subs):
        field = f"subs[{index}]"
        verify_visible_ascii(sub.eid, field=f"{field}.eid")
        if sub.eid in seen:
            raise FieldError(f"{field}.eid", "stands twice")
        seen.add(sub.eid)
        origin = endpoint_origin(sub.url, field=f"{field}.url", allow_http=config.development)
        verify_audience(aud=sub.aud, expected_origin=origin, eid=sub.eid)


def resolve_quotas(asked: Mapping[str, int], *, config: Config) -> QuotaLimits:
    """Return the default quotas with what a lease asked for. Raises FieldError."""
    for name, value in asked.items():
        ceiling = getattr(config.quotas.ceiling, name)
        if not 1 <= value <= ceiling:
            raise FieldError(f"quotas.{camel_case(name)}", f"must be 1 to {ceiling}")
    return attrs.evolve(config.quotas.default, **asked)
