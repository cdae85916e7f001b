"""Keys and records that several promises start from."""

from __future__ import annotations

import attrs
from kms_enclave.ports.crypto import (
    CryptoPort,
    MasterSecret,
    PassphraseKeys,
    UnusableSecretError,
    VapidSigningKey,
    WrappedVapidKey,
    WrappingKey,
)
from kms_enclave.ports.storage import Address, Key, Record, StoreName

__all__ = [
    "AUDIT_LABELS",
    "IV",
    "Materials",
    "at",
    "make_materials",
    "passphrase_keys",
    "record",
]

IV = bytes(range(12))
AUDIT_LABELS = ((b"a", b"b"), (b"a", b"c"), (b"d", b"b"), (b"", b""))
"""Salt and info of audit keys that can be derived from the secret of :func:`make_materials`."""


@attrs.frozen
class Materials:
    """One of each handle, the wrapped forms they came from, and the public key.

    The Master Secret is wrapped under ``keys.kek`` with AAD ``secret``, the VAPID key
    under ``wrapping_key`` with AAD ``vapid``; both with :data:`IV`.
    """

    keys: PassphraseKeys
    wrapped_secret: bytes
    secret: MasterSecret
    wrapping_key: WrappingKey
    vapid: WrappedVapidKey
    signing_key: VapidSigningKey


async def passphrase_keys(crypto: CryptoPort, passphrase: bytes = b"passphrase") -> PassphraseKeys:
    """Derive with few iterations: how many is the domain's concern."""
    return await crypto.derive_passphrase_keys(
        passphrase=passphrase, salt=bytes(16), iterations=1_000, kek_info=b"kek", kcv_info=b"kcv"
    )


async def make_materials(crypto: CryptoPort) -> Materials:
    """Make one of each."""
    keys = await passphrase_keys(crypto)
    wrapped_secret, secret = await _make_secret(crypto, keys)
    wrapping_key = await crypto.derive_wrapping_key(secret, salt=b"salt", info=b"info")
    vapid = await crypto.generate_vapid_key(
        wrapping_key=wrapping_key, iv=IV, aad_for=lambda _: b"vapid"
    )
    signing_key = await crypto.open_vapid_key(
        wrapping_key=wrapping_key, wrapped=vapid.wrapped, iv=IV, aad=b"vapid"
    )
    return Materials(
        keys=keys,
        wrapped_secret=wrapped_secret,
        secret=secret,
        wrapping_key=wrapping_key,
        vapid=vapid,
        signing_key=signing_key,
    )


async def _make_secret(crypto: CryptoPort, keys: PassphraseKeys) -> tuple[bytes, MasterSecret]:
    # As setup does it: WebKitGTK refuses one audit key in 256, whatever it is derived from.
    while True:
        wrapped = await crypto.generate_master_secret(kek=keys.kek, iv=IV, aad=b"secret")
        secret = await crypto.open_master_secret(
            kek=keys.kek, wrapped=wrapped, iv=IV, aad=b"secret"
        )
        try:
            for salt, info in AUDIT_LABELS:
                await crypto.derive_audit_public_key(secret, salt=salt, info=info)
        except UnusableSecretError:
            continue
        return wrapped, secret


def at(key: Key, store: StoreName = "meta") -> Address:
    """Return an address."""
    return Address(store, key)


def record(value: str = "{}", *, revision: int = 1, expires_ms: int | None = None) -> Record:
    """Return a record without handles."""
    return Record(revision=revision, value=value, expires_ms=expires_ms)
