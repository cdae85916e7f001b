"""The promises inside Pyodide: takes the place of the enclave's entry in a test image.

The page sends ``{"id", "run": NAME}`` or ``{"id", "write": BYTES}`` and gets
``{"id", "failure": TEXT | null}``: a traceback, or how storage failed. At start it gets
``{"promises": [NAME, ...]}``. Vectors come with the configuration.
"""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Awaitable, Callable, Mapping

import attrs
from kms_enclave.adapters.browser.border import js_array, js_bytes, js_key, js_object
from kms_enclave.adapters.browser.entry import browser_ports
from kms_enclave.adapters.browser.js_types import JsHost
from kms_enclave.adapters.browser.loop import start_in_loop
from kms_enclave.ports.clock import ClockPort
from kms_enclave.ports.crypto import CryptoPort, KeyHandle, MacKey
from kms_enclave.ports.locks import LockPort
from kms_enclave.ports.storage import Put, Record, StorageError, StoragePort
from pyodide.ffi import JsException, JsProxy, create_proxy

from .expect import equal, refused
from .materials import at, record
from .promises import PROMISES
from .subject import Subject
from .vectors import Vector, Vectors

__all__ = ["start"]

_DEADLINE_S = 60
_CHUNK = 50_000


@attrs.frozen
class BrowserSubject:
    """The browser's adapters, as the enclave's entry makes them."""

    js_host: JsHost
    crypto: CryptoPort
    storage: StoragePort
    clock: ClockPort
    locks: LockPort
    vectors: Vectors

    async def ways_out(self, handle: KeyHandle) -> list[str]:
        """Try to export the CryptoKey in each format, and to wrap it under a key of our own."""
        js_subtle, js_crypto_key = self.js_host.crypto.subtle, js_key(handle)
        js_wrapper = await js_subtle.importKey(
            "raw",
            js_bytes(bytes(32)),
            js_object(self.js_host.primitives, {"name": "AES-GCM"}),
            False,
            js_array(["wrapKey"]),
        )
        js_gcm = js_object(self.js_host.primitives, {"name": "AES-GCM", "iv": bytes(12)})
        ways: dict[str, Callable[[], Awaitable[object]]] = {}
        for key_format in ("raw", "pkcs8", "jwk"):
            ways[f"exportKey {key_format}"] = lambda f=key_format: js_subtle.exportKey(
                f, js_crypto_key
            )
            ways[f"wrapKey {key_format}"] = lambda f=key_format: js_subtle.wrapKey(
                f, js_crypto_key, js_wrapper, js_gcm
            )
        found = ["extractable"] if js_crypto_key.extractable else []
        for name, attempt in ways.items():
            try:
                await attempt()
            except JsException:
                continue
            found.append(name)
        return found


def start(js_host: JsHost) -> asyncio.Task[JsProxy]:
    """Announce the promises; the task's result is what takes the page's requests."""
    return start_in_loop(js_host, _start(js_host))


async def _start(js_host: JsHost) -> JsProxy:
    config: Mapping[str, dict[str, object]] = json.loads(js_host.config)
    ports = browser_ports(js_host)
    subject = BrowserSubject(
        js_host=js_host,
        crypto=ports.crypto,
        storage=ports.storage,
        clock=ports.clock,
        locks=ports.locks,
        vectors=Vectors(Vector(config["vectors"])),
    )
    running: set[asyncio.Task[None]] = set()

    def receive(text: str) -> None:
        task = asyncio.ensure_future(_answer(subject, json.loads(text)))
        running.add(task)
        task.add_done_callback(running.discard)

    js_host.send(json.dumps({"promises": list(PROMISES)}))
    return create_proxy(receive)


async def _answer(subject: BrowserSubject, request: Mapping[str, object]) -> None:
    if "run" in request:
        failure = await _run(subject, str(request["run"]))
    else:
        failure = await _write(subject, int(str(request["write"])))
    subject.js_host.send(json.dumps({"id": request["id"], "failure": failure}))


async def _run(subject: BrowserSubject, name: str) -> str | None:
    try:
        async with asyncio.timeout(_DEADLINE_S):
            await subject.storage.replace_all(expectations=[], puts=[])
            await (PROMISES | _IN_BROWSERS_ONLY)[name](subject)
    except Exception as error:  # noqa: BLE001 - whatever it is becomes the answer
        return "".join(traceback.format_exception(error))
    return None


async def _a_value_that_cannot_be_cloned_writes_nothing(subject: Subject) -> None:
    # A function passes for a key until IndexedDB tries to clone it, after the first put.
    function = MacKey(create_proxy(print))
    puts = [Put(at("a"), record()), Put(at("b"), Record(1, "{}", {"key": function}))]
    error = await refused(StorageError, subject.storage.commit(expectations=[], puts=puts))
    equal(error.failure, "unavailable")
    equal(list(await subject.storage.read([at("a"), at("b")])), [None, None])


_IN_BROWSERS_ONLY = {
    "a_value_that_cannot_be_cloned_writes_nothing": _a_value_that_cannot_be_cloned_writes_nothing
}


async def _write(subject: BrowserSubject, size: int) -> str | None:
    # Random, because engines compress what they store.
    chunks = [subject.crypto.random_bytes(_CHUNK).hex() for _ in range(size // _CHUNK + 1)]
    put = Put(at("written"), record("".join(chunks)))
    try:
        await subject.storage.commit(expectations=[], puts=[put])
    except StorageError as error:
        return error.failure
    return None
