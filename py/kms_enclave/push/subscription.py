"""Push subscriptions, kept with the VAPID key that they were made for.

A subscription belongs to the parent origin that stored it. Its endpoint is a secret of
the user's: the log names its origin only.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from kms_enclave.codec import DamagedRecordError, format_record, parse_record
from kms_enclave.config import Config
from kms_enclave.fields import text
from kms_enclave.leases.endpoint import endpoint_origin
from kms_enclave.log.unit_of_work import UnitOfWork
from kms_enclave.ports.storage import Address, StoragePort
from kms_enclave.structure import FieldError, from_json
from kms_enclave.unlock.session import Session

__all__ = [
    "PushSubscription",
    "SubscriptionKeys",
    "delete_subscription",
    "drop_subscriptions",
    "read_subscription",
    "subscription_details",
    "verify_subscription",
    "write_subscription",
]

_MAX_OF_A_KEY: Final = 64


@attrs.frozen
class SubscriptionKeys:
    """The user agent's keys (RFC 8291), base64url."""

    p256dh: str = attrs.field(validator=text(128))
    auth: str = attrs.field(validator=text(64))


@from_json
@attrs.frozen
class PushSubscription:
    """As ``PushSubscription.toJSON()`` gives it; ``expiration_time`` in milliseconds."""

    endpoint: str = attrs.field(repr=False, validator=text(2048))
    expiration_time: int | None = None
    keys: SubscriptionKeys | None = None


def verify_subscription(subscription: PushSubscription, *, config: Config) -> str:
    """Return the endpoint's origin. Raises FieldError unless it is of a known push service."""
    field = "subscription.endpoint"
    origin = endpoint_origin(subscription.endpoint, field=field, allow_http=config.development)
    if origin.startswith("https://") and not any(
        _matches(origin, service) for service in config.push_services
    ):
        raise FieldError(field, "is not of a known push service")
    return origin


async def write_subscription(
    unit: UnitOfWork, subscription: PushSubscription, *, kid: str, origin: str
) -> None:
    """Store a subscription for a key and a parent origin."""
    await unit.write(_address(kid, origin), format_record(subscription))


async def delete_subscription(unit: UnitOfWork, *, kid: str, origin: str) -> bool:
    """Delete a subscription; tell whether there was one."""
    if await unit.read(_address(kid, origin)) is None:
        return False
    await unit.delete(_address(kid, origin))
    return True


async def read_subscription(
    storage: StoragePort, *, kid: str, origin: str
) -> PushSubscription | None:
    """Return this origin's subscription of a key, or ``None``."""
    (record,) = await storage.read([_address(kid, origin)])
    if record is None:
        return None
    try:
        return parse_record(record.value, PushSubscription)
    except DamagedRecordError:
        return None


async def drop_subscriptions(session: Session, kid: str) -> None:
    """Delete every origin's subscription of a key."""
    found = await session.context.storage.scan_prefix(
        "meta", prefix=f"subscription:{kid}:", after=None, limit=_MAX_OF_A_KEY
    )
    # Earlier steps of a batch may have written one that the scan does not see.
    own = _address(kid, session.origin)
    for address in {own, *(Address("meta", key) for key, _ in found)}:
        await session.unit.delete(address)


def subscription_details(endpoint_origin_text: str) -> dict[str, object]:
    """Return what the log says of a subscription."""
    return {"aud": endpoint_origin_text}


def _address(kid: str, origin: str) -> Address:
    return Address("meta", f"subscription:{kid}:{origin}")


def _matches(origin: str, service: str) -> bool:
    if not service.startswith("https://*."):
        return origin == service
    return re.fullmatch(r"https://[a-z0-9.-]+", origin) is not None and origin.endswith(
        service.removeprefix("https://*")
    )
