"""The worker's way into Python in development mode, on the native crypto port.

Needs Pyodide's build of ``cryptography``, which ``make dev CRYPTOGRAPHY=FOLDER`` loads. It
is a second implementation under the same browser, protocol and page. Its keys are no
CryptoKeys, so they cannot be stored in IndexedDB: state lasts as long as the worker. Does
not protect keys from script that runs beside it; a release never contains it.
"""

from __future__ import annotations

import asyncio

import attrs
from pyodide.ffi import JsProxy

from kms_enclave.adapters.browser.entry import browser_ports, start_on
from kms_enclave.adapters.browser.js_types import JsHost
from kms_enclave.adapters.native.crypto import NativeCrypto
from kms_enclave.adapters.native.memory import MemoryStorage
from kms_enclave.context import Ports

__all__ = ["native_ports", "start"]


def native_ports(js_host: JsHost) -> Ports:
    """Return the browser's adapters, with cryptography and storage replaced."""
    return attrs.evolve(browser_ports(js_host), crypto=NativeCrypto(), storage=MemoryStorage())


def start(js_host: JsHost) -> asyncio.Task[JsProxy]:
    """Start the application; the task's result is what JavaScript calls with later messages."""
    return start_on(js_host, native_ports)
