"""A page that hooks everything it can, on another host than the enclave's: it finds no
credential.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from e2e.conftest import open_page_in
from e2e.driving.enclave import PASSPHRASE
from e2e.unlock.user import Authenticator, User, add_authenticator
from tools.server.serving import LocalServer

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

CLAIMED_HOSTS = ("kms.localhost", "app.localhost", "localhost")


@pytest.fixture(scope="module")
def hooked(chromium: Browser, prompting_server: LocalServer) -> Iterator[User]:
    """The enclave on kms.localhost, in a page of app.localhost that had its way first."""
    with contextlib.closing(chromium.new_context()) as context:
        enclave = open_page_in(
            context,
            app_origin=prompting_server.cross_site_app_origin,
            kms_origin=prompting_server.cross_site_kms_origin,
        )
        enclave.page.evaluate(HOOKS)
        assert enclave.open_sdk().code is None
        yield User(enclave)


@pytest.fixture(scope="module")
def phrase(hooked: User) -> str:
    """What the enclave shows to be recognised by, once its user has set it up with a passphrase."""
    shown, _ = hooked.sets_up()
    return shown


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


def test_no_passphrase(hooked: User, phrase: str) -> None:
    assert hooked.unlocks_with("passphrase").code is None
    seen = seen_by(hooked)
    for secret in (PASSPHRASE, phrase, *forms_of(PASSPHRASE.encode())):
        assert secret not in seen
    typed = [line for line in seen.splitlines() if line.startswith(("key", "input", "before"))]
    assert typed == []


@pytest.mark.usefixtures("phrase")
def test_no_prf_output(hooked: User) -> None:
    authenticator = add_authenticator(hooked.page)
    hooked.frame.evaluate(RECORD_PRF)
    hooked.begin("addEnrollment", "passkey-prf")
    hooked.sees("Confirm it’s you")
    hooked.type(PASSPHRASE)
    hooked.sees("Create a passkey")
    hooked.press("Create passkey")
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
