"""A passkey's answer, verified with its public key, for the enclave as relying party."""

from __future__ import annotations

from kms_enclave.context import Context
from kms_enclave.encoding import parse_base64url
from kms_enclave.ports.crypto import CryptoPort
from kms_enclave.ports.prompt import AssertionAnswer
from kms_enclave.unlock.record import PasskeyData
from kms_enclave.webauthn.verification import (
    ALGORITHMS,
    InvalidResponseError,
    Party,
    signed_bytes,
    verify_assertion,
    verify_public_key,
)

__all__ = ["enclave_party", "enclave_rp_id", "verify_answer"]


def enclave_rp_id(enclave_origin: str) -> str:
    """Return the relying party id: the enclave's exact host."""
    host = enclave_origin.partition("://")[2]
    return host.rpartition(":")[0] if ":" in host else host


def enclave_party(context: Context) -> Party:
    """Return who a response must be for."""
    origin = context.enclave_origin
    return Party(origin, enclave_rp_id(origin), context.top_origin)


async def verify_answer(
    crypto: CryptoPort,
    answer: AssertionAnswer,
    *,
    passkey: PasskeyData,
    expected_party: Party,
) -> int:
    """Return the authenticator's new counter.

    The challenge has been redeemed. Raises InvalidResponseError, or ValueError where
    the passkey's public key is damaged.
    """
    sign_count = verify_assertion(
        client_data_json=answer.client_data_json,
        authenticator_data=answer.authenticator_data,
        expected_challenge=answer.challenge,
        expected_party=expected_party,
        stored_sign_count=passkey.sign_count,
    )
    public_key = parse_base64url(passkey.public_key or "")
    try:
        verify_public_key(public_key, algorithm=passkey.algorithm or 0)
    except InvalidResponseError as error:
        raise ValueError(str(error)) from None
    good = await crypto.verify_webauthn(
        algorithm=ALGORITHMS[passkey.algorithm or 0],
        public_key=public_key,
        signature=answer.signature,
        message=signed_bytes(
            client_data_json=answer.client_data_json,
            authenticator_data=answer.authenticator_data,
        ),
    )
    if not good:
        raise InvalidResponseError("the signature is not the passkey's")
    return sign_count
