"""The worker's way into Python: adapters for what the host gives, then the application.

``worker/bootstrap.ts`` calls :func:`start` once. Nothing of the worker is touched but
what the host object holds, and nothing when this module is imported.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pyodide.ffi import JsProxy, create_proxy

from kms_enclave.adapters.browser.clock import BrowserClock
from kms_enclave.adapters.browser.crypto import WebCrypto
from kms_enclave.adapters.browser.js_types import JsHost
from kms_enclave.adapters.browser.locks import WebLocks
from kms_enclave.adapters.browser.loop import start_in_loop
from kms_enclave.adapters.browser.storage import IndexedDbStorage
from kms_enclave.app import run
from kms_enclave.context import Ports

__all__ = ["browser_ports", "start", "start_on"]


def browser_ports(js_host: JsHost) -> Ports:
    """Return the adapters."""
    js_primitives = js_host.primitives
    return Ports(
        crypto=WebCrypto(js_host.crypto, js_primitives),
        storage=IndexedDbStorage(js_host.database),
        clock=BrowserClock(js_host),
        locks=WebLocks(js_host.locks, js_primitives),
    )


def start(js_host: JsHost) -> asyncio.Task[JsProxy]:
    """Start the application; the task's result is what JavaScript calls with later messages."""
    return start_on(js_host, browser_ports)


def start_on(js_host: JsHost, make_ports: Callable[[JsHost], Ports]) -> asyncio.Task[JsProxy]:
    """Start the application on other adapters than those of :func:`browser_ports`."""
    return start_in_loop(js_host, _start(js_host, make_ports))


async def _start(js_host: JsHost, make_ports: Callable[[JsHost], Ports]) -> JsProxy:
    receive = await run(
        make_ports(js_host),
        config_text=js_host.config,
        build_text=js_host.build,
        enclave_origin=js_host.enclaveOrigin,
        top_origin=js_host.topOrigin,
        send=js_host.send,
    )
    return create_proxy(receive)
