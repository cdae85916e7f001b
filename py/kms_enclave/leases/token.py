"""VAPID tokens: the claims, and the compact form around a signature.

Header ``{"typ":"JWT","alg":"ES256","kid":…}``; claims ``aud sub iat nbf exp jti eid``
and, where given, ``rid``. Specification: RFC 7515, RFC 7519, RFC 8292.

A token lets its holder send any number of pushes to its audience while it lives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from kms_enclave.encoding import format_base64url, format_json
from kms_enclave.ports.storage import Address
from kms_enclave.structure import from_json

__all__ = [
    "MIN_TTL_S",
    "TOKEN_TTL_S",
    "TokenClaims",
    "TokenRecord",
    "format_token",
    "signing_input",
    "stagger",
    "token_address",
]

TOKEN_TTL_S: Final = 900
MIN_TTL_S: Final = 60


@attrs.frozen
class TokenClaims:
    """Registered claims and two private ones; times in Unix seconds."""

    aud: str
    sub: str
    iat: int
    nbf: int
    exp: int
    jti: str
    eid: str
    rid: str | None = None


def signing_input(claims: TokenClaims, *, kid: str) -> bytes:
    """Return the ASCII bytes that are signed: header and payload, base64url, with a dot."""
    header = {"typ": "JWT", "alg": "ES256", "kid": kid}
    payload: dict[str, object] = {
        "aud": claims.aud,
        "sub": claims.sub,
        "iat": claims.iat,
        "nbf": claims.nbf,
        "exp": claims.exp,
        "jti": claims.jti,
        "eid": claims.eid,
    }
    if claims.rid is not None:
        payload["rid"] = claims.rid
    parts = (format_base64url(format_json(part).encode()) for part in (header, payload))
    return ".".join(parts).encode("ascii")


@from_json
@attrs.frozen
class TokenRecord:
    """What is kept of a token until it is off the emergency list; ``exp`` in Unix seconds.

    A token that the user signed has no lease.
    """

    exp: int
    lease_id: str | None = None
    eid: str | None = None
    nbf: int | None = None
    rid: str | None = None


def token_address(jti: str) -> Address:
    """Return where a token's id is recorded until the token has expired."""
    return Address("tokens", jti)


def stagger(
    count: int, *, issued_at_s: int, ttl_s: int, lease_end_s: int
) -> Sequence[tuple[int, int]]:
    """Return ``(nbf, exp)`` in seconds for each token of a batch.

    Token *i* begins when its predecessor has lived 60 % of its life, so a holder can
    switch without a gap. None outlives the lease; those that would live under a minute
    are left out, and the caller sees that there are fewer.
    """
    step_s = ttl_s * 60 // 100
    begins = (issued_at_s + number * step_s for number in range(count))
    lives = ((nbf, min(nbf + ttl_s, lease_end_s)) for nbf in begins)
    return [(nbf, exp) for nbf, exp in lives if exp - nbf >= MIN_TTL_S]


def format_token(signed: bytes, signature: bytes) -> str:
    """Return the JWS compact serialization; ``signature`` is 64 bytes, r‖s."""
    return f"{signed.decode('ascii')}.{format_base64url(signature)}"
