"""Wrapping and unwrapping under AES-256-GCM, in the two shapes that the enclave has.

A Master Secret travels as 32 raw bytes, a VAPID key as PKCS#8. Specification:
docs/spec/crypto.md; W3C Web Cryptography Level 2, ``wrapKey`` and ``unwrapKey``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pyodide.ffi import JsException, JsProxy

from kms_enclave.adapters.browser.algorithms import Algorithms
from kms_enclave.adapters.browser.border import js_bytes, js_key
from kms_enclave.adapters.browser.js_types import JsCryptoKey, JsSubtle
from kms_enclave.ports.crypto import DecryptionError, WrappingKey

__all__ = ["Wrapping"]

_WRAPPED_SECRET_BYTES: Final = 32 + 16


class Wrapping:
    """``wrap_*`` take an extractable key; ``unwrap_*`` raise DecryptionError."""

    def __init__(self, js_subtle: JsSubtle, algorithms: Algorithms) -> None:
        self._js_subtle = js_subtle
        self._algorithms = algorithms

    async def wrap_secret(
        self, js_secret: JsCryptoKey, *, key: WrappingKey, iv: bytes, aad: bytes
    ) -> bytes:
        """Return 48 bytes."""
        return await self._wrap("raw", js_secret, key, iv, aad)

    async def unwrap_secret(
        self,
        wrapped: bytes,
        *,
        key: WrappingKey,
        iv: bytes,
        aad: bytes,
        js_algorithm: JsProxy,
        extractable: bool,
        js_usages: JsProxy,
    ) -> JsCryptoKey:
        """Return the secret as a key for ``js_algorithm``."""
        # Any bytes make a key; without this another record's plaintext could become one.
        if len(wrapped) != _WRAPPED_SECRET_BYTES:
            raise DecryptionError("what was wrapped is not a Master Secret")
        return await self._unwrap(
            "raw", wrapped, key, iv, aad, js_algorithm, extractable, js_usages
        )

    async def wrap_vapid_key(
        self, js_private: JsCryptoKey, *, key: WrappingKey, iv: bytes, aad: bytes
    ) -> bytes:
        """Return PKCS#8 under AES-GCM."""
        return await self._wrap("pkcs8", js_private, key, iv, aad)

    async def unwrap_vapid_key(
        self, wrapped: bytes, *, key: WrappingKey, iv: bytes, aad: bytes, extractable: bool
    ) -> JsCryptoKey:
        """Return the private key, for signing."""
        return await self._unwrap(
            "pkcs8",
            wrapped,
            key,
            iv,
            aad,
            self._algorithms.js_p256,
            extractable,
            self._algorithms.js_to_sign,
        )

    async def _wrap(
        self, key_format: str, js_secret: JsCryptoKey, key: WrappingKey, iv: bytes, aad: bytes
    ) -> bytes:
        js_gcm = self._algorithms.js_gcm(iv=iv, aad=aad)
        js_wrapped = await self._js_subtle.wrapKey(key_format, js_secret, js_key(key), js_gcm)
        return js_wrapped.to_bytes()

    async def _unwrap(
        self,
        key_format: str,
        wrapped: bytes,
        key: WrappingKey,
        iv: bytes,
        aad: bytes,
        js_algorithm: JsProxy,
        extractable: bool,
        js_usages: JsProxy,
    ) -> JsCryptoKey:
        js_gcm = self._algorithms.js_gcm(iv=iv, aad=aad)
        with _decryption_errors():
            return await self._js_subtle.unwrapKey(
                key_format,
                js_bytes(wrapped),
                js_key(key),
                js_gcm,
                js_algorithm,
                extractable,
                js_usages,
            )


@contextmanager
def _decryption_errors() -> Iterator[None]:
    try:
        yield
    except JsException as error:
        # OperationError: it does not authenticate. DataError: it does, and is no such key.
        # Both often come without a message.
        if error.name in ("OperationError", "DataError"):
            raise DecryptionError(f"unwrapping failed ({error.name})") from None
        raise
