"""One channel, bound once, to the page that was verified; whatever else arrives changes nothing.

Which message is a connect: ``tests/web/node/messages.test.ts``, ``browser/session.test.ts``.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from e2e.handshake.conftest import OpenPage

BAD_CONNECTS = (
    "connect({ protocol: 2 }, { keep: bad })",
    "connect({ nonce: 'short' }, { keep: bad })",
    "connect({ origin: 'https://elsewhere.example' }, { keep: bad })",
    "connect({}, { ports: 0 })",
    "connect({}, { ports: 2, keep: bad })",
)

ATTACK = """(messages) => new Promise((resolve) => {
    addEventListener("message", ({ data }) => data === "attacked" && resolve());
    document.querySelector("#hostile").contentWindow.postMessage({ attack: messages }, "*");
})"""

FORGED = [
    {"type": "kms:hello", "protocol": 1},
    {
        "type": "kms:ready",
        "nonce": "n" * 43,
        "version": "0",
        "manifestHash": "f" * 64,
        "codeHash": "f" * 64,
        "capabilities": ["forged"],
    },
    {"type": "kms:refused", "error": {"code": "integrity.failed", "message": "forged"}},
    {"type": "kms:event", "event": "prompt.show", "data": None},
    {"id": 0, "result": "forged"},
    '{"id":0,"method":"resetKMS","params":{},"origin":"http://localhost"}',
]


def add_hostile_frame(page: Page, host: str = "other.localhost") -> None:
    page.evaluate(
        """(host) => new Promise((resolve) => {
            const frame = document.createElement("iframe");
            frame.id = "hostile";
            frame.onload = resolve;
            frame.src = `http://${host}:${location.port}/hostile.html`;
            document.body.append(frame);
        })""",
        host,
    )


def test_only_an_exact_connect_gets_a_channel_and_only_the_first(open_page: OpenPage) -> None:
    """Messages keep their order: what came before the one that was taken was heard and ignored."""
    page = open_page("raw.html")
    page.evaluate("async () => { window.bad = []; await embed(); }")
    for attempt in BAD_CONNECTS:
        page.evaluate(f"void {attempt}")
    page.evaluate("async () => { window.port = connect(); await until(isReady); }")
    page.evaluate("void connect({}, { keep: bad })")
    page.evaluate("port.postMessage({ id: 2, method: 'getStatus', params: {} })")
    assert page.evaluate("replyTo(2)") == {"id": 2, "result": {"state": "ready"}}
    assert page.evaluate("bad") == []


@pytest.mark.parametrize("host", ["other.localhost", "localhost"])
def test_a_sibling_frame_cannot_take_the_channel(open_page: OpenPage, host: str) -> None:
    """Nor can one of the page's own origin: the channel is the parent window's."""
    page = open_page("raw.html")
    add_hostile_frame(page, host)
    page.evaluate("embed()")
    page.evaluate(ATTACK, FORGED)
    page.evaluate("async () => { window.port = connect(); await until(isReady); }")
    assert page.evaluate("isReady()")
    page.evaluate(ATTACK, FORGED)
    page.evaluate("port.postMessage({ id: 1, method: 'getStatus', params: {} })")
    assert page.evaluate("replyTo(1)") == {"id": 1, "result": {"state": "ready"}}


def test_the_sdk_hears_only_its_own_iframe(open_page: OpenPage) -> None:
    page = open_page("sdk.html")
    add_hostile_frame(page)
    page.evaluate(
        """() => {
            window.shown = [];
            window.kms = new KMSUser({ kmsOrigin });
            kms.on("prompt.show", () => shown.push("shown"));
            window.starting = outcome(kms.init());
        }"""
    )
    page.evaluate(ATTACK, FORGED)
    page.evaluate(
        "(messages) => messages.forEach((message) => window.postMessage(message, '*'))", FORGED
    )
    assert page.evaluate("starting") == {"value": None}
    assert page.evaluate("[kms.version, kms.capabilities]") == ["9.9.9", ["Ed25519"]]
    page.evaluate(ATTACK, FORGED)
    assert page.evaluate("outcome(kms.getStatus())") == {"value": {"state": "ready"}}
    assert page.evaluate("shown") == []


def test_another_iframe_of_the_enclave_is_not_the_sdks(sdk_page: Page) -> None:
    """Its hello has the right origin, and would pass for the SDK's own iframe loaded anew."""
    sdk_page.evaluate(
        """() => new Promise((resolve) => {
            addEventListener("message", ({ data }) => data?.type === "kms:hello" && resolve());
            const frame = document.createElement("iframe");
            frame.src = kmsOrigin;
            document.body.append(frame);
        })"""
    )
    assert sdk_page.evaluate("outcome(kms.getStatus())") == {"value": {"state": "ready"}}
