"""Conversions between Python and JavaScript, all of them.

Nothing crosses by Pyodide's defaults, which change between versions: bytes become a
Uint8Array that is copied, dicts become plain objects, and a JavaScript ``null`` never
passes for ``None`` (since Pyodide 314 it is ``jsnull``, which is another object).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from pyodide.ffi import JsProxy, to_js

from kms_enclave.adapters.browser.js_types import JsBytes, JsCryptoKey, JsPrimitives
from kms_enclave.ports.crypto import KeyHandle

__all__ = [
    "js_array",
    "js_bytes",
    "js_framed",
    "js_key",
    "js_object",
]


def js_bytes(data: bytes) -> JsBytes:
    """Return a new Uint8Array with a copy of ``data``."""
    return cast("JsBytes", to_js(data))


def js_framed(messages: Iterable[bytes]) -> JsBytes:
    """Return messages as ``worker/primitives/signatures.ts`` reads them."""
    parts: list[bytes] = []
    for message in messages:
        parts.append(struct.pack("<I", len(message)))
        parts.append(message)
    return js_bytes(b"".join(parts))


def js_object(js_primitives: JsPrimitives, fields: Mapping[str, object]) -> JsProxy:
    """Return a plain object; bytes in it become Uint8Arrays, dicts in it plain objects."""
    return to_js(dict(fields), create_pyproxies=False, dict_converter=js_primitives.toObject)


def js_array(items: Sequence[object]) -> JsProxy:
    """Return a new Array of strings, numbers and JavaScript objects."""
    return to_js(list(items), create_pyproxies=False)


def js_key(handle: KeyHandle) -> JsCryptoKey:
    """Return the CryptoKey behind a handle. Raises TypeError for another adapter's handle."""
    if not isinstance(handle.native, JsProxy):
        raise TypeError(f"{type(handle).__name__} was not made by this adapter")
    return cast("JsCryptoKey", handle.native)
