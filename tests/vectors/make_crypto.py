"""Writes crypto.json: fixed vectors for each construction of docs/spec/crypto.md.

Computed with pyca/cryptography and the standard library alone, from the text of the
specification and without a line of the enclave, so that an adapter which agrees with
them agrees with somebody else. Everything binary is hexadecimal.

usage: python tests/vectors/make_crypto.py > tests/vectors/crypto.json
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys

import rfc8785
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MASTER_SECRET = bytes(range(32))
INSTANCE_ID = "5f0c7f2e-3c55-4c29-9a3e-0d6a2b1f7c11"
LEASE_ID = "lease-9b0f4f6a-52c7-4d0c-8f0e-6a1f0c9d2e33"
CREATED_AT_MS = 1_760_000_000_000
LEASE_CREATED_AT_MS = 1_760_000_123_456
KEK_INFO = b"ATS/KMS/KEK-wrap/v2"
# Typed with a ligature and a full-width digit, so that NFKC shows.
TYPED = "of\ufb01ce stapler \uff17"
PASSPHRASE = b"office stapler 7"
PASSPHRASE_SALT = bytes.fromhex("00112233445566778899aabbccddeeff")
ITERATIONS = 600_000
ASSERTION = b"authenticator data, then the SHA-256 of the client data"
RELAY_TIMESTAMP_MS = 1_760_000_200_000
# How far the next prime is from what the label gives.
RSA_PRIMES = {"rsa p": 204, "rsa q": 36}


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt, info).derive(secret)


def pattern(label: str, length: int) -> bytes:
    """Bytes that look random and are the same on every machine."""
    return hashlib.shake_128(label.encode()).digest(length)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def aad(**fields: str | int) -> dict[str, object]:
    return {"fields": fields, "bytes": rfc8785.dumps(fields).hex()}


def vapid_key() -> tuple[bytes, bytes]:
    """PKCS#8 and uncompressed point of a key whose scalar is fixed."""
    key = ec.derive_private_key(int.from_bytes(pattern("vapid scalar", 31)), ec.SECP256R1())
    pkcs8 = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    point = key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return pkcs8, point


def thumbprint(point: bytes) -> str:
    members = {
        "crv": "P-256",
        "kty": "EC",
        "x": base64url(point[1:33]),
        "y": base64url(point[33:]),
    }
    return base64url(hashlib.sha256(rfc8785.dumps(members)).digest())


def wrapped(key: bytes, label: str, plaintext: bytes, aad_hex: str) -> dict[str, str]:
    iv = pattern(f"{label} iv", 12)
    ciphertext = AESGCM(key).encrypt(iv, plaintext, bytes.fromhex(aad_hex))
    return {"iv": iv.hex(), "aad": aad_hex, "wrapped": ciphertext.hex()}


def vectors() -> dict[str, object]:
    pkcs8, point = vapid_key()
    kid = thumbprint(point)
    master_aad = aad(
        algVersion=1,
        enrollmentId="enrollment:passphrase:v2",
        instanceId=INSTANCE_ID,
        kmsVersion=2,
        method="passphrase",
        purpose="master-secret",
    )
    prf_aad = aad(
        algVersion=1,
        credentialId=base64url(pattern("credential id", 16)),
        enrollmentId="enrollment:passkey-prf:v2",
        instanceId=INSTANCE_ID,
        kmsVersion=2,
        method="passkey-prf",
        purpose="master-secret",
    )
    main_aad = aad(
        alg="ES256",
        createdAt=CREATED_AT_MS,
        instanceId=INSTANCE_ID,
        kid=kid,
        kmsVersion=2,
        purpose="vapid",
    )
    lease_aad = aad(
        alg="ES256",
        createdAt=LEASE_CREATED_AT_MS,
        instanceId=INSTANCE_ID,
        kid=kid,
        kmsVersion=2,
        leaseId=LEASE_ID,
        purpose="vapid-lease",
    )
    return {
        "passphrase": passphrase_vector(str(master_aad["bytes"])),
        "prf": prf_vector(str(prf_aad["bytes"])),
        "mkek": {
            "masterSecret": MASTER_SECRET.hex(),
            **wrapped(
                hkdf(
                    MASTER_SECRET,
                    hashlib.sha256(b"ATS/KMS/MKEK/salt/v2").digest(),
                    b"ATS/KMS/MKEK/v2",
                ),
                "mkek",
                pkcs8,
                str(main_aad["bytes"]),
            ),
            "publicKey": point.hex(),
        },
        "sessionKek": {
            "masterSecret": MASTER_SECRET.hex(),
            "leaseSalt": pattern("lease salt", 32).hex(),
            **wrapped(
                hkdf(MASTER_SECRET, pattern("lease salt", 32), b"ATS/KMS/SessionKEK/v1"),
                "session",
                pkcs8,
                str(lease_aad["bytes"]),
            ),
            "publicKey": point.hex(),
        },
        "userAuditKey": user_audit_key_vector(),
        "thumbprint": {"publicKey": point.hex(), "kid": kid},
        "webauthn": {"es256": es256_vector(), "eddsa": eddsa_vector(), "rs256": rs256_vector()},
        "challenge": challenge_vector(),
        "relayProof": relay_proof_vector(),
        "aad": {
            "masterSecret": master_aad,
            "prfMasterSecret": prf_aad,
            "mainCopy": main_aad,
            "leaseCopy": lease_aad,
        },
    }


