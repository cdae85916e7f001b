"""The crypto port on WebCrypto.

Guarantees that every handle it returns is non-extractable, and that the Master Secret,
seeds and private keys never enter Python's memory; derived bytes that JavaScript must
hold for an instant are overwritten. A passphrase is a Python string before it comes
here and cannot be: only its JavaScript copy is. Does not protect from script that runs
beside it.

Specification: docs/spec/crypto.md; W3C Web Cryptography Level 2; RFC 8410 for the
PKCS#8 form of an Ed25519 seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, cast

from pyodide.ffi import JsException, JsProxy

from kms_enclave.adapters.browser.algorithms import SECRET_BITS, Algorithms
from kms_enclave.adapters.browser.border import js_array, js_bytes, js_framed, js_key
from kms_enclave.adapters.browser.js_types import (
    JsBuffer,
    JsCrypto,
    JsCryptoKey,
    JsJwk,
    JsKeyPair,
    JsPrimitives,
)
from kms_enclave.adapters.browser.webauthn import verify_webauthn_signature
from kms_enclave.adapters.browser.wrapping import Wrapping
from kms_enclave.encoding import parse_base64url
from kms_enclave.ports.crypto import (
    AuditSigningKey,
    GeneratedAuditKey,
    MacKey,
    MasterSecret,
    PassphraseKeys,
    SignatureCheck,
    UnusableSecretError,
    VapidSigningKey,
    WrappedVapidKey,
    WrappingKey,
)

__all__ = ["WebCrypto"]

_ES256_PUBLIC_BYTES: Final = 65
_ED25519_PUBLIC_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_ED25519_PKCS8_PREFIX: Final = bytes.fromhex("302e020100300506032b657004220420")
_SEED_BYTES: Final = 32
_SPARE_ATTEMPTS: Final = 7


class WebCrypto:
    """:class:`~kms_enclave.ports.crypto.CryptoPort` for the browser."""

    def __init__(self, js_crypto: JsCrypto, js_primitives: JsPrimitives) -> None:
        self._js_crypto = js_crypto
        self._js_subtle = js_crypto.subtle
        self._js_primitives = js_primitives
        self._algorithms = Algorithms(js_primitives)
        self._wrapping = Wrapping(self._js_subtle, self._algorithms)

    def random_bytes(self, length: int) -> bytes:
        """Return ``length`` (1 to 65 536) bytes of the live random source."""
        if length < 1:
            raise ValueError("length must be at least 1")
        return self._js_crypto.getRandomValues(js_bytes(bytes(length))).to_bytes()

    def random_uuid(self) -> str:
        """Return a version 4 UUID in lower case."""
        return self._js_crypto.randomUUID()

    async def derive_passphrase_keys(
        self, *, passphrase: bytes, salt: bytes, iterations: int, kek_info: bytes, kcv_info: bytes
    ) -> PassphraseKeys:
        """PBKDF2-HMAC-SHA-256 to 256 bits, then HKDF-SHA-256 with empty salt, by label."""
        subtle = self._js_subtle
        js_passphrase = js_bytes(passphrase)
        try:
            js_base = await subtle.importKey(
                "raw",
                js_passphrase,
                self._algorithms.js_pbkdf2,
                False,
                self._algorithms.js_to_derive_bits,
            )
        finally:
            js_passphrase.fill(0)
        js_parameters = self._algorithms.js_pbkdf2_with(salt=salt, iterations=iterations)
        js_root_bits = await subtle.deriveBits(js_parameters, js_base, SECRET_BITS)
        try:
            js_root = await subtle.importKey(
                "raw", js_root_bits, self._algorithms.js_hkdf, False, self._algorithms.js_to_derive
            )
        finally:
            self._js_primitives.toView(js_root_bits).fill(0)
        js_kek = await subtle.deriveKey(
            self._algorithms.js_hkdf_to(salt=b"", info=kek_info),
            js_root,
            self._algorithms.js_aes,
            False,
            self._algorithms.js_to_wrap,
        )
        js_kcv_key = await subtle.deriveKey(
            self._algorithms.js_hkdf_to(salt=b"", info=kcv_info),
            js_root,
            self._algorithms.js_hmac,
            False,
            self._algorithms.js_to_sign,
        )
        return PassphraseKeys(kek=WrappingKey(js_kek), kcv_key=MacKey(js_kcv_key))

    async def derive_prf_kek(self, *, prf_output: bytes, salt: bytes, info: bytes) -> WrappingKey:
        """HKDF-SHA-256 over a PRF output, to an AES-256-GCM wrapping key."""
        js_output = js_bytes(prf_output)
        try:
            js_root = await self._js_subtle.importKey(
                "raw", js_output, self._algorithms.js_hkdf, False, self._algorithms.js_to_derive
            )
        finally:
            js_output.fill(0)
        return await self.derive_wrapping_key(MasterSecret(js_root), salt=salt, info=info)

    async def generate_wrapping_key(self) -> WrappingKey:
        """Generate an AES-256-GCM wrapping key that cannot be exported."""
        js_wrapping_key = await self._js_subtle.generateKey(
            self._algorithms.js_aes, False, self._algorithms.js_to_wrap
        )
        return WrappingKey(js_wrapping_key)

    async def verify_webauthn(
        self, *, algorithm: str, public_key: bytes, signature: bytes, message: bytes
    ) -> bool:
        """Check an assertion's signature; malformed keys and signatures are ``False``."""
        return await verify_webauthn_signature(
            self._js_subtle,
            self._algorithms,
            algorithm=algorithm,
            public_key=public_key,
            signature=signature,
            message=message,
        )

    async def mac(self, key: MacKey, message: bytes) -> bytes:
        """Return the 32-byte HMAC-SHA-256."""
        return await self._sign(self._algorithms.js_hmac, js_key(key), message)

    async def generate_master_secret(self, *, kek: WrappingKey, iv: bytes, aad: bytes) -> bytes:
        """Make 32 random bytes and return them wrapped (48 bytes); no handle survives."""
        js_secret = await self._js_subtle.generateKey(
            self._algorithms.js_hmac, True, self._algorithms.js_to_sign
        )
        return await self._wrapping.wrap_secret(
            cast("JsCryptoKey", js_secret), key=kek, iv=iv, aad=aad
        )

    async def open_master_secret(
        self, *, kek: WrappingKey, wrapped: bytes, iv: bytes, aad: bytes
    ) -> MasterSecret:
        """Unwrap into an HKDF handle. Raises DecryptionError."""
        js_secret = await self._wrapping.unwrap_secret(
            wrapped,
            key=kek,
            iv=iv,
            aad=aad,
            js_algorithm=self._algorithms.js_hkdf,
            extractable=False,
            js_usages=self._algorithms.js_to_derive,
        )
        return MasterSecret(js_secret)

    async def rewrap_master_secret(
        self,
        *,
        kek: WrappingKey,
        wrapped: bytes,
        iv: bytes,
        aad: bytes,
        new_kek: WrappingKey,
        new_iv: bytes,
        new_aad: bytes,
    ) -> bytes:
        """Return the same Master Secret wrapped under ``new_kek``. Raises DecryptionError."""
        # An HKDF key can never be exported, and so not be wrapped: the same bytes as an
        # HMAC key can.
        js_secret = await self._wrapping.unwrap_secret(
            wrapped,
            key=kek,
            iv=iv,
            aad=aad,
            js_algorithm=self._algorithms.js_hmac,
            extractable=True,
            js_usages=self._algorithms.js_to_sign,
        )
        return await self._wrapping.wrap_secret(js_secret, key=new_kek, iv=new_iv, aad=new_aad)

    async def derive_wrapping_key(
        self, secret: MasterSecret, *, salt: bytes, info: bytes
    ) -> WrappingKey:
        """HKDF-SHA-256 to an AES-256-GCM wrapping key."""
        js_wrapping_key = await self._js_subtle.deriveKey(
            self._algorithms.js_hkdf_to(salt=salt, info=info),
            js_key(secret),
            self._algorithms.js_aes,
            False,
            self._algorithms.js_to_wrap,
        )
        return WrappingKey(js_wrapping_key)

    async def derive_audit_key(
        self, secret: MasterSecret, *, salt: bytes, info: bytes
    ) -> AuditSigningKey:
        """HKDF-SHA-256 to a 32-byte Ed25519 seed, imported; the seed is overwritten."""
        return AuditSigningKey(
            await self._import_seed(secret, salt=salt, info=info, extractable=False)
        )

    async def derive_audit_public_key(
        self, secret: MasterSecret, *, salt: bytes, info: bytes
    ) -> bytes:
        """Return the 32-byte public key that belongs to :meth:`derive_audit_key`."""
        # WebCrypto gives the public half of a private key only through an export.
        js_private = await self._import_seed(secret, salt=salt, info=info, extractable=True)
        js_jwk = cast("JsJwk", await self._js_subtle.exportKey("jwk", js_private))
        return parse_base64url(js_jwk.x)

    async def generate_vapid_key(
        self, *, wrapping_key: WrappingKey, iv: bytes, aad_for: Callable[[bytes], bytes]
    ) -> WrappedVapidKey:
        """Generate P-256 and wrap it at once; ``aad_for`` gets the 65-byte public point."""
        js_pair = await self._generate_pair(self._algorithms.js_p256, extractable=True)
        public_raw = await self._export_public(js_pair)
        wrapped = await self._wrapping.wrap_vapid_key(
            js_pair.privateKey, key=wrapping_key, iv=iv, aad=aad_for(public_raw)
        )
        return WrappedVapidKey(wrapped=wrapped, public_raw=public_raw)

    async def rewrap_vapid_key(
        self,
        *,
        wrapping_key: WrappingKey,
        wrapped: bytes,
        iv: bytes,
        aad: bytes,
        new_wrapping_key: WrappingKey,
        new_iv: bytes,
        new_aad: bytes,
    ) -> bytes:
        """Return the same private key wrapped under another key. Raises DecryptionError."""
        js_private = await self._wrapping.unwrap_vapid_key(
            wrapped, key=wrapping_key, iv=iv, aad=aad, extractable=True
        )
        return await self._wrapping.wrap_vapid_key(
            js_private, key=new_wrapping_key, iv=new_iv, aad=new_aad
        )

    async def open_vapid_key(
        self, *, wrapping_key: WrappingKey, wrapped: bytes, iv: bytes, aad: bytes
    ) -> VapidSigningKey:
        """Unwrap into a non-extractable signing handle. Raises DecryptionError."""
        js_private = await self._wrapping.unwrap_vapid_key(
            wrapped, key=wrapping_key, iv=iv, aad=aad, extractable=False
        )
        return VapidSigningKey(js_private)

    async def sign_es256(self, key: VapidSigningKey, message: bytes) -> bytes:
        """ECDSA P-256 with SHA-256; 64 bytes, r‖s."""
        return await self._sign(self._algorithms.js_es256, js_key(key), message)

    async def verify_es256(self, *, public_raw: bytes, signature: bytes, message: bytes) -> bool:
        """Check a 64-byte r‖s signature against a 65-byte uncompressed point."""
        if len(public_raw) != _ES256_PUBLIC_BYTES or len(signature) != _SIGNATURE_BYTES:
            return False
        try:
            js_public = await self._js_subtle.importKey(
                "raw",
                js_bytes(public_raw),
                self._algorithms.js_p256,
                False,
                self._algorithms.js_to_verify,
            )
        except JsException as error:
            if error.name != "DataError":
                raise
            return False
        return await self._js_subtle.verify(
            self._algorithms.js_es256, js_public, js_bytes(signature), js_bytes(message)
        )

    async def generate_audit_key(self) -> GeneratedAuditKey:
        """Generate an Ed25519 key."""
        js_pair = await self._generate_audit_pair()
        return GeneratedAuditKey(
            private=AuditSigningKey(js_pair.privateKey),
            public_raw=await self._export_public(js_pair),
        )

    async def sign_ed25519(self, key: AuditSigningKey, message: bytes) -> bytes:
        """Return the 64-byte signature."""
        return await self._sign(self._algorithms.js_ed25519, js_key(key), message)

    async def verify_ed25519(self, checks: Sequence[SignatureCheck]) -> Sequence[bool]:
        """Check many signatures in one crossing; one answer for each, in order."""
        well_formed = [
            len(check.public_raw) == _ED25519_PUBLIC_BYTES
            and len(check.signature) == _SIGNATURE_BYTES
            for check in checks
        ]
        js_checks = js_framed(
            check.public_raw + check.signature + check.message
            for check, is_well_formed in zip(checks, well_formed, strict=True)
            if is_well_formed
        )
        js_verdicts = await self._js_primitives.verifyEd25519(self._js_subtle, js_checks)
        verdicts = iter(js_verdicts.to_bytes())
        return [is_well_formed and next(verdicts) == 1 for is_well_formed in well_formed]

    async def sign_es256_many(
        self, key: VapidSigningKey, messages: Sequence[bytes]
    ) -> Sequence[bytes]:
        """:meth:`sign_es256` for several messages in one crossing, in order."""
        js_signatures = await self._js_primitives.signEs256(
            self._js_subtle, js_key(key), js_framed(messages)
        )
        return _split(js_signatures)

    async def sign_ed25519_chain(
        self, items: Sequence[tuple[AuditSigningKey, bytes]]
    ) -> Sequence[bytes]:
        """:meth:`sign_ed25519` for several (key, message) pairs in one crossing, in order."""
        js_keys = js_array([js_key(key) for key, _ in items])
        js_messages = js_framed(message for _, message in items)
        return _split(await self._js_primitives.signEd25519(self._js_subtle, js_keys, js_messages))

    async def _import_seed(
        self, secret: MasterSecret, *, salt: bytes, info: bytes, extractable: bool
    ) -> JsCryptoKey:
        js_bits = await self._js_subtle.deriveBits(
            self._algorithms.js_hkdf_to(salt=salt, info=info), js_key(secret), SECRET_BITS
        )
        js_seed = self._js_primitives.toView(js_bits)
        js_pkcs8 = js_bytes(_ED25519_PKCS8_PREFIX + bytes(_SEED_BYTES))
        try:
            js_pkcs8.set(js_seed, len(_ED25519_PKCS8_PREFIX))
            return await self._js_subtle.importKey(
                "pkcs8",
                js_pkcs8,
                self._algorithms.js_ed25519,
                extractable,
                self._algorithms.js_to_sign,
            )
        except JsException as error:
            # WebKitGTK loses a seed's leading zero: https://bugs.webkit.org/show_bug.cgi?id=307095
            if error.name == "DataError":
                raise UnusableSecretError("the browser refuses this seed") from None
            raise
        finally:
            js_seed.fill(0)
            js_pkcs8.fill(0)

    async def _generate_pair(self, js_algorithm: JsProxy, *, extractable: bool) -> JsKeyPair:
        js_pair = await self._js_subtle.generateKey(
            js_algorithm, extractable, self._algorithms.js_to_sign_and_verify
        )
        return cast("JsKeyPair", js_pair)

    async def _generate_audit_pair(self) -> JsKeyPair:
        # WebKitGTK fails one time in a hundred: https://bugs.webkit.org/show_bug.cgi?id=307095
        for _ in range(_SPARE_ATTEMPTS):
            try:
                return await self._generate_pair(self._algorithms.js_ed25519, extractable=False)
            except JsException as error:
                if error.name != "OperationError":
                    raise
        return await self._generate_pair(self._algorithms.js_ed25519, extractable=False)

    async def _export_public(self, js_pair: JsKeyPair) -> bytes:
        js_raw = await self._js_subtle.exportKey("raw", js_pair.publicKey)
        return cast("JsBuffer", js_raw).to_bytes()

    async def _sign(
        self, js_algorithm: JsProxy, js_signing_key: JsCryptoKey, message: bytes
    ) -> bytes:
        js_signature = await self._js_subtle.sign(js_algorithm, js_signing_key, js_bytes(message))
        return js_signature.to_bytes()


def _split(js_signatures: JsBuffer) -> Sequence[bytes]:
    joined = js_signatures.to_bytes()
    return [
        joined[start : start + _SIGNATURE_BYTES]
        for start in range(0, len(joined), _SIGNATURE_BYTES)
    ]
