"""An enclave in a page that another configured page embeds.

The browser signs the origin of the outermost page; the one that asks is in between.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Frame

from e2e.driving import prompts
from e2e.unlock.user import PASSKEY, add_authenticator
from tools.server.serving import LocalServer

EMBED = """(address) => new Promise((resolve) => {
    const inner = document.createElement("iframe");
    inner.allow = "publickey-credentials-get *; publickey-credentials-create *";
    inner.style = "width: 100%; height: 700px";
    inner.addEventListener("load", () => resolve());
    inner.src = address;
    document.body.append(inner);
})"""


@pytest.fixture
def inner(context: BrowserContext, prompting_server: LocalServer) -> Frame:
    """The page that has the enclave, within one of another origin."""
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{prompting_server.app_port}/")
    page.evaluate(EMBED, f"{prompting_server.app_origin}/")
    (frame,) = page.main_frame.child_frames
    frame.wait_for_function("window.isLoaded")
    opened = frame.evaluate("(o) => openSdk(o)", prompting_server.kms_origin)
    assert "error" not in opened, opened
    return frame


def begin(inner: Frame, method: str, *parameters: object) -> None:
    inner.evaluate("([m, p]) => void (window.calling = callSdk(m, p))", [method, list(parameters)])


def press(inner: Frame, title: str, button: str) -> None:
    (enclave,) = inner.child_frames
    dialog = enclave.get_by_role("dialog")
    prompts.sees(dialog, title)
    dialog.get_by_role("button", name=button).click()


def test_a_passkey_sets_up_and_unlocks(inner: Frame) -> None:
    add_authenticator(inner.page)
    begin(inner, "setupPasskeyPRF", PASSKEY)
    press(inner, "Create a passkey", "Create passkey")
    press(inner, "You are set up", "I’ll remember")
    assert "error" not in inner.evaluate("calling")
    begin(inner, "generateVAPID")
    press(inner, "Confirm it’s you", "Use your passkey")
    assert inner.evaluate("calling")["result"]["kid"]
