"""Known answers of every primitive, and a key handle's way through storage and back.

Run at every start, before anything else is believed. What the browser lacks is
``unsupported`` with the capability's name; a wrong answer is ``attestation.failed``.
Some browsers fail to store a CryptoKey or hand back nothing: that is why the probe
key is read back and used.

The vectors were computed with another implementation (tests/vectors/selftest.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from kms_enclave.context import Context
from kms_enclave.errors import KMSError
from kms_enclave.ports.crypto import (
    AuditSigningKey,
    CryptoPort,
    MasterSecret,
    PassphraseKeys,
    SignatureCheck,
)
from kms_enclave.ports.storage import Address, Delete, Put, Record, StorageError

__all__ = ["is_probe", "run_self_tests"]

_PROBE_PREFIX: Final = "probe/"
_PROBE_LIFE_MS: Final = 60_000
_MAX_LEFTOVERS: Final = 16


async def run_self_tests(context: Context) -> Sequence[str]:
    """Return the names of the capabilities, all of which work. Raises KMSError."""
    tests: dict[str, Callable[[], Awaitable[bool]]] = {
        name: _bind(test, context.crypto) for name, test in _KNOWN_ANSWERS.items()
    }
    tests["stored-key"] = lambda: _stored_key_works(context)
    await asyncio.gather(*(_run(name, test) for name, test in tests.items()))
    return sorted(tests)


def _bind(
    test: Callable[[CryptoPort], Awaitable[bool]], crypto: CryptoPort
) -> Callable[[], Awaitable[bool]]:
    return lambda: test(crypto)


async def _run(name: str, test: Callable[[], Awaitable[bool]]) -> None:
    try:
        good = await test()
    except (StorageError, KMSError):
        raise
    except Exception as error:
        # A primitive that is missing raises whatever its platform raises.
        raise KMSError(
            "unsupported",
            f"This browser lacks {name}",
            details={"capability": name, "error": type(error).__name__},
        ) from error
    if not good:
        raise KMSError("attestation.failed", details={"reason": f"self-test failed: {name}"})


# Public test vectors; they protect nothing.
_PASSPHRASE: Final = b"known answer"
_SALT: Final = b"\x01" * 16
_ITERATIONS: Final = 1000
_IV: Final = b"\x02" * 12
_AAD: Final = b"self-test"
_MESSAGE: Final = b"message"
_MAC: Final = bytes.fromhex("5eea549ebd2123f35404e7e2f26d19bee764d65f9e9484640e6940fc1e08949e")
_WRAPPED_SECRET: Final = bytes.fromhex(
    "10ff9d0fb2956bed88e055a9609f4b5b298bd7f38007eb788e20b28df753d24fbbdee6c99c9269f8"
    "ddd2fb06210fc19f"
)
_AUDIT_PUBLIC: Final = bytes.fromhex(
    "1e0985f8b2389292c554fa160e1108ffe580d18f2b28c5016c8f12425be01239"
)
_AUDIT_SIGNATURE: Final = bytes.fromhex(
    "3519cfffd1deb0e0860194f8e19a03b2c9aadaa20da12aa6acdaf05ba9f366938dbdffcccd4f60fc"
    "dea691fcc87f28adff497f009137cea983f3e89508c82e03"
)
_WRAPPED_VAPID: Final = bytes.fromhex(
    "85821433ee37e95790d8aeefb8c8be6ee9214bc7e508ec5356b72b923844e487f8cbd1176639b197"
    "2e4072e3e1e93157ed29d18d8310114d500f159ae3d12f4f146e7663c612db38191cda325efa71ce"
    "c89bb50b42581f18af5e0c2f973026d30e95016a0870a8d30adf5746dc8f184db7b846ae72059840"
    "3ed154735b4de92f2100bae0ce0db2a9ef04b36aa9abe2e468af5798225978278ed4"
)
_VAPID_PUBLIC: Final = bytes.fromhex(
    "0473103ec30b3ccf57daae08e93534aef144a35940cf6bbba12a0cf7cbd5d65a64d82c8c99e9d3c4"
    "5f9245ba9b27982c9aea8ec1db94b19c44795942c0eb22aa32"
)


async def _passphrase_keys(crypto: CryptoPort) -> PassphraseKeys:
    return await crypto.derive_passphrase_keys(
        passphrase=_PASSPHRASE, salt=_SALT, iterations=_ITERATIONS, kek_info=b"kek", kcv_info=b"kcv"
    )


async def _master_secret(crypto: CryptoPort) -> MasterSecret:
    keys = await _passphrase_keys(crypto)
    return await crypto.open_master_secret(kek=keys.kek, wrapped=_WRAPPED_SECRET, iv=_IV, aad=_AAD)


async def _pbkdf2_works(crypto: CryptoPort) -> bool:
    keys = await _passphrase_keys(crypto)
    return await crypto.mac(keys.kcv_key, _MESSAGE) == _MAC


async def _hkdf_works(crypto: CryptoPort) -> bool:
    secret = await _master_secret(crypto)
    public = await crypto.derive_audit_public_key(secret, salt=b"salt", info=b"audit")
    return public == _AUDIT_PUBLIC


async def _ed25519_works(crypto: CryptoPort) -> bool:
    secret = await _master_secret(crypto)
    key = await crypto.derive_audit_key(secret, salt=b"salt", info=b"audit")
    made = await crypto.sign_ed25519(key, _MESSAGE)
    altered = bytes([_AUDIT_SIGNATURE[0] ^ 1]) + _AUDIT_SIGNATURE[1:]
    signatures = (made, _AUDIT_SIGNATURE, altered)
    answers = await crypto.verify_ed25519(
        [SignatureCheck(_AUDIT_PUBLIC, signature, _MESSAGE) for signature in signatures]
    )
    return list(answers) == [True, True, False]


async def _es256_works(crypto: CryptoPort) -> bool:
    secret = await _master_secret(crypto)
    wrapping_key = await crypto.derive_wrapping_key(secret, salt=b"salt", info=b"wrapping")
    key = await crypto.open_vapid_key(
        wrapping_key=wrapping_key, wrapped=_WRAPPED_VAPID, iv=_IV, aad=_AAD
    )
    made = await crypto.sign_es256(key, _MESSAGE)
    altered = bytes([made[0] ^ 1]) + made[1:]
    good = await crypto.verify_es256(public_raw=_VAPID_PUBLIC, signature=made, message=_MESSAGE)
    bad = await crypto.verify_es256(public_raw=_VAPID_PUBLIC, signature=altered, message=_MESSAGE)
    return good and not bad


def is_probe(address: Address) -> bool:
    """Tell whether a record belongs to a self-test, of another tab or one that was cut short."""
    return address.store == "meta" and str(address.key).startswith(_PROBE_PREFIX)


async def _stored_key_works(context: Context) -> bool:
    crypto, storage = context.crypto, context.storage
    made = await crypto.generate_audit_key()
    # A name of its own: two tabs that start together must not read each other's key.
    probe = Address("meta", _PROBE_PREFIX + crypto.random_uuid())
    now_ms = context.clock.now_ms()
    expired = await storage.expired("meta", now_ms=now_ms, limit=_MAX_LEFTOVERS)
    record_of_key = Record(1, "{}", {"key": made.private}, expires_ms=now_ms + _PROBE_LIFE_MS)
    await storage.commit(expectations=(), puts=[Put(probe, record_of_key)], durable=False)
    (record,) = await storage.read([probe])
    stored = record.handles.get("key") if record else None
    leftovers = (Address("meta", key) for key, _ in expired)
    await storage.commit(
        expectations=(),
        puts=(),
        deletes=[Delete(probe), *(Delete(address) for address in leftovers if is_probe(address))],
        durable=False,
    )
    if not isinstance(stored, AuditSigningKey):
        raise KMSError(
            "unsupported", "This browser cannot store keys", details={"capability": "stored-key"}
        )
    signature = await crypto.sign_ed25519(stored, _MESSAGE)
    (good,) = await crypto.verify_ed25519([SignatureCheck(made.public_raw, signature, _MESSAGE)])
    return good


_KNOWN_ANSWERS: Final = {
    "pbkdf2": _pbkdf2_works,
    "hkdf-aes-gcm": _hkdf_works,
    "ed25519": _ed25519_works,
    "ecdsa-p256": _es256_works,
}
