"""Stands in the place of the enclave's entry and reports, as capabilities, what it can reach.

Goes into a memory image that is made and sealed like that of a release.
"""

from __future__ import annotations

import importlib
import json

import kms_enclave.app

ATTEMPTS = (
    kms_enclave.app.__name__,
    "ctypes",
    "sqlite3",
    "random",
    "secrets",
    "urllib.request",
    "http.client",
    "xml.dom",
    "multiprocessing",
    "micropip",
    "cryptography",
    "encodings.idna",
    "pyodide.http",
    "_pyrepl",
)

GLOBALS = (
    "Object",
    "Function",
    "WebAssembly",
    "crypto",
    "eval",
    "fetch",
    "globalThis",
    "indexedDB",
    "location",
    "navigator",
    "postMessage",
    "self",
    "setTimeout",
    "XMLHttpRequest",
)


async def start(js_host):
    import js

    reached = [f"import:{name}" for name in ATTEMPTS if _imports(name)]
    reached += [f"js:{name}" for name in GLOBALS if hasattr(js, name)]
    ready = {"type": "kms:ready", "version": "0", "codeHash": "0", "manifestHash": "0"}
    js_host.send(json.dumps({**ready, "capabilities": reached}))
    return lambda text: None


def _imports(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True
