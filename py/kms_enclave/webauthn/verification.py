"""Verification of WebAuthn responses by the worker itself.

Challenge, type, origins, relying party, user presence and verification, and the
signature counter are checked here; the signature by the crypto port. An assertion
that was made for another operation, origin or relying party, or twice, is refused.
Attestation is not asked for: which make an authenticator is does not matter here.

Specification: W3C Web Authentication Level 3, sections 7.1 and 7.2.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

import attrs

from kms_enclave.encoding import parse_base64url, parse_json

__all__ = [
    "ALGORITHMS",
    "AuthenticatorData",
    "InvalidResponseError",
    "Party",
    "parse_authenticator_data",
    "verify_assertion",
    "verify_public_key",
    "verify_registration",
]

ALGORITHMS: Final = {-7: "ES256", -8: "EdDSA", -257: "RS256"}
"""COSE algorithm numbers that a passkey may have."""

# RFC 5480 (P-256, uncompressed), RFC 8410, RFC 3279 (2048 to 8192 bits).
_PUBLIC_KEYS: Final = {
    -7: re.compile(
        rb"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
        rb"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04.{64}",
        re.DOTALL,
    ),
    -8: re.compile(rb"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00.{32}", re.DOTALL),
    -257: re.compile(
        rb"\x30\x82..\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"
        rb"\x03\x82..\x00\x30\x82.{259,1032}",
        re.DOTALL,
    ),
}
_USER_PRESENT: Final = 0x01
_USER_VERIFIED: Final = 0x04
_ATTESTED: Final = 0x40
_MAX_CLIENT_DATA: Final = 4096


class InvalidResponseError(Exception):
    """The response does not verify; the message says which check failed."""


@attrs.frozen
class Party:
    """Who a response must be for.

    ``origin`` is the enclave's, ``rp_id`` its host, ``top_origin`` that of the outermost page
    around it, which need not be the one that asks (a ceremony in the enclave's own window
    has none above it).
    """

    origin: str
    rp_id: str
    top_origin: str


@attrs.frozen
class AuthenticatorData:
    """The fixed part, and of an attested credential its id and COSE key."""

    rp_id_hash: bytes
    flags: int
    sign_count: int
    credential_id: bytes | None
    cose_key: bytes


def verify_assertion(
    *,
    client_data_json: bytes,
    authenticator_data: bytes,
    expected_challenge: bytes,
    expected_party: Party,
    stored_sign_count: int,
) -> int:
    """Check everything but the signature; return the new counter.

    Raises InvalidResponseError. What must be signed is :func:`signed_bytes`.
    """
    _verify_client_data(client_data_json, "webauthn.get", expected_challenge, expected_party)
    data = parse_authenticator_data(authenticator_data)
    _verify_authenticator(data, expected_party)
    # Both zero: the authenticator does not count. Otherwise it must move forward, or
    # the credential has been copied.
    counted = data.sign_count or stored_sign_count
    if counted and data.sign_count <= stored_sign_count:
        raise InvalidResponseError("the signature counter has not moved forward")
    return data.sign_count


def verify_registration(
    *,
    client_data_json: bytes,
    authenticator_data: bytes,
    credential_id: bytes,
    public_key: bytes,
    algorithm: int,
    expected_challenge: bytes,
    expected_party: Party,
) -> int:
    """Check a new credential; return its counter. Raises InvalidResponseError."""
    _verify_client_data(client_data_json, "webauthn.create", expected_challenge, expected_party)
    data = parse_authenticator_data(authenticator_data)
    _verify_authenticator(data, expected_party)
    if data.credential_id is None or data.credential_id != credential_id:
        raise InvalidResponseError("the credential is not the attested one")
    verify_public_key(public_key, algorithm=algorithm)
    return data.sign_count


def verify_public_key(public_key: bytes, *, algorithm: int) -> None:
    """Raise InvalidResponseError unless a SubjectPublicKeyInfo is of an algorithm's form.

    An enrollment with a key that no assertion can be verified with would never unlock.
    """
    if algorithm not in ALGORITHMS:
        raise InvalidResponseError("the key's algorithm is not one that was asked for")
    if _PUBLIC_KEYS[algorithm].fullmatch(public_key) is None:
        raise InvalidResponseError("the public key is not of its algorithm")


def signed_bytes(*, client_data_json: bytes, authenticator_data: bytes) -> bytes:
    """Return what an assertion's signature covers."""
    return authenticator_data + hashlib.sha256(client_data_json).digest()


def parse_authenticator_data(raw: bytes) -> AuthenticatorData:
    """Parse authenticator data (section 6.1). Raises InvalidResponseError."""
    if len(raw) < 37:
        raise InvalidResponseError("the authenticator data is too short")
    flags = raw[32]
    credential_id, cose_key = None, b""
    if flags & _ATTESTED:
        length = int.from_bytes(raw[53:55])
        credential_id, cose_key = raw[55 : 55 + length], raw[55 + length :]
        if len(raw) < 55 or not 1 <= length <= 1023 or len(credential_id) != length or not cose_key:
            raise InvalidResponseError("the attested credential is malformed")
    return AuthenticatorData(
        rp_id_hash=raw[:32],
        flags=flags,
        sign_count=int.from_bytes(raw[33:37]),
        credential_id=credential_id,
        cose_key=cose_key,
    )


def _verify_client_data(raw: bytes, kind: str, challenge: bytes, party: Party) -> None:
    if len(raw) > _MAX_CLIENT_DATA:
        raise InvalidResponseError("the client data is too long")
    try:
        data = parse_json(raw.decode())
        sent = parse_base64url(str(data["challenge"])) if isinstance(data, dict) else b""
    except (ValueError, KeyError):
        raise InvalidResponseError("the client data is malformed") from None
    if not isinstance(data, dict) or data.get("type") != kind:
        raise InvalidResponseError("the response is of another ceremony")
    if not hmac.compare_digest(sent, challenge):
        raise InvalidResponseError("the response is for another challenge")
    if data.get("origin") != party.origin:
        raise InvalidResponseError("the response is of another origin")
    crossed, top_origin = data.get("crossOrigin", False), data.get("topOrigin")
    if type(crossed) is not bool:
        raise InvalidResponseError("the client data is malformed")
    if top_origin is not None and (not crossed or top_origin != party.top_origin):
        raise InvalidResponseError("the response was made under another page")


def _verify_authenticator(data: AuthenticatorData, party: Party) -> None:
    if data.rp_id_hash != hashlib.sha256(party.rp_id.encode()).digest():
        raise InvalidResponseError("the response is of another relying party")
    if not data.flags & _USER_PRESENT:
        raise InvalidResponseError("the user was not present")
    if not data.flags & _USER_VERIFIED:
        raise InvalidResponseError("the user was not verified")
