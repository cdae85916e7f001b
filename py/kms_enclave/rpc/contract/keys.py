"""VAPID keys and push subscriptions."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from kms_enclave.fields import text
from kms_enclave.push.subscription import PushSubscription, SubscriptionKeys
from kms_enclave.rpc.contract.credentials import Credentials

__all__ = [
    "GenerateVAPIDResult",
    "GetPublicKeyParams",
    "GetPublicKeyResult",
    "GetPushSubscriptionResult",
    "GetVAPIDKidResult",
    "PushSubscription",
    "RemovePushSubscriptionParams",
    "SetPushSubscriptionParams",
    "SignJWTParams",
    "SignJWTResult",
    "SubscriptionKeys",
]


@attrs.frozen
class GetPublicKeyParams:
    """``kid`` is the key's RFC 7638 thumbprint; without it, the current key."""

    kid: str | None = attrs.field(default=None, validator=attrs.validators.optional(text(64)))


@attrs.frozen
class GetPublicKeyResult:
    """base64url of the 65-byte uncompressed P-256 point."""

    public_key: str


@attrs.frozen
class GenerateVAPIDResult:
    """``public_key`` is base64url of the 65-byte uncompressed point."""

    kid: str
    public_key: str


@attrs.frozen
class SignJWTParams:
    """``payload``: ``aud`` (https origin), ``sub``, ``exp`` (s, ≤ 24 h ahead), ``jti``, more."""

    kid: str = attrs.field(validator=text(64))
    payload: Mapping[str, object]
    credentials: Credentials | None = None


@attrs.frozen
class SignJWTResult:
    """A JWS in compact serialization."""

    jwt: str


@attrs.frozen
class GetVAPIDKidResult:
    """The current key's RFC 7638 thumbprint."""

    kid: str


@attrs.frozen
class SetPushSubscriptionParams:
    """By credentials, the enclave's prompt, or else a live lease; for the current key."""

    subscription: PushSubscription
    lease_id: str | None = attrs.field(default=None, validator=attrs.validators.optional(text(64)))
    credentials: Credentials | None = None


@attrs.frozen
class RemovePushSubscriptionParams:
    """By credentials, the enclave's prompt, or else a live lease; of the current key."""

    lease_id: str | None = attrs.field(default=None, validator=attrs.validators.optional(text(64)))
    credentials: Credentials | None = None


@attrs.frozen
class GetPushSubscriptionResult:
    """This origin's subscription of the current key, or null."""

    subscription: PushSubscription | None
