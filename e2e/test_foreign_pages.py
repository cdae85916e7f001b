"""Pages that the enclave is not for, and pages that reach past its port for the worker."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from e2e.conftest import Serve, open_page_in
from e2e.driving.enclave import EnclavePage
from tools.server.serving import LocalServer

EMBED = "(o) => { window.raw = new RawFrame(o); return raw.embed(); }"

WORKER_MESSAGES = """[
  { type: "kms:boot", release: "http://x.example/", runtime: "{}", manifestHash: "", config: "{}" },
  { type: "kms:part", name: "image", part: new ArrayBuffer(8) },
  '{"id":1,"method":"resetKMS","params":{},"origin":"http://x.example"}',
  { id: 7001, answer: { method: "passphrase", passphrase: "guess guess" } },
  '{"id":1,"answer":{"word":"RESET"}}',
  { id: 7002, ask: "confirm", word: "RESET" },
  { id: 8001, method: "getStatus", params: {}, origin: "http://x.example" },
  { type: "kms:event", event: "audit.checkpoint", data: {}, origin: null },
  { type: "kms:ready", version: "0", manifestHash: "0", codeHash: "0", capabilities: [] },
]"""


@pytest.fixture(scope="module")
def unprotected(serve: Serve) -> LocalServer:
    """An enclave whose host has lost the header that keeps other pages from embedding it."""
    return serve(frame_ancestors=False)


@pytest.fixture(scope="module")
def hostile(unprotected: LocalServer, chromium: Browser) -> Iterator[EnclavePage]:
    """A page of an origin that is not configured, with the enclave's frame in it.

    It has connected and called. By now the frame has had time to answer and to start a worker.
    """
    app_origin = f"http://hostile.localhost:{unprotected.app_port}"
    with contextlib.closing(chromium.new_context()) as context:
        page = open_page_in(context, app_origin=app_origin, kms_origin=unprotected.kms_origin)
        page.page.evaluate(EMBED, page.kms_origin)
        assert page.frame.evaluate("window.__kmsClient.state") == "idle"
        page.page.evaluate("(() => { window.hand = raw.connect(); })()")
        page.page.evaluate("hand.port.postMessage({ id: 1, method: 'getStatus', params: {} })")
        page.frame.evaluate("new Promise((resolve) => setTimeout(resolve, 300))")
        yield page


def test_unconfigured_page_hears_nothing(hostile: EnclavePage):
    assert hostile.page.evaluate("[raw.said, hand.received]") == [[], []]


def test_unconfigured_page_starts_no_worker(hostile: EnclavePage):
    assert hostile.page.workers == []


def test_unconfigured_page_loads_nothing_of_the_runtime(hostile: EnclavePage):
    names = hostile.frame.evaluate(
        "performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname)"
    )
    assert all(name.startswith("/assets/frame.") for name in names), names


def test_sdk_on_an_unconfigured_page_is_told_in_time(
    unprotected: LocalServer, context: BrowserContext
):
    app_origin = f"http://hostile.localhost:{unprotected.app_port}"
    page = open_page_in(context, app_origin=app_origin, kms_origin=unprotected.kms_origin)
    assert page.open_sdk(timeouts={"helloMs": 500}).code == "channel.timeout"


def test_header_keeps_an_unconfigured_page_out(server: LocalServer, context: BrowserContext):
    app_origin = f"http://hostile.localhost:{server.app_port}"
    page = open_page_in(context, app_origin=app_origin, kms_origin=server.kms_origin)
    page.page.evaluate(EMBED, page.kms_origin)
    assert all(not frame.url.startswith(server.kms_origin) for frame in page.page.frames)


@pytest.fixture(scope="module")
def port(chromium: Browser, server: LocalServer) -> Iterator[EnclavePage]:
    """A port opened by hand."""
    with contextlib.closing(chromium.new_context()) as context:
        page = open_page_in(context, app_origin=server.app_origin, kms_origin=server.kms_origin)
        assert page.open_raw().code is None
        page.run_in_worker("addEventListener('message', (m) => globalThis.overheard.push(m.data))")
        yield page


@pytest.fixture
def overheard(port: EnclavePage) -> EnclavePage:
    """The port, with everything recorded that reaches the worker from now on."""
    port.run_in_worker("globalThis.overheard = []; 0")
    return port


def heard_by_worker(page: EnclavePage) -> list[str]:
    assert page.ask("isSetup", {}).code is None
    return page.run_in_worker("overheard")


def test_worker_messages_on_the_port_are_not_forwarded(overheard: EnclavePage):
    overheard.page.evaluate(f"{WORKER_MESSAGES}.forEach((message) => raw.post(message))")
    (only,) = heard_by_worker(overheard)
    assert '"method":"isSetup"' in only


def test_worker_messages_to_the_window_are_not_forwarded(overheard: EnclavePage):
    overheard.page.evaluate(
        f"{WORKER_MESSAGES}.forEach((m) => raw.element.contentWindow.postMessage(m, '*'))"
    )
    (only,) = heard_by_worker(overheard)
    assert '"method":"isSetup"' in only


def test_request_reaches_the_worker_as_text_with_the_verified_origin(
    overheard: EnclavePage, server: LocalServer
):
    (only,) = map(json.loads, heard_by_worker(overheard))
    del only["id"]
    assert only == {"method": "isSetup", "params": {}, "origin": server.app_origin}


def test_answers_from_the_page_settle_no_question(serve: Serve, context: BrowserContext):
    """The enclave asks for a passphrase; the page answers in its place."""
    asking = serve(page_credentials=False)
    page = open_page_in(context, app_origin=asking.app_origin, kms_origin=asking.kms_origin)
    assert page.open_raw().code is None
    page.page.evaluate(
        """() => {
          window.setup = raw.request({ method: "setupPassphrase", params: {} });
          for (let id = 0; id < 20; id += 1) {
            const answer = { method: "passphrase", passphrase: "chosen by the page" };
            raw.post({ id, answer });
            raw.post(JSON.stringify({ id, answer }));
          }
        }"""
    )
    page.page.wait_for_function("raw.received.some(({ event }) => event === 'prompt.show')")
    # Each was refused under the id that it bore; the next question bears one of those too.
    page.page.wait_for_function("raw.received.filter(({ error }) => error).length >= 20")
    assert page.ask("isSetup", {}).value["isSetup"] is False
