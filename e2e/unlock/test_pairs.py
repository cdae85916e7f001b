"""One way to unlock added to another one: both unlock, and each does when the other is gone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.driving.enclave import PASSPHRASE
from e2e.unlock.user import PASSKEY, Authenticator, User, add_authenticator

SETUPS = {"passkey-prf": "setupPasskeyPRF", "passkey-gate": "setupPasskeyGate"}


class Keyring:
    """One authenticator for each way; the user touches the one that is wanted."""

    def __init__(self, user: User) -> None:
        self._user = user
        self._authenticators: dict[str, Authenticator] = {}

    def take(self, way: str) -> None:
        for other in self._authenticators.values():
            other.hold(touched=False)
        if way == "passphrase":
            return
        if way not in self._authenticators:
            self._authenticators[way] = add_authenticator(self._user.page, transport="usb")
        self._authenticators[way].hold(touched=True)

    def unplug(self) -> None:
        for authenticator in self._authenticators.values():
            authenticator.unplug()

    def unlock(self, way: str) -> None:
        self.take(way)
        assert self._user.unlocks_with(way).code is None


def title_of(way: str) -> str:
    return "Choose a passphrase" if way == "passphrase" else "Create a passkey"


def create(user: User, way: str) -> None:
    user.sees(title_of(way))
    if way == "passphrase":
        user.type(PASSPHRASE, PASSPHRASE)
    else:
        user.press("Create passkey")


@pytest.fixture
def keyring(newcomer: User) -> Iterator[Keyring]:
    held = Keyring(newcomer)
    yield held
    held.unplug()


@pytest.mark.parametrize(
    ("first", "second"), [("passphrase", "passkey-prf"), ("passkey-prf", "passkey-gate")]
)
def test_both_unlock_and_each_alone(
    newcomer: User, keyring: Keyring, first: str, second: str
) -> None:
    """Every pair: tests/unit/enrollment/test_enrollments.py."""
    keyring.take(first)
    if first == "passphrase":
        newcomer.begin("setupPassphrase")
    else:
        newcomer.begin(SETUPS[first], PASSKEY)
    create(newcomer, first)
    newcomer.remember()
    newcomer.begin("addEnrollment", second)
    newcomer.sees("Confirm it’s you")
    if first == "passphrase":
        newcomer.type(PASSPHRASE)
    else:
        newcomer.press("Use your passkey")
    # The first key is touched until its ceremony is over.
    newcomer.sees(title_of(second))
    keyring.take(second)
    create(newcomer, second)
    assert newcomer.outcome().value["enrollmentId"] == f"enrollment:{second}:v2"
    keyring.unlock(first)
    keyring.unlock(second)
    newcomer.begin("removeEnrollment", f"enrollment:{first}:v2")
    newcomer.sees("Confirm it’s you")
    newcomer.dialog.get_by_role("button", name="passkey").click()
    assert newcomer.outcome().code is None
    keyring.unlock(second)
    left = newcomer.enclave.call("getEnrollments").value["enrollments"]
    assert left == [f"enrollment:{second}:v2"]
