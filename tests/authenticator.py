"""An authenticator in software: what a browser hands the enclave after a ceremony."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from typing import Any

import attrs
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from kms_enclave.encoding import format_base64url, parse_base64url

__all__ = ["Authenticator"]

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | Ed25519PrivateKey
_ALGORITHMS = {"ES256": -7, "EdDSA": -8, "RS256": -257}
_UP, _UV, _AT = 0x01, 0x04, 0x40


def _new_key(algorithm: str) -> Key:
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "RS256":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return Ed25519PrivateKey.generate()


@attrs.define
class Authenticator:
    """Holds credentials; ``overrides`` replace fields of the client data, for hostile answers."""

    algorithm: str = "ES256"
    prf: bool = True
    prf_at_creation: bool = True
    flags: int = _UP | _UV
    counter: int | None = 0
    origin: str = "https://kms.example"
    top_origin: str | None = "https://app.example"
    rp_id: str | None = None
    client_data: dict[str, object] = attrs.field(factory=dict)
    keys: dict[bytes, Key] = attrs.field(factory=dict)
    secrets: dict[bytes, bytes] = attrs.field(factory=dict)

    def register(self, options: Mapping[str, Any]) -> dict[str, object]:
        """Answer a ``register`` question."""
        credential_id = os.urandom(16)
        key = self.keys[credential_id] = _new_key(self.algorithm)
        self.secrets[credential_id] = os.urandom(32)
        attested = bytes(16) + len(credential_id).to_bytes(2) + credential_id + b"cose"
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        answer: dict[str, object] = {
            "credentialId": format_base64url(credential_id),
            "clientDataJSON": self._client_data("webauthn.create", options["challenge"]),
            "authenticatorData": format_base64url(
                self._data(options["rpId"], _AT, self.counter or 0) + attested
            ),
            "publicKey": format_base64url(public),
            "algorithm": _ALGORITHMS[self.algorithm],
            "prfEnabled": self.prf,
            "prfOutput": None,
        }
        if self.prf and self.prf_at_creation:
            answer["prfOutput"] = self.evaluate(credential_id, options["appSalt"])
        return answer

    def authenticate(self, ceremony: Mapping[str, Any]) -> dict[str, object]:
        """Answer an ``authenticate`` question with the first passkey that is held here."""
        option = next(
            option
            for option in ceremony["passkeys"]
            if parse_base64url(option["credentialId"]) in self.keys
        )
        credential_id = parse_base64url(option["credentialId"])
        if self.counter is not None:
            self.counter += 1
        client_data = self._client_data("webauthn.get", ceremony["challenge"])
        data = self._data(ceremony["rpId"], 0, self.counter or 0)
        message = data + hashlib.sha256(parse_base64url(client_data)).digest()
        return {
            "credentialId": option["credentialId"],
            "clientDataJSON": client_data,
            "authenticatorData": format_base64url(data),
            "signature": format_base64url(self._sign(credential_id, message)),
            "prfOutput": (
                self.evaluate(credential_id, option["appSalt"]) if option["appSalt"] else None
            ),
        }

    def evaluate(self, credential_id: bytes, salt: str) -> str:
        """Return the PRF output for an input."""
        secret = self.secrets[credential_id]
        return format_base64url(hmac.digest(secret, parse_base64url(salt), "sha256"))

    def _client_data(self, kind: str, challenge: str) -> str:
        data: dict[str, object] = {"type": kind, "challenge": challenge, "origin": self.origin}
        if self.top_origin is not None:
            data |= {"crossOrigin": True, "topOrigin": self.top_origin}
        return format_base64url(json.dumps(data | self.client_data).encode())

    def _data(self, rp_id: str, flags: int, counter: int) -> bytes:
        digest = hashlib.sha256((self.rp_id or rp_id).encode()).digest()
        return digest + bytes([self.flags | flags]) + counter.to_bytes(4)

    def _sign(self, credential_id: bytes, message: bytes) -> bytes:
        key = self.keys[credential_id]
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(message, ec.ECDSA(hashes.SHA256()))
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return key.sign(message)
