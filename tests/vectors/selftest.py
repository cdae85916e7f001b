"""Compute the known answers of kms_enclave/boot/selftest.py with other people's code.

``python tests/vectors/selftest.py`` prints them. Only ``cryptography`` and the standard
library are used; the keys are fixed, public and protect nothing.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PASSPHRASE = b"known answer"
SALT = b"\x01" * 16
ITERATIONS = 1000
IV = b"\x02" * 12
AAD = b"self-test"
SECRET = b"\x03" * 32
SCALAR = 0x0404040404040404040404040404040404040404040404040404040404040404


def hkdf(ikm: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=info).derive(ikm)


def known_answers() -> dict[str, str]:
    """Return every vector as lower-case hex."""
    bits = hashlib.pbkdf2_hmac("sha256", PASSPHRASE, SALT, ITERATIONS)
    kek, kcv_key = hkdf(bits, b"", b"kek"), hkdf(bits, b"", b"kcv")
    wrapping = hkdf(SECRET, b"salt", b"wrapping")
    seed = hkdf(SECRET, b"salt", b"audit")
    audit = Ed25519PrivateKey.from_private_bytes(seed)
    vapid = ec.derive_private_key(SCALAR, ec.SECP256R1())
    pkcs8 = vapid.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    raw, point = serialization.Encoding.Raw, serialization.Encoding.X962
    answers = {
        "mac": hmac.digest(kcv_key, b"message", "sha256"),
        "wrapped_secret": AESGCM(kek).encrypt(IV, SECRET, AAD),
        "audit_public": audit.public_key().public_bytes(raw, serialization.PublicFormat.Raw),
        "audit_signature": audit.sign(b"message"),
        "wrapped_vapid": AESGCM(wrapping).encrypt(IV, pkcs8, AAD),
        "vapid_public": vapid.public_key().public_bytes(
            point, serialization.PublicFormat.UncompressedPoint
        ),
    }
    return {name: value.hex() for name, value in answers.items()}


if __name__ == "__main__":
    for name, value in known_answers().items():
        print(f"{name}: {value}")
