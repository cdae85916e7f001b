"""Signatures of authenticators, on pyca/cryptography (WebAuthn section 6.5.5)."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["verify_webauthn_signature"]


def verify_webauthn_signature(
    *, algorithm: str, public_key: bytes, signature: bytes, message: bytes
) -> bool:
    """Tell whether ``signature`` is ``algorithm``'s over ``message``; malformed is ``False``."""
    try:
        key = serialization.load_der_public_key(public_key)
        if algorithm == "ES256" and isinstance(key, ec.EllipticCurvePublicKey):
            if not isinstance(key.curve, ec.SECP256R1):
                return False
            key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        elif algorithm == "RS256" and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        elif algorithm == "EdDSA" and isinstance(key, Ed25519PublicKey):
            key.verify(signature, message)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
