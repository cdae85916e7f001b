"""The operator's configuration: what ``kms.config.json`` may say, checked.

Every field has a meaning that the build and the enclave share. Unknown fields are
refused, so that a misspelt limit cannot silently be the default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from kms_enclave.encoding import parse_json
from kms_enclave.origin import parse_origin
from kms_enclave.structure import FieldError, camel_case, from_json, structure

__all__ = [
    "MAX_QUOTA",
    "QUOTA_PRESETS",
    "Config",
    "QuotaConfig",
    "QuotaLimits",
    "is_loopback_host",
    "parse_config",
]

MAX_LEASE_HOURS_CAP: Final = 720
MAX_LISTED_MINUTES: Final = 1440
MAX_QUOTA: Final = 1_000_000
_MAX_CONTACT_LENGTH: Final = 100
_NOT_IN_CONTACT: Final = frozenset(' "\\')


@attrs.frozen
class QuotaLimits:
    """Tokens or sends that a window grants; each 1 to 1 000 000."""

    tokens_per_hour: int
    sends_per_minute: int
    burst_sends: int
    sends_per_minute_per_eid: int


DEFAULT_QUOTAS: Final = QuotaLimits(
    tokens_per_hour=100, sends_per_minute=10, burst_sends=20, sends_per_minute_per_eid=5
)
CEILING_QUOTAS: Final = QuotaLimits(
    tokens_per_hour=1000, sends_per_minute=600, burst_sends=200, sends_per_minute_per_eid=300
)
QUOTA_PRESETS: Final[Mapping[str, QuotaLimits]] = {
    "conservative": QuotaLimits(
        tokens_per_hour=120, sends_per_minute=60, burst_sends=100, sends_per_minute_per_eid=30
    ),
    "aggressive": QuotaLimits(
        tokens_per_hour=240, sends_per_minute=120, burst_sends=200, sends_per_minute_per_eid=60
    ),
}
"""What a lease may ask for by name; the ceiling holds for them as well."""


@attrs.frozen
class QuotaConfig:
    """``default`` is what a lease gets, ``ceiling`` the most it may ask for."""

    default: QuotaLimits = DEFAULT_QUOTAS
    ceiling: QuotaLimits = CEILING_QUOTAS
    per_user_per_day: int = 5000
    per_relay_per_hour: int = 600
    refuse_relay_over_cap: bool = False


@from_json
@attrs.frozen
class Config:
    """``contact`` is the ``sub`` of every token (RFC 8292 section 2.1).

    ``development`` allows http on loopback hosts, for parent origins and push
    endpoints alike. ``push_services`` are origins; a leading ``*.`` label in the
    host matches one label or more. ``revoked_listed_minutes`` is how long after its expiry a
    revoked token stays on the emergency list.
    """

    parent_origins: tuple[str, ...]
    contact: str
    allow_page_credentials: bool = False
    allow_gate: bool = True
    development: bool = False
    max_lease_hours: int = 24
    revoked_listed_minutes: int = 10
    quotas: QuotaConfig = QuotaConfig()
    push_services: tuple[str, ...] = (
        "https://fcm.googleapis.com",
        "https://updates.push.services.mozilla.com",
        "https://web.push.apple.com",
        "https://api.push.apple.com",
        "https://*.notify.windows.com",
    )


def parse_config(text: str) -> Config:
    """Return the configuration in ``text`` (JSON). Raises FieldError."""
    try:
        value = parse_json(text)
    except ValueError:
        raise FieldError("config", "not JSON") from None
    config = structure(value, Config)
    _verify_config(config)
    return config


def is_loopback_host(host: str) -> bool:
    """Tell whether browsers treat ``host`` as loopback (a secure context without TLS)."""
    return host in ("localhost", "127.0.0.1", "[::1]") or host.endswith(".localhost")


def _verify_config(config: Config) -> None:
    if not config.parent_origins:
        raise FieldError("parentOrigins", "must not be empty")
    for index, origin in enumerate(config.parent_origins):
        _verify_origin(origin, f"parentOrigins[{index}]", development=config.development)
    if not 1 <= config.max_lease_hours <= MAX_LEASE_HOURS_CAP:
        raise FieldError("maxLeaseHours", f"must be 1 to {MAX_LEASE_HOURS_CAP}")
    if not 0 <= config.revoked_listed_minutes <= MAX_LISTED_MINUTES:
        raise FieldError("revokedListedMinutes", f"must be 0 to {MAX_LISTED_MINUTES}")
    _verify_contact(config.contact)
    quotas = config.quotas
    for name in attrs.fields_dict(QuotaLimits):
        default, ceiling = getattr(quotas.default, name), getattr(quotas.ceiling, name)
        if not 1 <= ceiling <= MAX_QUOTA:
            raise FieldError(f"quotas.ceiling.{camel_case(name)}", f"must be 1 to {MAX_QUOTA}")
        if not 1 <= default <= ceiling:
            raise FieldError(f"quotas.default.{camel_case(name)}", "must be 1 to the ceiling")
    for name, cap in (
        ("perUserPerDay", quotas.per_user_per_day),
        ("perRelayPerHour", quotas.per_relay_per_hour),
    ):
        if cap < 1:
            raise FieldError(f"quotas.{name}", "must be at least 1")


def _verify_origin(text: str, field: str, *, development: bool) -> None:
    try:
        origin = parse_origin(text)
    except ValueError as error:
        raise FieldError(field, f"must be an origin: {error}") from None
    if str(origin) != text:
        raise FieldError(field, f"must be an origin as browsers spell it: {origin}")
    if origin.scheme == "http" and not (development and is_loopback_host(origin.host)):
        raise FieldError(field, "must be https")


def _verify_contact(contact: str) -> None:
    scheme, _, rest = contact.partition(":")
    printable = contact.isascii() and contact.isprintable()
    plain = printable and _NOT_IN_CONTACT.isdisjoint(contact)
    well_formed = scheme in ("mailto", "https") and rest and plain
    if not well_formed or len(contact) > _MAX_CONTACT_LENGTH:
        raise FieldError(
            "contact",
            f"must be a mailto: or https: URL of at most {_MAX_CONTACT_LENGTH} characters",
        )
