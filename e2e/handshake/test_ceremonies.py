"""What the enclave asks of an authenticator, and that it asks no longer than its call lasts."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from e2e.handshake.test_prompts import Prompt

ASK = "port.postMessage({{ id: 1, method: 'getPublicKey', params: {{ kid: '{kid}' }} }})"
CEREMONIES = {"create": "Create passkey", "use": "Use your passkey"}

# An authenticator that waits for a touch until it is called off, and notes what it was asked.
WAITING = """() => {
    window.asked = [];
    const wait = ({ publicKey, signal }) => {
        asked.push({ publicKey, signal });
        return new Promise((_, reject) => {
            signal.addEventListener("abort", () => reject(signal.reason));
        });
    };
    Object.assign(navigator.credentials, { create: wait, get: wait });
}"""


def begin(page: Page, kid: str) -> Prompt:
    """Begin a ceremony, which then waits."""
    page.evaluate("[frame.width, frame.height] = [600, 600]")
    page.evaluate(ASK.format(kid=kid))
    prompt = Prompt(page)
    prompt.wait_until_armed()
    prompt.frame.evaluate(WAITING)
    prompt.dialog.get_by_role("button", name=CEREMONIES[kid]).click()
    prompt.frame.wait_for_function("asked.length === 1")
    return prompt


def test_a_new_passkey_has_to_verify_its_user(raw_page: Page) -> None:
    frame = begin(raw_page, "create").frame
    selection = frame.evaluate("asked[0].publicKey.authenticatorSelection")
    assert selection["userVerification"] == "required"


def test_a_passkey_has_to_verify_its_user(raw_page: Page) -> None:
    frame = begin(raw_page, "use").frame
    assert frame.evaluate("asked[0].publicKey.userVerification") == "required"


def test_what_is_enrolled_is_not_made_again(raw_page: Page) -> None:
    frame = begin(raw_page, "create").frame
    excluded = "asked[0].publicKey.excludeCredentials.map(({ id }) => [...id])"
    assert frame.evaluate(excluded) == [[0, 0, 0]]


@pytest.mark.parametrize("kid", CEREMONIES)
def test_an_authenticator_is_called_off_with_its_call(raw_page: Page, kid: str) -> None:
    prompt = begin(raw_page, kid)
    raw_page.evaluate("port.postMessage({ id: 1, withdrawn: true })")
    prompt.frame.wait_for_function("asked[0].signal.aborted")


@pytest.mark.parametrize("kid", CEREMONIES)
def test_an_authenticator_is_called_off_by_its_user(raw_page: Page, kid: str) -> None:
    prompt = begin(raw_page, kid)
    prompt.page.keyboard.press("Escape")
    prompt.frame.wait_for_function("asked[0].signal.aborted")
