"""Prompts in a window of the enclave's own, which shows its address."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Error, Page, expect

from e2e.conftest import PAGES, Serve, open_page_in
from e2e.driving import prompts
from e2e.driving.enclave import PASSPHRASE, EnclavePage
from e2e.driving.isolated_site import isolated_site
from e2e.unlock.user import PASSKEY, User, add_authenticator
from web.server.serving import LocalServer

# A browser that has passkeys and refuses to create one in an iframe of another origin.
REFUSE_IN_IFRAME = """() => {
    navigator.credentials.create = async () => { throw new DOMException("", "NotAllowedError"); };
}"""


@contextlib.contextmanager
def opened_window(user: User, button: str) -> Iterator[Page]:
    with user.page.context.expect_page() as opening:
        user.press(button)
    window = opening.value
    prompts.wait_until_armed(window.get_by_role("dialog"))
    yield window


def press(window: Page, button: str) -> None:
    window.get_by_role("button", name=button).click()


def press_last(window: Page, button: str) -> None:
    """Press a button that closes the window, which may be gone before the press is confirmed."""
    with window.expect_event("close"):
        try:
            press(window, button)
        except Error as error:
            if "has been closed" not in error.message:
                raise


@pytest.fixture
def windowed(context: BrowserContext, prompting_server: LocalServer) -> User:
    """A page that wants its prompts in a window."""
    enclave = open_page_in(
        context, app_origin=prompting_server.app_origin, kms_origin=prompting_server.kms_origin
    )
    assert enclave.open_sdk(promptMode="popup").code is None
    return User(enclave)


def test_a_passkey_is_made_where_the_iframe_may_not(user: User) -> None:
    user.frame.evaluate(REFUSE_IN_IFRAME)
    user.begin("setupPasskeyPRF", PASSKEY)
    user.sees("Create a passkey")
    expect(user.dialog.get_by_role("button", name="Go on in a window")).to_be_hidden()
    user.press("Create passkey")
    expect(user.dialog.get_by_role("alert")).to_contain_text("does not allow it here")
    with opened_window(user, "Go on in a window") as window:
        assert window.url.startswith(user.enclave.kms_origin)
        add_authenticator(window)
        press(window, "Create passkey")
        prompts.sees(window.get_by_role("dialog"), "You are set up")
        press_last(window, "I’ll remember")
    assert user.outcome().value["enrollmentId"] == "enrollment:passkey-prf:v2"
    expect(user.dialog).to_have_count(0)


def test_every_prompt_can_be_in_a_window(windowed: User) -> None:
    windowed.begin("setup")
    windowed.sees("Go on in a window")
    with opened_window(windowed, "Open the window") as window:
        press(window, "With a passphrase")
        prompts.sees(window.get_by_role("dialog"), "Choose a passphrase")
        for label in ("New passphrase", "The same passphrase again"):
            window.get_by_label(label).fill(PASSPHRASE)
        press(window, "Set passphrase")
        prompts.sees(window.get_by_role("dialog"), "You are set up")
        press_last(window, "I’ll remember")
    assert windowed.outcome().code is None
    windowed.begin("generateVAPID")
    windowed.sees("Go on in a window")
    with opened_window(windowed, "Open the window") as window:
        window.get_by_label("Passphrase").fill("not the passphrase")
        press(window, "Unlock")
        expect(window.get_by_role("alert")).to_have_text("Invalid passphrase.")
        window.get_by_label("Passphrase").fill(PASSPHRASE)
        press_last(window, "Unlock")
        assert windowed.outcome().value["kid"]
    windowed.enclave.wait_until(lambda: windowed.page.context.pages == [windowed.page])


def test_cancelling_in_the_window_refuses(windowed: User) -> None:
    windowed.begin("setup")
    windowed.sees("Go on in a window")
    with opened_window(windowed, "Open the window") as window:
        press_last(window, "Cancel")
        assert windowed.outcome().code == "unlock.cancelled"


def test_a_window_that_is_closed_can_be_opened_again(windowed: User) -> None:
    windowed.begin("setup")
    windowed.sees("Go on in a window")
    with opened_window(windowed, "Open the window") as window:
        window.close()
    expect(windowed.dialog.get_by_role("alert")).to_contain_text("closed")
    with opened_window(windowed, "Open the window"):
        windowed.press("Cancel")
    assert windowed.outcome().code == "unlock.cancelled"
    windowed.enclave.wait_until(lambda: windowed.page.context.pages == [windowed.page])


@pytest.fixture
def impatient(context: BrowserContext, prompting_server: LocalServer) -> User:
    """A page that wants its prompts in a window, and does not wait long."""
    enclave = open_page_in(
        context, app_origin=prompting_server.app_origin, kms_origin=prompting_server.kms_origin
    )
    timeouts = {"promptMs": 4_000, "methodMs": 500}
    assert enclave.open_sdk(promptMode="popup", timeouts=timeouts).code is None
    return User(enclave)


def test_the_window_goes_with_its_call(impatient: User) -> None:
    impatient.begin("setup")
    impatient.sees("Go on in a window")
    with opened_window(impatient, "Open the window") as window:
        assert impatient.outcome().code == "channel.timeout"
        impatient.enclave.wait_until(window.is_closed)
    expect(impatient.dialog).to_have_count(0)


def test_the_window_goes_with_the_iframe(windowed: User) -> None:
    windowed.begin("setup")
    windowed.sees("Go on in a window")
    with opened_window(windowed, "Open the window") as window:
        windowed.page.evaluate("document.querySelector('iframe').remove()")
        assert windowed.outcome().code == "channel.closed"
        windowed.enclave.wait_until(window.is_closed)


def test_a_page_that_cuts_windows_off_is_told_what_to_do(
    context: BrowserContext, serve: Serve, pieces: Path
) -> None:
    with isolated_site(root=PAGES, sdk=pieces / "sdk.js") as site:
        server = serve(page_credentials=False, more_origins=(site.origin,))
        enclave = open_page_in(context, app_origin=site.origin, kms_origin=server.kms_origin)
        assert enclave.open_sdk(promptMode="popup").code is None
    user = User(enclave)
    user.begin("setup")
    user.sees("Go on in a window")
    with context.expect_page() as opening:
        user.press("Open the window")
    outcome = user.outcome()
    assert outcome.code == "unsupported"
    assert outcome.error is not None
    assert outcome.error["details"] == {"capability": "popup"}
    assert "Cross-Origin-Opener-Policy" in outcome.error["message"]
    expect(opening.value.locator("body")).to_contain_text("lost the page that opened it")


def test_a_page_that_opens_the_window_itself_gets_nothing_from_it(user: User) -> None:
    """Its opener is the page, so what it says is for another origin and is never delivered."""
    heard = user.page.evaluate(
        """async (address) => {
            const heard = [];
            addEventListener("message", ({ data, origin }) => heard.push([origin, data]));
            const opened = open(address, "_blank");
            await new Promise((resolve) => setTimeout(resolve, 1500));
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = ({ data }) => heard.push(["port", data]);
            opened.postMessage("kms:prompt-connect", "*", [port2]);
            port1.postMessage(JSON.stringify({ ask: {
                id: 1, call: 1, ask: "authenticate", operation: "forged", origin: location.origin,
                methods: ["passphrase"], attempt: 1, error: null, recognition: null, ceremony: null,
            } }));
            await new Promise((resolve) => setTimeout(resolve, 500));
            return heard;
        }""",
        f"{user.enclave.kms_origin}/prompt.html",
    )
    assert heard == []
    window = user.page.context.pages[-1]
    assert window.url.startswith(user.enclave.kms_origin)
    expect(window.get_by_role("dialog")).to_have_count(0)


def test_an_unknown_prompt_mode_is_refused(
    context: BrowserContext, prompting_server: LocalServer
) -> None:
    page: EnclavePage = open_page_in(
        context, app_origin=prompting_server.app_origin, kms_origin=prompting_server.kms_origin
    )
    outcome = page.open_sdk(promptMode="tab")
    assert outcome.code == "request.invalid"
