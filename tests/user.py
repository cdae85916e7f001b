"""The user in front of the enclave's dialogs, and tokens as somebody else verifies them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any

import attrs
from authenticator import Authenticator
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from enclave import Worker
from forging import unb64

__all__ = [
    "METHODS",
    "Secret",
    "User",
    "add",
    "new_secret",
    "payload",
    "set_up_with",
    "sign",
    "verify_jwt",
]

METHODS = ("passphrase", "passkey-prf", "passkey-gate")
_SETUPS = {
    "passphrase": "setupPassphrase",
    "passkey-prf": "setupPasskeyPRF",
    "passkey-gate": "setupPasskeyGate",
}

Secret = str | Authenticator
"""What unlocks: a passphrase that the user knows, or an authenticator that they hold."""


@attrs.define
class User:
    """Unlocks with ``uses``, enrolls ``makes``, agrees to everything; gives up after ``patience``
    questions that show an error.
    """

    uses: Secret | None = None
    makes: Secret | None = None
    patience: int = 0

    def __call__(self, ask: Mapping[str, Any]) -> Mapping[str, Any]:
        if ask.get("error") is not None:
            self.patience -= 1
        if self.patience < 0:
            return {"refused": {"code": "unlock.cancelled"}}
        if ask["ask"] in ("confirm", "introduce"):
            return {"answer": {"word": ask.get("word")}}
        if ask["ask"] == "authenticate":
            return {"answer": _unlock(self.uses, ask)}
        if isinstance(self.makes, Authenticator):
            return {"answer": self.makes.register(ask["registration"])}
        return {"answer": {"passphrase": self.makes}}


def _unlock(secret: Secret | None, ask: Mapping[str, Any]) -> Mapping[str, object]:
    if isinstance(secret, Authenticator):
        return secret.authenticate(ask["ceremony"])
    return {"passphrase": secret}


_new_numbers = itertools.count(1)


def new_secret(method: str) -> Secret:
    """Return something to enroll that nobody has enrolled before."""
    if method == "passphrase":
        return f"passphrase number {next(_new_numbers)}"
    return Authenticator()


async def set_up_with(worker: Worker, method: str) -> Secret:
    """Set up by the enclave's own dialog; return what unlocks from now on."""
    secret = new_secret(method)
    worker.user = User(makes=secret)
    named = {} if method == "passphrase" else {"name": "Ann", "userId": "user-1"}
    await worker.call(_SETUPS[method], **named)
    return secret


async def add(worker: Worker, method: str, *, uses: Secret) -> tuple[str, Secret]:
    """Add an enrollment by the enclave's own dialog; return its id and what unlocks it."""
    secret = new_secret(method)
    worker.user = User(uses=uses, makes=secret)
    added = await worker.call("addEnrollment", method=method)
    return str(added["enrollmentId"]), secret


def payload(worker_now_ms: int, **changes: object) -> dict[str, object]:
    """Return claims that :func:`sign` can have signed."""
    claims: dict[str, object] = {
        "aud": "https://push.example",
        "sub": "mailto:operator@app.example",
        "exp": worker_now_ms // 1000 + 3600,
        "jti": "token-1",
    }
    return claims | changes


async def sign(worker: Worker, *, uses: Secret, jti: str) -> None:
    """Unlock, sign a token with the current key, and have ``cryptography`` verify it."""
    worker.user = User(uses=uses)
    now = (await worker.call("getStatus"))["now"]
    kid = (await worker.call("getVAPIDKid"))["kid"]
    signed = await worker.call("signJWT", kid=kid, payload=payload(now, jti=jti))
    public = (await worker.call("getPublicKey"))["publicKey"]
    assert verify_jwt(signed["jwt"], unb64(public))["jti"] == jti


def verify_jwt(jwt: str, public_raw: bytes) -> dict[str, Any]:
    """Return the claims of an ES256 token. Raises InvalidSignature."""
    header, claims, signature = jwt.split(".")
    raw = unb64(signature)
    if len(raw) != 64:
        raise InvalidSignature
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_raw)
    der = utils.encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    key.verify(der, f"{header}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    verified: dict[str, Any] = json.loads(unb64(claims))
    return verified
