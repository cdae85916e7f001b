"""A strict reader of VAPID tokens, written from the RFCs and from nothing of the enclave.

Guarantees that a token that passes is one that RFC 8292 (VAPID), RFC 7515 (JWS compact
serialization), RFC 7518 section 3.4 (ES256) and RFC 7519 (claims) allow, whatever a lenient
push service might also take. The signature itself is `cryptography`'s to check.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import attrs
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

MAX_LIFE_S = 24 * 3600

# Section 3: the scheme, then auth-params as RFC 9110 section 11.4 separates them. Of base64url
# and dots nothing needs a quoted-string.
_AUTHORIZATION = re.compile(r"vapid t=([A-Za-z0-9_.-]+), k=([A-Za-z0-9_-]+)")
# RFC 6068 and RFC 3986, as far as a contact needs them: no space, quote or control character.
_CONTACT = re.compile(r"mailto:[!#-;=?-~]+@[!#-;=?-~]+|https://[!#-;=?-~]+")


@attrs.frozen
class VapidToken:
    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def parse_authorization(header: str) -> tuple[str, str]:
    """Return the token and the key of an `Authorization` header's value."""
    match = _AUTHORIZATION.fullmatch(header)
    if match is None:
        raise ValueError("not of the form «vapid t=…, k=…» (section 3)")
    return match[1], match[2]


def decode_base64url(text: str) -> bytes:
    """RFC 7515 section 2: no padding, no whitespace, and only one way to write each value."""
    decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != text.encode("ascii"):
        raise ValueError("not base64url in its one form")
    return decoded


def verify_vapid_token(
    jwt: str, *, public_key: str, expected_endpoint: str, now_s: float
) -> VapidToken:
    """Return header and claims; raise ValueError or InvalidSignature for a token to refuse.

    `public_key` is the `k` parameter: base64url of the uncompressed point.
    """
    parts = jwt.split(".")
    if len(parts) != 3:
        raise ValueError("a compact serialization has three parts")
    header, claims = (_parse_object(decode_base64url(part)) for part in parts[:2])
    _verify_signature(jwt, decode_base64url(parts[2]), decode_base64url(public_key))
    if header.get("alg") != "ES256" or header.get("typ", "JWT") != "JWT":
        raise ValueError("the header is not a VAPID token's (section 2)")
    if header.keys() & {"crit", "b64", "zip", "enc"}:
        raise ValueError("the header asks for an extension (RFC 7515 section 4.1.11)")
    _verify_claims(claims, expected_endpoint=expected_endpoint, now_s=now_s)
    return VapidToken(header, claims)


def encode_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def thumbprint(public_key: str) -> str:
    """RFC 7638 section 3 with the members of RFC 7518 section 6.2.1."""
    point = decode_base64url(public_key)
    x, y = (encode_base64url(part) for part in (point[1:33], point[33:]))
    canonical = f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'
    return encode_base64url(hashlib.sha256(canonical.encode("ascii")).digest())


def _verify_signature(jwt: str, signature: bytes, point: bytes) -> None:
    if len(signature) != 64:
        raise ValueError("an ES256 signature is r and s, 32 bytes each")
    if len(point) != 65 or point[0] != 4:
        raise ValueError("the key is not an uncompressed P-256 point (RFC 8292 section 3.2)")
    r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))
    signed = jwt.rpartition(".")[0].encode("ascii")
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    key.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))


def _verify_claims(claims: Mapping[str, Any], *, expected_endpoint: str, now_s: float) -> None:
    endpoint = urlsplit(expected_endpoint)
    if claims.get("aud") != f"{endpoint.scheme}://{endpoint.netloc}":
        raise ValueError("aud is not the origin of the push resource (section 2)")
    exp = claims.get("exp")
    if type(exp) is not int or not now_s < exp <= now_s + MAX_LIFE_S:
        raise ValueError("exp is not within 24 hours (section 2)")
    sub = claims.get("sub")
    if type(sub) is not str or _CONTACT.fullmatch(sub) is None:
        raise ValueError("sub is no contact (section 2.1)")
    for name in ("iat", "nbf"):
        if type(claims.get(name, 0)) is not int or claims.get(name, 0) > now_s:
            raise ValueError(f"{name} lies in the future (RFC 7519 sections 4.1.5 and 4.1.6)")
    if type(claims.get("jti", "")) is not str:
        raise ValueError("jti is not a string (RFC 7519 section 4.1.7)")


def _parse_object(text: bytes) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a member stands twice (RFC 7515 section 4)")
        return dict(pairs)

    value = json.loads(text.decode("utf-8"), object_pairs_hook=unique)
    if not isinstance(value, dict):
        raise ValueError("not an object (RFC 7515 section 4, RFC 7519 section 3)")
    return value
