"""Whom the frame answers: every ancestor has to be configured, or nothing happens at all.

Which origins count as configured: ``tests/web/node/ancestors.test.ts``.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Frame, Page

from e2e.handshake.conftest import OpenPage, Servers

SILENCE_MS = 1_000


def enclave_frame(page: Page, kms_port: int) -> Frame:
    return next(frame for frame in page.frames if f":{kms_port}" in frame.url)


@pytest.mark.parametrize("host", ["localhost", "app.localhost"])
def test_a_configured_page_is_greeted_at_exactly_its_origin(open_page: OpenPage, host: str) -> None:
    page = open_page("raw.html", host=host)
    hello = page.evaluate("embed()")
    assert hello["data"] == {"type": "kms:hello", "protocol": 1}
    assert hello["origin"] == page.evaluate("kmsOrigin")
    assert hello["isFrame"] is True


def test_another_page_gets_no_answer_and_starts_nothing(
    open_page: OpenPage, servers: Servers
) -> None:
    page = open_page("raw.html", host="other.localhost", frame_ancestors=False)
    assert page.evaluate(f"embed({SILENCE_MS})") is None
    page.evaluate("window.port = connect()")
    page.wait_for_timeout(SILENCE_MS)  # An answer has no other sign than that it comes.
    assert page.evaluate("[heard, received]") == [[], []]
    frame = enclave_frame(page, servers(frame_ancestors=False).kms_port)
    assert frame.evaluate("window.__kmsClient.state") == "idle"
    loaded = frame.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    assert loaded == frame.evaluate(
        "[...document.querySelectorAll('link,script')].map(({ href, src }) => href ?? src)"
    )


def test_the_header_alone_keeps_another_page_out(open_page: OpenPage) -> None:
    page = open_page("raw.html", host="other.localhost")
    assert page.evaluate(f"embed({SILENCE_MS})") is None


@pytest.mark.parametrize(
    ("outer", "inner", "is_greeted"),
    [
        ("127.0.0.1", "localhost", True),
        ("other.localhost", "localhost", False),
        ("localhost", "other.localhost", False),
    ],
)
def test_every_ancestor_counts(
    chromium: Browser, servers: Servers, outer: str, inner: str, is_greeted: bool
) -> None:
    server = servers(frame_ancestors=False)
    with chromium.new_context() as context:
        page = context.new_page()
        inner_url = f"http://{inner}:{server.app_port}/raw.html"
        page.goto(f"http://{outer}:{server.app_port}/outer.html?inner={inner_url}")
        frame = next(
            frame for frame in page.frames if "raw.html" in frame.url and frame.parent_frame
        )
        frame.wait_for_function("window.isLoaded")
        assert (frame.evaluate("embed()") is not None) is is_greeted


def test_without_an_embedder_nothing_starts(chromium: Browser, servers: Servers) -> None:
    server = servers()
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"{server.kms_origin}/")
        assert page.evaluate("window.__kmsClient.state") == "idle"


def test_a_script_that_is_not_the_one_that_was_built_is_explained(
    open_page: OpenPage, servers: Servers
) -> None:
    """It never runs, and tells nobody; the SDK names what can be the cause."""
    for file in servers(variant="frame").site.glob("assets/frame.*.js"):
        file.write_bytes(file.read_bytes() + b"\n")
    page = open_page("sdk.html", variant="frame")
    outcome = page.evaluate(f"outcome(open_({{ timeouts: {{ helloMs: {SILENCE_MS} }} }}))")
    assert outcome["error"]["code"] == "channel.timeout"
    assert "integrity" in outcome["error"]["message"]
    assert page.locator("iframe").count() == 0


def test_the_client_is_one_and_says_little(raw_page: Page, servers: Servers) -> None:
    frame = enclave_frame(raw_page, servers().kms_port)
    assert frame.evaluate("window.__kmsClient.state") == "ready"
    import_again = """async () => {
        const before = performance.getEntriesByType("resource").length;
        const client = window.__kmsClient;
        await import(document.querySelector("script").src + "?again");
        const parentOrigins = [...location.ancestorOrigins];
        const another = new client.constructor({ parentOrigins, launch: null });
        try { window.__kmsClient = null; } catch {}
        return {
            isSame: window.__kmsClient === client,
            isIdle: another.state,
            isFrozen: Object.isFrozen(client),
            own: Reflect.ownKeys(client),
            loaded: performance.getEntriesByType("resource").slice(before).map(({ name }) => name),
        };
    }"""
    seen = frame.evaluate(import_again)
    assert seen["isSame"]
    assert seen["isIdle"] == "idle"
    assert seen["isFrozen"]
    assert seen["own"] == []
    assert all(re.search(r"frame\..*\?again$", name) for name in seen["loaded"])
    assert raw_page.evaluate("heard.length") == 1
