"""Signatures of authenticators, on WebCrypto (WebAuthn section 6.5.5)."""

from __future__ import annotations

from pyodide.ffi import JsException

from kms_enclave.adapters.browser.algorithms import Algorithms
from kms_enclave.adapters.browser.border import js_bytes
from kms_enclave.adapters.browser.ecdsa_der import parse_ecdsa_der
from kms_enclave.adapters.browser.js_types import JsSubtle

__all__ = ["verify_webauthn_signature"]


async def verify_webauthn_signature(
    js_subtle: JsSubtle,
    algorithms: Algorithms,
    *,
    algorithm: str,
    public_key: bytes,
    signature: bytes,
    message: bytes,
) -> bool:
    """Tell whether ``signature`` is ``algorithm``'s over ``message``; malformed is ``False``."""
    js_algorithm = algorithms.js_webauthn.get(algorithm)
    if js_algorithm is None:
        return False
    try:
        js_public = await js_subtle.importKey(
            "spki", js_bytes(public_key), js_algorithm, False, algorithms.js_to_verify
        )
        raw = parse_ecdsa_der(signature) if algorithm == "ES256" else signature
        return await js_subtle.verify(js_algorithm, js_public, js_bytes(raw), js_bytes(message))
    except (JsException, ValueError):
        return False
