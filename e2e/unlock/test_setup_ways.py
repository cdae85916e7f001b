"""Every way to set an enclave up, by a user in front of the enclave's own dialogs."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from e2e.driving.enclave import PASSPHRASE
from e2e.unlock.user import PASSKEY, Authenticator, User, add_authenticator

PRF = "enrollment:passkey-prf:v2"
GATE = "enrollment:passkey-gate:v2"

# An authenticator that has PRF and evaluates it only when it is used.
EVALUATE_LATER = """(said) => {
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
    window.real = navigator.credentials.get.bind(navigator.credentials);
    navigator.credentials.get = async ({ publicKey }) => {
        challenges.push(String(new Uint8Array(publicKey.challenge)));
        throw new DOMException("", "NotAllowedError");
    };
}"""


def enrollment(user: User) -> str:
    outcome = user.outcome()
    assert user.enclave.call("isSetup").value["isSetup"] is True
    return outcome.value["enrollmentId"]


@pytest.mark.parametrize(
    ("method", "expected"), [("setupPasskeyPRF", PRF), ("setupPasskeyGate", GATE)]
)
def test_with_a_passkey(
    user: User, authenticator: Authenticator, method: str, expected: str
) -> None:
    user.begin(method, PASSKEY)
    user.sees("Create a passkey")
    user.press("Create passkey")
    introduced = user.remember()
    assert enrollment(user) == expected
    assert len(authenticator.credentials()) == 1
    user.begin("generateVAPID")
    user.sees("Confirm it’s you")
    assert user.recognition() == introduced
    user.press("Use your passkey")
    assert user.outcome().code is None


@pytest.mark.usefixtures("authenticator")
def test_by_the_wizard_with_a_passkey(user: User) -> None:
    user.begin("setup")
    user.sees("How do you want to unlock?")
    user.press("With a passkey")
    user.remember()
    assert enrollment(user) == PRF


@pytest.mark.usefixtures("authenticator")
def test_by_the_wizard_with_a_passphrase_by_keyboard(user: User) -> None:
    user.begin("setup")
    user.sees("How do you want to unlock?")
    user.page.keyboard.press("Tab")
    user.page.keyboard.press("Enter")
    user.sees("Choose a passphrase")
    user.type("short", "short")
    expect(user.dialog.get_by_role("alert")).to_contain_text("at least 8")
    user.press("Choose another way")
    user.sees("How do you want to unlock?")
    user.press("With a passphrase")
    user.sees("Choose a passphrase")
    user.type(PASSPHRASE, PASSPHRASE)
    introduced = user.remember()
    assert enrollment(user) == "enrollment:passphrase:v2"
    user.begin("generateVAPID")
    user.sees("Confirm it’s you")
    assert user.recognition() == introduced
    user.type(PASSPHRASE)
    assert user.outcome().code is None


@pytest.mark.usefixtures("authenticator")
@pytest.mark.parametrize("said", [{"prf": {"enabled": True}}, {"prf": {}}, {}])
def test_prf_that_comes_only_with_an_assertion_is_fetched_at_once(
    user: User, said: dict[str, object]
) -> None:
    """`said`: what the new passkey says of its extensions."""
    user.frame.evaluate(EVALUATE_LATER, said)
    user.begin("setup")
    user.sees("How do you want to unlock?")
    user.press("With a passkey")
    user.sees("One more step")
    user.press("Use your passkey")
    user.remember()
    assert enrollment(user) == PRF
    assert user.unlocks_with("passkey").code is None


@pytest.mark.usefixtures("authenticator")
def test_a_gate_that_the_page_asks_for_is_not_praised_as_encryption(user: User) -> None:
    user.begin("setupPasskeyGate", PASSKEY)
    user.sees("Create a passkey")
    expect(user.dialog).to_contain_text(
        "Whoever copies this browser’s files could get in without it."
    )
    expect(user.dialog).not_to_contain_text("gets nothing without it")


def test_without_prf_the_gate_is_offered_in_plain_words(user: User) -> None:
    add_authenticator(user.page, prf=False)
    user.begin("setupPasskeyPRF", PASSKEY)
    user.sees("Create a passkey")
    user.press("Create passkey")
    user.sees("Before you go on")
    expect(user.dialog).to_contain_text("Somebody who copies this browser's files")
    expect(user.dialog.get_by_role("button", name="Cancel")).to_be_focused()
    user.press("Yes, go on")
    user.remember()
    assert enrollment(user) == GATE
    (info,) = user.enclave.call("getEnrollments").value["details"]
    assert info["assurance"] == "low"


def test_a_gate_that_is_declined_sets_nothing_up(user: User) -> None:
    authenticator = add_authenticator(user.page, prf=False)
    user.begin("setupPasskeyPRF", PASSKEY)
    user.sees("Create a passkey")
    user.press("Create passkey")
    user.sees("Before you go on")
    user.press("Cancel")
    assert user.outcome().code == "unlock.cancelled"
    assert user.enclave.call("isSetup").value["isSetup"] is False
    user.enclave.wait_until(lambda: authenticator.credentials() == [])


@pytest.mark.usefixtures("authenticator")
def test_asking_for_prf_never_breaks_a_registration(user: User) -> None:
    user.frame.evaluate(FAIL_WITH_PRF)
    user.begin("setupPasskeyGate", PASSKEY)
    user.sees("Create a passkey")
    user.press("Create passkey")
    user.remember()
    assert enrollment(user) == GATE


@pytest.mark.usefixtures("authenticator")
def test_each_click_has_a_challenge_that_was_made_for_it(user: User) -> None:
    user.begin("setupPasskeyGate", PASSKEY)
    user.sees("Create a passkey")
    user.press("Create passkey")
    user.remember()
    user.frame.evaluate(FAIL_AND_RECORD)
    user.begin("generateVAPID")
    user.sees("Confirm it’s you")
    for clicks in (1, 2):
        user.press("Use your passkey")
        expect(user.dialog.get_by_role("alert")).to_contain_text("cancelled")
        assert user.frame.evaluate("new Set(challenges).size") == clicks
    user.frame.evaluate("() => { navigator.credentials.get = real; }")
    user.press("Use your passkey")
    assert user.outcome().code is None


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
