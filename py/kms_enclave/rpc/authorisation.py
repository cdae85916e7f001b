"""What one call is to be authorised for: its hash, and the credentials that the page passed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from kms_enclave.encoding import parse_base64url
from kms_enclave.errors import request_invalid
from kms_enclave.rpc import contract
from kms_enclave.structure import unstructure
from kms_enclave.unlock.credentials import (
    Credentials,
    GateRequested,
    PassphraseCredentials,
    PrfCredentials,
)
from kms_enclave.unlock.session import AuthorisationRequest
from kms_enclave.webauthn.challenge import operation_hash

__all__ = [
    "Authenticated",
    "authorisation",
    "hash_of",
    "parse_bytes",
]

_SECRETS = frozenset({"credentials", "newPassphrase", "passphrase", "prfOutput"})


class Authenticated(Protocol):
    """Parameters that may carry credentials."""

    @property
    def credentials(self) -> contract.Credentials | None: ...


def authorisation(
    method: str, params: Authenticated, origin: str, words: str
) -> AuthorisationRequest:
    """Return the request to authorise one call of a method."""
    return AuthorisationRequest(
        origin=origin,
        words=words,
        operation=hash_of(method, params, origin),
        given=_given(params.credentials),
    )


def hash_of(method: str, params: object, origin: str) -> bytes:
    """Return the hash of a call; what is secret in it is left out."""
    shown = _without_secrets(unstructure(params))
    new = shown.get("newCredentials")
    if isinstance(new, dict):
        shown["newCredentials"] = _without_secrets(new)
    return operation_hash(method=method, params=shown, origin=origin)


def _without_secrets(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if name not in _SECRETS}


def parse_bytes(text: str, *, field: str) -> bytes:
    """Return base64url as bytes. Raises KMSError ``request.invalid``."""
    try:
        return parse_base64url(text)
    except ValueError:
        raise request_invalid(field, "must be base64url without padding") from None


def _given(given: contract.Credentials | None) -> Credentials | GateRequested | None:
    if given is None:
        return None
    if isinstance(given, contract.PassphraseCredentials):
        return PassphraseCredentials(given.passphrase, "page")
    if isinstance(given, contract.PasskeyGateCredentials):
        return GateRequested()
    output = parse_bytes(given.prf_output, field="credentials.prfOutput")
    if len(output) != 32:
        raise request_invalid("credentials.prfOutput", "must be 32 bytes")
    return PrfCredentials(output)