def passphrase_root() -> bytes:
    return hashlib.pbkdf2_hmac("sha256", PASSPHRASE, PASSPHRASE_SALT, ITERATIONS, 32)


def passphrase_kek() -> bytes:
    return hkdf(passphrase_root(), b"", KEK_INFO)


def passphrase_vector(master_aad: str) -> dict[str, object]:
    kcv_key = hkdf(passphrase_root(), b"", b"ATS/KMS/KCV-key/v2")
    return {
        "typed": TYPED,
        "passphrase": PASSPHRASE.hex(),
        "salt": PASSPHRASE_SALT.hex(),
        "iterations": ITERATIONS,
        "kcv": hmac.digest(kcv_key, b"ATS/KMS/KCV/v2", "sha256").hex(),
        **wrapped(passphrase_kek(), "passphrase", MASTER_SECRET, master_aad),
    }


def prf_vector(master_aad: str) -> dict[str, str]:
    prf_output, salt = pattern("prf output", 32), pattern("prf salt", 32)
    kek = hkdf(prf_output, salt, KEK_INFO)
    return {
        "prfOutput": prf_output.hex(),
        "salt": salt.hex(),
        **wrapped(kek, "prf", MASTER_SECRET, master_aad),
    }


def webauthn_vector(
    key: ec.EllipticCurvePublicKey | Ed25519PublicKey | rsa.RSAPublicKey, signature: bytes
) -> dict[str, str]:
    """What an authenticator says: key (SubjectPublicKeyInfo), message, signature."""
    public = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {
        "publicKey": public.hex(),
        "message": ASSERTION.hex(),
        "signature": signature.hex(),
    }


def es256_vector() -> dict[str, str]:
    scalar = int.from_bytes(pattern("authenticator scalar", 31))
    key = ec.derive_private_key(scalar, ec.SECP256R1())
    # RFC 6979, so that the file is the same at every run.
    signature = key.sign(ASSERTION, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    return webauthn_vector(key.public_key(), signature)


def eddsa_vector() -> dict[str, str]:
    key = Ed25519PrivateKey.from_private_bytes(pattern("authenticator seed", 32))
    return webauthn_vector(key.public_key(), key.sign(ASSERTION))


def rs256_vector() -> dict[str, str]:
    p, q = (
        (int.from_bytes(pattern(label, 128)) | 3 << 1022 | 1) + offset
        for label, offset in RSA_PRIMES.items()
    )
    d = rsa.rsa_recover_private_exponent(65537, p, q)
    numbers = rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=rsa.rsa_crt_dmp1(d, p),
        dmq1=rsa.rsa_crt_dmq1(d, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(65537, p * q),
    )
    key = numbers.private_key()
    signature = key.sign(ASSERTION, padding.PKCS1v15(), hashes.SHA256())
    return webauthn_vector(key.public_key(), signature)


def challenge_vector() -> dict[str, object]:
    operation: dict[str, object] = {
        "method": "createLease",
        "origin": "https://app.example",
        "params": {"ttlHours": 12, "userId": "user-1"},
    }
    digest = hashlib.sha256(rfc8785.dumps(operation)).digest()
    random = pattern("challenge", 32)
    challenge = hashlib.sha256(b"ATS/KMS/challenge/v1" + random + digest).digest()
    return {
        **operation,
        "random": random.hex(),
        "operation": digest.hex(),
        "challenge": challenge.hex(),
    }


def relay_proof_vector() -> dict[str, object]:
    """One call, signed by a relay with each of the two algorithms."""
    call: dict[str, str | int] = {
        "v": "ATS/KMS/relay-proof/v1",
        "origin": "https://kms.example",
        "method": "issueVAPIDJWTs",
        "leaseId": LEASE_ID,
        "eid": "laptop",
        "count": 3,
        "nonce": base64url(pattern("relay nonce", 16)),
        "timestamp": RELAY_TIMESTAMP_MS,
    }
    signed = rfc8785.dumps(call)
    ed25519 = Ed25519PrivateKey.from_private_bytes(pattern("relay seed", 32))
    es256 = ec.derive_private_key(int.from_bytes(pattern("relay scalar", 31)), ec.SECP256R1())
    der = es256.sign(signed, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    r, s = utils.decode_dss_signature(der)
    return {
        "call": call,
        "bytes": signed.hex(),
        "ed25519": relay_key_vector(ed25519.public_key().public_bytes_raw(), ed25519.sign(signed)),
        "es256": relay_key_vector(
            es256.public_key().public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
            ),
            r.to_bytes(32, "big") + s.to_bytes(32, "big"),
        ),
    }


def relay_key_vector(public_raw: bytes, signature: bytes) -> dict[str, str]:
    return {
        "publicKey": public_raw.hex(),
        "rid": base64url(hashlib.sha256(public_raw).digest()),
        "signature": signature.hex(),
    }


def user_audit_key_vector() -> dict[str, str]:
    salt = hashlib.sha256(b"ATS/KMS/UAK/salt/v1").digest()
    seed = hkdf(MASTER_SECRET, salt, b"ATS/KMS/UAK/v1")
    key = Ed25519PrivateKey.from_private_bytes(seed)
    message = b"a user authenticated this"
    return {
        "masterSecret": MASTER_SECRET.hex(),
        "seed": seed.hex(),
        "publicKey": key.public_key().public_bytes_raw().hex(),
        "message": message.hex(),
        "signature": key.sign(message).hex(),
    }


def format_vectors() -> str:
    return json.dumps(vectors(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(format_vectors())
