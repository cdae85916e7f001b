"""A page that hooks everything it can, on another host than the enclave's: it finds no
credential.
"""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from e2e.conftest import open_page_in
from e2e.driving.enclave import PASSPHRASE
from e2e.unlock.user import PASSKEY, Authenticator, User, add_authenticator
from web.server.serving import LocalServer

HOOKS = (Path(__file__).parent / "hooks.js").read_text("utf-8")

# On the enclave's own origin, so that the test knows what the page must not find.
RECORD_PRF = """() => {
    window.outputs = [];
    window.salts = [];
    const real = PublicKeyCredential.prototype.getClientExtensionResults;
    PublicKeyCredential.prototype.getClientExtensionResults = function () {
        const results = Reflect.apply(real, this, []);
        const first = results.prf?.results?.first;
        if (first) outputs.push([...new Uint8Array(first)]);
        return results;
    };
    const get = navigator.credentials.get.bind(navigator.credentials);
    navigator.credentials.get = (options) => {
        for (const { first } of Object.values(options.publicKey.extensions.prf.evalByCredential)) {
            salts.push([...first]);
        }
        return get(options);
    };
}"""

# In the same modal dialog as the iframe: there it is not inert.
TAKE_THE_KEYBOARD = """() => {
    const input = document.createElement("input");
    input.style.cssText = "position:absolute;width:1px;height:1px;padding:0;border:0;opacity:0";
    document.querySelector("iframe").parentElement.append(input);
    input.focus();
}"""

CLAIMED_HOSTS = ("kms.localhost", "app.localhost", "localhost")


@pytest.fixture
def hooked(context: BrowserContext, prompting_server: LocalServer) -> User:
    """The enclave on kms.localhost, in a page of app.localhost that had its way first."""
    enclave = open_page_in(
        context,
        app_origin=prompting_server.cross_site_app_origin,
        kms_origin=prompting_server.cross_site_kms_origin,
    )
    enclave.page.evaluate(HOOKS)
    assert enclave.open_sdk().code is None
    return User(enclave)


def seen_by(user: User) -> str:
    seen = user.page.evaluate("seen")
    assert any("generateVAPID" in text for text in seen), "the hooks must see what is there"
    return "\n".join(seen)


def forms_of(secret: bytes) -> list[str]:
    """Return how bytes could appear in what a page kept."""
    return [
        ",".join(str(byte) for byte in secret),
        secret.hex(),
        base64.urlsafe_b64encode(secret).decode().rstrip("="),
        base64.b64encode(secret).decode().rstrip("="),
    ]


def test_no_passphrase(hooked: User) -> None:
    hooked.begin("setupPassphrase")
    hooked.sees("Choose a passphrase")
    hooked.type(PASSPHRASE, PASSPHRASE)
    phrase, _ = hooked.remember()
    assert hooked.outcome().code is None
    assert hooked.unlocks_with("passphrase").code is None
    seen = seen_by(hooked)
    for secret in (PASSPHRASE, phrase, *forms_of(PASSPHRASE.encode())):
        assert secret not in seen
    typed = [line for line in seen.splitlines() if line.startswith(("key", "input", "before"))]
    assert typed == []


def test_a_user_sees_when_the_page_takes_the_keyboard_away(hooked: User) -> None:
    hooked.begin("setupPassphrase")
    hooked.sees("Choose a passphrase")
    hooked.page.keyboard.type(PASSPHRASE[:4])
    hooked.page.evaluate(TAKE_THE_KEYBOARD)
    told = hooked.dialog.get_by_role("alert")
    expect(told).to_contain_text("whatever you type now goes elsewhere")
    hooked.press("Go on in a window")
    hooked.sees("Go on in a window")


def test_a_user_who_types_in_the_prompt_again_is_not_told_so_any_more(hooked: User) -> None:
    hooked.begin("setupPassphrase")
    hooked.sees("Choose a passphrase")
    hooked.page.evaluate(TAKE_THE_KEYBOARD)
    expect(hooked.dialog.get_by_role("alert")).to_contain_text("goes elsewhere")
    hooked.dialog.get_by_label("New passphrase").click()
    hooked.page.keyboard.type(PASSPHRASE)
    expect(hooked.dialog.get_by_role("alert")).to_have_count(0)


def test_no_prf_output(hooked: User) -> None:
    authenticator = add_authenticator(hooked.page)
    hooked.frame.evaluate(RECORD_PRF)
    hooked.begin("setupPasskeyPRF", PASSKEY)
    hooked.sees("Create a passkey")
    hooked.press("Create passkey")
    hooked.remember()
    assert hooked.outcome().code is None
    assert hooked.unlocks_with("passkey").code is None
    outputs = [bytes(output) for output in hooked.frame.evaluate("outputs")]
    assert outputs
    assert all(len(output) == 32 for output in outputs)
    seen = seen_by(hooked)
    for output in outputs:
        assert not any(form in seen for form in forms_of(output))
    for salt in hooked.frame.evaluate("salts"):
        assert not any(form in seen for form in forms_of(bytes(salt)))
    _assert_no_claim(hooked, authenticator)


def _assert_no_claim(hooked: User, authenticator: Authenticator) -> None:
    """Even with the passkey's id and its PRF input, no relying party id gets another page there."""
    (credential,) = authenticator.credentials()
    (salt, *_) = hooked.frame.evaluate("salts")
    known = [credential["credentialId"], base64.b64encode(bytes(salt)).decode()]
    for host in CLAIMED_HOSTS:
        answer = hooked.page.evaluate("([h, c, s]) => claim(h, c, s)", [host, *known])
        assert answer in ("SecurityError", "NotAllowedError"), host
