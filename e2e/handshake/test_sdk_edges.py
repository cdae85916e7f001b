"""KMSUser against a page that hides, moves or breaks things: still every promise settles."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from e2e.handshake.conftest import OpenPage

UNREADABLE = {
    "a prototype": "new Proxy({}, { getPrototypeOf() { throw new Error('x'); } })",
    "a list's members": "new Proxy([1], { get() { throw new Error('x'); } })",
    "a revoked proxy": "(({ proxy, revoke }) => (revoke(), proxy))(Proxy.revocable({}, {}))",
    "a tag": "({ get [Symbol.toStringTag]() { throw new Error('x'); } })",
    "a getter": "({ get a() { throw new Error('x'); } })",
}


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_refused_by_name(shared_sdk_page: Page, value: str) -> None:
    outcome = shared_sdk_page.evaluate(f"outcome(kms.createLease({{ subs: {value} }}))")
    assert (outcome["error"]["name"], outcome["error"]["code"]) == ("KMSError", "request.invalid")


def test_a_prompt_that_nobody_sees_holds_no_promise_for_ever(open_page: OpenPage) -> None:
    page = open_page("sdk.html")
    page.evaluate("open_({ timeouts: { promptMs: 300, methodMs: 300 } })")
    page.evaluate(
        "document.querySelector('iframe').style.setProperty('display', 'none', 'important')"
    )
    asking = page.evaluate("outcome(kms.getPublicKey('authenticate'))")
    assert asking["error"]["code"] == "channel.timeout"


def test_an_iframe_that_is_sent_elsewhere_closes_the_channel(sdk_page: Page) -> None:
    sdk_page.evaluate("void (window.hanging = outcome(kms.getPublicKey('hang')))")
    sdk_page.evaluate("void (document.querySelector('iframe').src = 'about:blank')")
    assert sdk_page.evaluate("hanging")["error"]["code"] == "channel.closed"
    assert sdk_page.evaluate("outcome(kms.getStatus())")["error"]["code"] == "channel.closed"
    sdk_page.evaluate("kms.init()")
    assert "value" in sdk_page.evaluate("outcome(kms.getStatus())")


@pytest.mark.parametrize("container", ["document", "document.createTextNode('')", "'#here'", "{}"])
def test_a_container_that_is_no_element_is_refused_and_leaves_nothing(
    sdk_page: Page, container: str
) -> None:
    errors: list[str] = []
    sdk_page.on("pageerror", lambda error: errors.append(str(error)))
    outcome = sdk_page.evaluate(
        f"outcome(new KMSUser({{ kmsOrigin, container: {container} }}).init())"
    )
    assert outcome["error"]["code"] == "request.invalid"
    assert "value" in sdk_page.evaluate("outcome(kms.getStatus())")
    assert errors == []
