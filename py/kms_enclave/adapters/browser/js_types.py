"""The JavaScript objects that the browser adapters use, as far as they use them.

Names and shapes are the platform's: W3C Web Cryptography Level 2 and the interfaces of
``worker/primitives`` and ``worker/start/host.ts``. Awaitables are promises.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from pyodide.ffi import JsProxy

__all__ = [
    "JsBuffer",
    "JsBytes",
    "JsCrypto",
    "JsCryptoKey",
    "JsDatabase",
    "JsHost",
    "JsJwk",
    "JsKeyPair",
    "JsKeys",
    "JsPrimitives",
    "JsRequestedLock",
    "JsRows",
    "JsSubtle",
]


class JsBuffer(Protocol):
    """An ArrayBuffer."""

    def to_bytes(self) -> bytes: ...


class JsBytes(JsBuffer, Protocol):
    """A Uint8Array."""

    def fill(self, value: int) -> object: ...
    def set(self, source: JsBytes, offset: int) -> None: ...


class JsCryptoKey(Protocol):
    """A CryptoKey."""

    @property
    def extractable(self) -> bool: ...


class JsKeyPair(Protocol):
    """A CryptoKeyPair."""

    @property
    def privateKey(self) -> JsCryptoKey: ...
    @property
    def publicKey(self) -> JsCryptoKey: ...


class JsJwk(Protocol):
    """A public or private JSON Web Key of an Ed25519 key."""

    @property
    def x(self) -> str: ...


class JsSubtle(Protocol):
    """SubtleCrypto."""

    def importKey(
        self,
        key_format: str,
        data: JsBuffer,
        algorithm: JsProxy,
        extractable: bool,
        usages: JsProxy,
        /,
    ) -> Awaitable[JsCryptoKey]: ...
    def exportKey(self, key_format: str, key: JsCryptoKey, /) -> Awaitable[JsProxy]: ...
    def generateKey(
        self, algorithm: JsProxy, extractable: bool, usages: JsProxy, /
    ) -> Awaitable[JsProxy]: ...
    def deriveBits(
        self, algorithm: JsProxy, key: JsCryptoKey, length: int, /
    ) -> Awaitable[JsBuffer]: ...
    def deriveKey(
        self,
        algorithm: JsProxy,
        key: JsCryptoKey,
        derived: JsProxy,
        extractable: bool,
        usages: JsProxy,
        /,
    ) -> Awaitable[JsCryptoKey]: ...
    def wrapKey(
        self, key_format: str, key: JsCryptoKey, wrapping_key: JsCryptoKey, algorithm: JsProxy, /
    ) -> Awaitable[JsBuffer]: ...
    def unwrapKey(
        self,
        key_format: str,
        wrapped: JsBuffer,
        unwrapping_key: JsCryptoKey,
        algorithm: JsProxy,
        unwrapped: JsProxy,
        extractable: bool,
        usages: JsProxy,
        /,
    ) -> Awaitable[JsCryptoKey]: ...
    def sign(
        self, algorithm: JsProxy, key: JsCryptoKey, message: JsBuffer, /
    ) -> Awaitable[JsBuffer]: ...
    def verify(
        self, algorithm: JsProxy, key: JsCryptoKey, signature: JsBuffer, message: JsBuffer, /
    ) -> Awaitable[bool]: ...


class JsCrypto(Protocol):
    """The live ``crypto``."""

    @property
    def subtle(self) -> JsSubtle: ...
    def getRandomValues(self, target: JsBytes, /) -> JsBytes: ...
    def randomUUID(self) -> str: ...


class JsRequestedLock(Protocol):
    """``worker/primitives/locks.ts``."""

    @property
    def granted(self) -> Awaitable[None]: ...
    def release(self) -> None: ...


class JsKeys(Protocol):
    """An array of CryptoKeys."""

    def to_py(self) -> list[JsCryptoKey]: ...


class JsRows(Protocol):
    """``Rows`` of ``worker/primitives/rows.ts``."""

    @property
    def text(self) -> str: ...
    @property
    def values(self) -> str: ...
    @property
    def keys(self) -> JsKeys: ...


class JsDatabase(Protocol):
    """``worker/primitives/database.ts``. ``None`` arrives there as ``undefined``."""

    def read(self, text: str, /) -> Awaitable[JsRows]: ...
    def scan(self, store: str, after: str | int | None, limit: int, /) -> Awaitable[JsRows]: ...
    def scanPrefix(
        self, store: str, prefix: str, after: str | None, limit: int, /
    ) -> Awaitable[JsRows]: ...
    def expired(self, store: str, now_ms: int, limit: int, /) -> Awaitable[JsRows]: ...
    def count(self, store: str, /) -> Awaitable[int]: ...
    def commit(self, text: str, keys: JsProxy, is_durable: bool, /) -> Awaitable[int]: ...
    def replaceAll(self, text: str, keys: JsProxy, /) -> Awaitable[int]: ...


class JsPrimitives(Protocol):
    """``worker/primitives/index.ts``."""

    def signEd25519(
        self, subtle: JsSubtle, keys: JsProxy, messages: JsBytes, /
    ) -> Awaitable[JsBytes]: ...
    def signEs256(
        self, subtle: JsSubtle, key: JsCryptoKey, messages: JsBytes, /
    ) -> Awaitable[JsBytes]: ...
    def verifyEd25519(self, subtle: JsSubtle, checks: JsBytes, /) -> Awaitable[JsBytes]: ...
    def requestLock(self, locks: JsProxy, name: str, /) -> JsRequestedLock: ...
    def toObject(self, entries: object, /) -> JsProxy: ...
    def toView(self, buffer: JsBuffer, /) -> JsBytes: ...


class JsHost(Protocol):
    """``worker/start/host.ts``: all that Python may touch of the worker."""

    @property
    def crypto(self) -> JsCrypto: ...
    @property
    def primitives(self) -> JsPrimitives: ...
    @property
    def database(self) -> JsDatabase: ...
    @property
    def locks(self) -> JsProxy: ...
    @property
    def build(self) -> str: ...
    @property
    def config(self) -> str: ...
    @property
    def enclaveOrigin(self) -> str: ...
    @property
    def topOrigin(self) -> str: ...
    @property
    def send(self) -> Callable[[str], None]: ...
    def now(self) -> float: ...
    def monotonic(self) -> float: ...
    def defer(self, callback: JsProxy, /) -> None: ...
