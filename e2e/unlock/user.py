"""A user in front of the enclave's dialogs, with passkeys of Chromium's virtual authenticators."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from playwright.sync_api import CDPSession, Frame, Locator, Page, expect

from e2e.driving import prompts
from e2e.driving.enclave import PASSPHRASE, EnclavePage, Outcome, parse_outcome

PASSKEY = {"name": "Ada's enclave", "userId": "ada"}


@attrs.define
class Authenticator:
    """One virtual authenticator, for a page and every frame in it."""

    session: CDPSession
    number: str

    def credentials(self) -> list[Mapping[str, Any]]:
        return self._send("WebAuthn.getCredentials")["credentials"]

    def unplug(self) -> None:
        """Take it away, with what it holds."""
        self._send("WebAuthn.removeVirtualAuthenticator")

    def hold(self, *, touched: bool) -> None:
        """Have the user touch it when it asks, or leave it alone."""
        self._send("WebAuthn.setAutomaticPresenceSimulation", enabled=touched)

    @contextlib.contextmanager
    def hears(self, event: str) -> Iterator[list[Mapping[str, Any]]]:
        """Gather what the browser says about an event while the block runs."""
        heard: list[Mapping[str, Any]] = []

        def listen(said: Mapping[str, Any]) -> None:
            heard.append(said)

        self.session.on(f"WebAuthn.{event}", listen)
        yield heard
        self.session.remove_listener(f"WebAuthn.{event}", listen)

    def _send(self, command: str, **fields: object) -> Any:
        return self.session.send(command, {"authenticatorId": self.number, **fields})


def add_authenticator(
    page: Page, *, prf: bool = True, transport: str = "internal"
) -> Authenticator:
    """Plug in an authenticator whose user is present and verified."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable", {"enableUI": False})
    options = {
        "protocol": "ctap2",
        "ctap2Version": "ctap2_1",
        "transport": transport,
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "hasPrf": prf,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return Authenticator(session, made["authenticatorId"])


@contextlib.contextmanager
def plugged_in(
    page: Page, *, prf: bool = True, transport: str = "internal"
) -> Iterator[Authenticator]:
    """An authenticator for a while, in a page that other tests use as well."""
    authenticator = add_authenticator(page, prf=prf, transport=transport)
    try:
        yield authenticator
    finally:
        authenticator.unplug()


@contextlib.contextmanager
def hooked_credentials(frame: Frame, script: str) -> Iterator[None]:
    """Run a script that gives `navigator.credentials` other methods, and undo that at the end."""
    frame.evaluate(script)
    try:
        yield
    finally:
        frame.evaluate("for (const name of ['create', 'get']) delete navigator.credentials[name]")


@attrs.define
class User:
    """Calls from the page, and what the user does about them."""

    enclave: EnclavePage

    @property
    def page(self) -> Page:
        return self.enclave.page

    @property
    def frame(self) -> Frame:
        return self.enclave.frame

    @property
    def dialog(self) -> Locator:
        return self.frame.get_by_role("dialog")

    def begin(self, method: str, *parameters: object) -> None:
        arguments = [method, list(parameters)]
        self.page.evaluate("([m, p]) => void (window.calling = callSdk(m, p))", arguments)

    def outcome(self) -> Outcome:
        return parse_outcome(self.page.evaluate("calling"))

    def sees(self, title: str) -> None:
        """Wait until a view is there, and takes input."""
        prompts.sees(self.dialog, title)

    def sets_up(self) -> tuple[str, str]:
        """Set up with the tests' passphrase; return phrase and colour of the recognition."""
        self.begin("setupPassphrase")
        self.sees("Choose a passphrase")
        self.type(PASSPHRASE, PASSPHRASE)
        introduced = self.remember()
        assert self.outcome().code is None
        return introduced

    def resets(self) -> None:
        """Delete everything, by the word that the prompt wants."""
        self.begin("resetKMS")
        self.sees("This cannot be undone")
        self.type("RESET")
        assert self.outcome().code is None

    def unlocks_with(self, way: str) -> Outcome:
        """Unlock something that changes little, in one of the ways that the dialog offers."""
        self.begin("generateVAPID")
        self.sees("Confirm it’s you")
        if way == "passphrase":
            self.type(PASSPHRASE)
        else:
            self.dialog.get_by_role("button", name="passkey").click()
        return self.outcome()

    def press(self, name: str) -> None:
        self.dialog.get_by_role("button", name=name).click()

    def type(self, *entries: str) -> None:
        """Fill the fields in order, as with a keyboard, and press Enter."""
        prompts.type_entries(self.page, *entries)

    def remember(self) -> tuple[str, str]:
        """Read the end of a setup; return the phrase and the colour."""
        self.sees("You are set up")
        seen = self.recognition()
        self.press("I’ll remember")
        expect(self.dialog).to_have_count(0)
        return seen

    def recognition(self) -> tuple[str, str]:
        band = self.dialog.locator(".recognition")
        colour = band.evaluate("(band) => band.style.getPropertyValue('--colour')")
        return band.inner_text().removeprefix("Your words: "), colour
