"""Prompts in a window of the enclave's own, which shows its address."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from e2e.conftest import PAGES, Serve, open_page_in
from e2e.driving import prompts
from e2e.driving.enclave import PASSPHRASE
from e2e.driving.isolated_site import isolated_site
from e2e.driving.shared import SharedEnclave
from e2e.unlock.conftest import prompting_enclave, user_of
from e2e.unlock.user import PASSKEY, User, add_authenticator, hooked_credentials
from tools.server.serving import LocalServer

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


@pytest.fixture(scope="module")
def windowed_enclave(chromium: Browser, prompting_server: LocalServer) -> Iterator[SharedEnclave]:
    """Not set up, in a page that wants its prompts in a window."""
    with prompting_enclave(chromium, prompting_server, promptMode="popup") as shared:
        yield shared


@pytest.fixture
def windowed(windowed_enclave: SharedEnclave) -> Iterator[User]:
    with user_of(windowed_enclave) as user:
        yield user


@contextlib.contextmanager
def asked_in_window(user: User, method: str) -> Iterator[Page]:
    user.begin(method)
    user.sees("Go on in a window")
    with opened_window(user, "Open the window") as window:
        yield window


def test_a_passkey_is_made_where_the_iframe_may_not(newcomer: User) -> None:
    with hooked_credentials(newcomer.frame, REFUSE_IN_IFRAME):
        newcomer.begin("setupPasskeyPRF", PASSKEY)
        newcomer.sees("Create a passkey")
        expect(newcomer.dialog.get_by_role("button", name="Go on in a window")).to_be_hidden()
        newcomer.press("Create passkey")
        expect(newcomer.dialog.get_by_role("alert")).to_contain_text("does not allow it here")
        with opened_window(newcomer, "Go on in a window") as window:
            assert window.url.startswith(newcomer.enclave.kms_origin)
            add_authenticator(window)
            press(window, "Create passkey")
            prompts.sees(window.get_by_role("dialog"), "You are set up")
            press_last(window, "I’ll remember")
        assert newcomer.outcome().value["enrollmentId"] == "enrollment:passkey-prf:v2"
        expect(newcomer.dialog).to_have_count(0)


def test_every_prompt_can_be_in_a_window(windowed: User) -> None:
    with asked_in_window(windowed, "setup") as window:
        press(window, "With a passphrase")
        prompts.sees(window.get_by_role("dialog"), "Choose a passphrase")
        for label in ("New passphrase", "The same passphrase again"):
            window.get_by_label(label).fill(PASSPHRASE)
        press(window, "Set passphrase")
        prompts.sees(window.get_by_role("dialog"), "You are set up")
        press_last(window, "I’ll remember")
    assert windowed.outcome().code is None
    with asked_in_window(windowed, "generateVAPID") as window:
        window.get_by_label("Passphrase").fill("not the passphrase")
        press(window, "Unlock")
        expect(window.get_by_role("alert")).to_have_text("Invalid passphrase.")
        window.get_by_label("Passphrase").fill(PASSPHRASE)
        press_last(window, "Unlock")
    assert windowed.outcome().value["kid"]
    with asked_in_window(windowed, "resetKMS") as window:
        window.get_by_role("textbox").fill("RESET")
        press_last(window, "Confirm")
    assert windowed.outcome().value["success"] is True
    windowed.enclave.wait_until(lambda: windowed.page.context.pages == [windowed.page])


def test_cancelling_in_the_window_refuses(windowed: User) -> None:
    with asked_in_window(windowed, "setup") as window:
        press_last(window, "Cancel")
        assert windowed.outcome().code == "unlock.cancelled"


def test_a_window_that_is_closed_can_be_opened_again(windowed: User) -> None:
    with asked_in_window(windowed, "setup") as window:
        window.close()
    expect(windowed.dialog.get_by_role("alert")).to_contain_text("closed")
    with opened_window(windowed, "Open the window"):
        windowed.press("Cancel")
    assert windowed.outcome().code == "unlock.cancelled"
    windowed.enclave.wait_until(lambda: windowed.page.context.pages == [windowed.page])


def test_the_window_goes_with_its_call(windowed: User) -> None:
    with asked_in_window(windowed, "setup") as window:
        windowed.page.evaluate("own.terminate()")
        assert windowed.outcome().code == "channel.closed"
        windowed.enclave.wait_until(window.is_closed)
    expect(windowed.dialog).to_have_count(0)


def test_the_window_goes_with_the_iframe(windowed_enclave: SharedEnclave) -> None:
    user = User(windowed_enclave.page)
    with asked_in_window(user, "setup") as window:
        user.page.evaluate("document.querySelector('iframe').remove()")
        assert user.outcome().code == "channel.closed"
        user.enclave.wait_until(window.is_closed)
    user.page.close()


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


FORGE = """async () => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => heard.push(["port", data]);
    opened.postMessage("kms:prompt-connect", "*", [port2]);
    port1.postMessage(JSON.stringify({ ask: {
        id: 1, call: 1, ask: "authenticate", operation: "forged", origin: location.origin,
        methods: ["passphrase"], attempt: 1, error: null, recognition: null, ceremony: null,
    } }));
    opened.postMessage("the last", "*");
}"""
ANSWER_THE_LAST = """() => {
    const { promise, resolve } = Promise.withResolvers();
    addEventListener("message", ({ data, source }) => {
        if (data !== "the last") return;
        source.postMessage("heard the last", "*");
        resolve();
    });
    window.last = promise;
}"""


def test_a_page_that_opens_the_window_itself_gets_nothing_from_it(newcomer: User) -> None:
    """Its opener is the page, so what it says is for another origin and is never delivered."""
    page = newcomer.page
    with page.context.expect_page() as opening:
        page.evaluate(
            """(address) => {
                window.heard = [];
                addEventListener("message", ({ data }) => heard.push(["window", data]));
                window.opened = open(address, "_blank");
            }""",
            f"{newcomer.enclave.kms_origin}/prompt.html",
        )
    window = opening.value
    window.wait_for_load_state()
    window.evaluate(ANSWER_THE_LAST)
    page.evaluate(FORGE)
    window.evaluate("last")
    page.wait_for_function("heard.length > 0")
    assert page.evaluate("heard") == [["window", "heard the last"]]
    assert window.url.startswith(newcomer.enclave.kms_origin)
    expect(window.get_by_role("dialog")).to_have_count(0)
    window.close()
