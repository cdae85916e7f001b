"""Algorithm parameters as JavaScript objects; what never changes is built once."""

from __future__ import annotations

from typing import Final

from pyodide.ffi import JsProxy

from kms_enclave.adapters.browser.border import js_array, js_object
from kms_enclave.adapters.browser.js_types import JsPrimitives

__all__ = ["SECRET_BITS", "Algorithms"]

SECRET_BITS: Final = 256
_IV_BYTES: Final = 12


class Algorithms:
    """What WebCrypto's functions take as ``algorithm`` and ``keyUsages``."""

    def __init__(self, js_primitives: JsPrimitives) -> None:
        self._js_primitives = js_primitives
        self.js_aes = self._js_object(name="AES-GCM", length=SECRET_BITS)
        self.js_hmac = self._js_object(name="HMAC", hash="SHA-256", length=SECRET_BITS)
        self.js_hkdf = self._js_object(name="HKDF")
        self.js_pbkdf2 = self._js_object(name="PBKDF2")
        self.js_p256 = self._js_object(name="ECDSA", namedCurve="P-256")
        self.js_es256 = self._js_object(name="ECDSA", hash="SHA-256")
        self.js_ed25519 = self._js_object(name="Ed25519")
        # One object serves importing a key and verifying with it: each reads what it knows.
        self.js_webauthn = {
            "ES256": self._js_object(name="ECDSA", namedCurve="P-256", hash="SHA-256"),
            "RS256": self._js_object(name="RSASSA-PKCS1-v1_5", hash="SHA-256"),
            "EdDSA": self.js_ed25519,
        }
        self.js_to_sign = js_array(["sign"])
        self.js_to_verify = js_array(["verify"])
        self.js_to_sign_and_verify = js_array(["sign", "verify"])
        self.js_to_wrap = js_array(["wrapKey", "unwrapKey"])
        self.js_to_derive = js_array(["deriveKey", "deriveBits"])
        self.js_to_derive_bits = js_array(["deriveBits"])

    def js_hkdf_to(self, *, salt: bytes, info: bytes) -> JsProxy:
        """HKDF-SHA-256 (RFC 5869)."""
        return self._js_object(name="HKDF", hash="SHA-256", salt=salt, info=info)

    def js_pbkdf2_with(self, *, salt: bytes, iterations: int) -> JsProxy:
        """PBKDF2-HMAC-SHA-256 (RFC 8018)."""
        return self._js_object(name="PBKDF2", hash="SHA-256", salt=salt, iterations=iterations)

    def js_gcm(self, *, iv: bytes, aad: bytes) -> JsProxy:
        """AES-GCM with a 16-byte tag. WebCrypto would take an IV of any length."""
        if len(iv) != _IV_BYTES:
            raise ValueError(f"an IV has {_IV_BYTES} bytes")
        return self._js_object(name="AES-GCM", iv=iv, additionalData=aad)

    def _js_object(self, **fields: object) -> JsProxy:
        return js_object(self._js_primitives, fields)
