"""When the SDK asks for the log's proof, and what is answered before it has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

from e2e.handshake.conftest import OpenPage, code_of

_HOLD = """() => {
    const post = MessagePort.prototype.postMessage;
    MessagePort.prototype.postMessage = function (message, ...more) {
      const send = () => post.call(this, message, ...more);
      if (message.method === "proveAudit" && !window.send) window.send = send;
      else send();
    };
    window.kms = new KMSUser({ kmsOrigin });
    window.started = kms.init();
}"""


def _asked(page: Page) -> int:
    return int(page.evaluate("act('log.asked')")["value"]["publicKey"])


def _until(page: Page, condition: Callable[[], bool]) -> None:
    for _ in range(100):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError("what was waited for did not happen")


def test_nothing_that_uses_a_key_is_asked_for_before_the_log_is_checked(
    open_page: OpenPage,
) -> None:
    page = open_page("sdk.html")
    page.evaluate(_HOLD)
    page.wait_for_function("!!window.send")
    for call in ("getPublicKey()", "issueVAPIDJWT({})", "setup()", "createLease({})"):
        assert code_of(page, f"kms.{call}") == "channel.not.initialized", call
    assert code_of(page, "kms.getStatus()") is None
    page.evaluate("send()")
    page.evaluate("started")
    assert code_of(page, "kms.getPublicKey('echo')") is None


def test_a_start_asks_once(sdk_page: Page) -> None:
    assert _asked(sdk_page) == 1
    sdk_page.evaluate("kms.init()")
    assert _asked(sdk_page) == 2


def test_what_the_enclave_announces_is_looked_at(sdk_page: Page) -> None:
    heard: list[Any] = sdk_page.evaluate("""async () => {
        const heard = [];
        kms.on("audit.checkpoint", (data) => heard.push(data));
        await act("log.grown");
        return heard;
    }""")
    assert heard == [{"checkpoint": "", "size": 1}]
    _until(sdk_page, lambda: _asked(sdk_page) == 2)
    assert code_of(sdk_page, "kms.getPublicKey('echo')") is None


def test_another_log_under_a_running_enclave_stops_it(sdk_page: Page) -> None:
    sdk_page.evaluate("act('log.other')")
    _until(sdk_page, lambda: code_of(sdk_page, "kms.getPublicKey('echo')") == "audit.rollback")
    assert code_of(sdk_page, "kms.getStatus()") is None
    assert code_of(sdk_page, "kms.init()") == "audit.rollback"
    assert sdk_page.evaluate("kms.acceptNewLog()")["log"].endswith("/other")
    assert code_of(sdk_page, "kms.getPublicKey('echo')") is None


def test_every_instance_on_the_page_stops_with_it(sdk_page: Page) -> None:
    sdk_page.evaluate("window.first = kms")
    sdk_page.evaluate("open_()")
    sdk_page.evaluate("act('log.other')")
    _until(sdk_page, lambda: code_of(sdk_page, "kms.getPublicKey('echo')") == "audit.rollback")
    assert code_of(sdk_page, "first.getPublicKey('echo')") == "audit.rollback"


def test_a_log_is_accepted_only_by_who_has_an_enclave(open_page: OpenPage) -> None:
    page = open_page("sdk.html")
    page.evaluate("window.kms = new KMSUser({ kmsOrigin })")
    assert code_of(page, "kms.acceptNewLog()") == "channel.not.initialized"
