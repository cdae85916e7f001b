"""Every way to set an enclave up, by a user in front of the enclave's own dialogs."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from e2e.driving.enclave import PASSPHRASE
from e2e.unlock.user import PASSKEY, User, hooked_credentials, plugged_in

PRF = "enrollment:passkey-prf:v2"
GATE = "enrollment:passkey-gate:v2"

# An authenticator that has PRF and evaluates it only when it is used.
EVALUATE_LATER = """() => {
    PublicKeyCredential.prototype.getClientExtensionResults = new Proxy(
        PublicKeyCredential.prototype.getClientExtensionResults,
        {
            apply(real, credential) {
                const results = Reflect.apply(real, credential, []);
                const isNew = credential.response instanceof AuthenticatorAttestationResponse;
                return isNew ? said : results;
            },
        },
    );
}"""

# A client that fails where it is asked for PRF.
FAIL_WITH_PRF = """() => {
    navigator.credentials.create = new Proxy(navigator.credentials.create, {
        apply(real, container, [options]) {
            if (options.publicKey.extensions) throw new DOMException("PRF", "UnknownError");
            return Reflect.apply(real, container, [options]);
        },
    });
}"""


# The user closes the browser's own dialog.
FAIL_AND_RECORD = """() => {
    window.challenges = [];
    navigator.credentials.get = async ({ publicKey }) => {
        challenges.push(String(new Uint8Array(publicKey.challenge)));
        throw new DOMException("", "NotAllowedError");
    };
}"""


def enrollment(user: User) -> str:
    outcome = user.outcome()
    assert user.enclave.call("isSetup").value["isSetup"] is True
    return outcome.value["enrollmentId"]


def test_by_the_wizard_with_a_passkey(newcomer: User) -> None:
    with plugged_in(newcomer.page) as authenticator:
        newcomer.begin("setup")
        newcomer.sees("How do you want to unlock?")
        newcomer.press("With a passkey")
        introduced = newcomer.remember()
        assert enrollment(newcomer) == PRF
        assert len(authenticator.credentials()) == 1
        newcomer.begin("generateVAPID")
        newcomer.sees("Confirm it’s you")
        assert newcomer.recognition() == introduced
        newcomer.press("Use your passkey")
        assert newcomer.outcome().code is None


def test_by_the_wizard_with_a_passphrase_by_keyboard(newcomer: User) -> None:
    newcomer.begin("setup")
    newcomer.sees("How do you want to unlock?")
    newcomer.page.keyboard.press("Tab")
    newcomer.page.keyboard.press("Enter")
    newcomer.sees("Choose a passphrase")
    newcomer.type("short", "short")
    expect(newcomer.dialog.get_by_role("alert")).to_contain_text("at least 8")
    newcomer.press("Choose another way")
    newcomer.sees("How do you want to unlock?")
    newcomer.press("With a passphrase")
    newcomer.sees("Choose a passphrase")
    newcomer.type(PASSPHRASE, PASSPHRASE)
    introduced = newcomer.remember()
    assert enrollment(newcomer) == "enrollment:passphrase:v2"
    newcomer.begin("generateVAPID")
    newcomer.sees("Confirm it’s you")
    assert newcomer.recognition() == introduced
    newcomer.type(PASSPHRASE)
    assert newcomer.outcome().code is None


def test_a_gate_that_the_page_asks_for_is_not_praised_as_encryption(newcomer: User) -> None:
    with plugged_in(newcomer.page):
        newcomer.begin("setupPasskeyGate", PASSKEY)
        newcomer.sees("Create a passkey")
        expect(newcomer.dialog).to_contain_text(
            "Whoever copies this browser’s files could get in without it."
        )
        expect(newcomer.dialog).not_to_contain_text("gets nothing without it")
        newcomer.press("Create passkey")
        newcomer.remember()
        assert enrollment(newcomer) == GATE
        assert newcomer.unlocks_with("passkey").code is None


def test_without_prf_the_gate_is_offered_in_plain_words(newcomer: User) -> None:
    with plugged_in(newcomer.page, prf=False):
        begin_without_prf(newcomer)
        expect(newcomer.dialog).to_contain_text("Somebody who copies this browser's files")
        expect(newcomer.dialog.get_by_role("button", name="Cancel")).to_be_focused()
        newcomer.press("Yes, go on")
        newcomer.remember()
        assert enrollment(newcomer) == GATE
        (info,) = newcomer.enclave.call("getEnrollments").value["details"]
        assert info["assurance"] == "low"


def test_a_gate_that_is_declined_sets_nothing_up(newcomer: User) -> None:
    with plugged_in(newcomer.page, prf=False) as authenticator:
        begin_without_prf(newcomer)
        newcomer.press("Cancel")
        assert newcomer.outcome().code == "unlock.cancelled"
        assert newcomer.enclave.call("isSetup").value["isSetup"] is False
        newcomer.enclave.wait_until(lambda: authenticator.credentials() == [])


def begin_without_prf(user: User) -> None:
    user.begin("setupPasskeyPRF", PASSKEY)
    user.sees("Create a passkey")
    user.press("Create passkey")
    user.sees("Before you go on")


def test_asking_for_prf_never_breaks_a_registration(newcomer: User) -> None:
    with plugged_in(newcomer.page), hooked_credentials(newcomer.frame, FAIL_WITH_PRF):
        newcomer.begin("setupPasskeyGate", PASSKEY)
        newcomer.sees("Create a passkey")
        newcomer.press("Create passkey")
        newcomer.remember()
        assert enrollment(newcomer) == GATE


def test_each_click_has_a_challenge_that_was_made_for_it(newcomer: User) -> None:
    with plugged_in(newcomer.page):
        newcomer.begin("setupPasskeyGate", PASSKEY)
        newcomer.sees("Create a passkey")
        newcomer.press("Create passkey")
        newcomer.remember()
        with hooked_credentials(newcomer.frame, FAIL_AND_RECORD):
            newcomer.begin("generateVAPID")
            newcomer.sees("Confirm it’s you")
            for clicks in (1, 2):
                newcomer.press("Use your passkey")
                expect(newcomer.dialog.get_by_role("alert")).to_contain_text("cancelled")
                newcomer.sees("Confirm it’s you")
                assert newcomer.frame.evaluate("new Set(challenges).size") == clicks
        newcomer.press("Use your passkey")
        assert newcomer.outcome().code is None


PRF_COMES_LATER = ({"prf": {"enabled": True}}, {"prf": {}}, {})
"""What a new passkey may say of its extensions."""


@pytest.mark.usefixtures("authenticator")
def test_prf_that_comes_only_with_an_assertion_is_fetched_at_once(user: User) -> None:
    user.frame.evaluate(EVALUATE_LATER)
    for said in PRF_COMES_LATER:
        user.frame.evaluate("(said) => { window.said = said; }", said)
        user.begin("setup")
        user.sees("How do you want to unlock?")
        user.press("With a passkey")
        user.sees("One more step")
        if said != PRF_COMES_LATER[-1]:
            user.press("Cancel")
            assert user.outcome().code == "unlock.cancelled"
    user.press("Use your passkey")
    user.remember()
    assert enrollment(user) == PRF
    assert user.unlocks_with("passkey").code is None


def test_without_passkeys_in_the_browser_the_rest_works(user: User) -> None:
    """WebKitGTK, for one, has no PublicKeyCredential."""
    user.frame.evaluate("delete window.PublicKeyCredential")
    outcome = user.enclave.call("setupPasskeyPRF", PASSKEY)
    assert outcome.code == "unsupported"
    assert outcome.error is not None
    assert outcome.error["details"] == {"capability": "passkey"}
    user.begin("setup")
    user.sees("Choose a passphrase")
    user.type(PASSPHRASE, PASSPHRASE)
    user.remember()
    assert user.outcome().code is None
