"""Each way to unlock added to each other one: both unlock, and each does when the other is gone."""

from __future__ import annotations

import itertools

import pytest

from e2e.driving.enclave import PASSPHRASE
from e2e.unlock.user import PASSKEY, Authenticator, User, add_authenticator

WAYS = ("passphrase", "passkey-prf", "passkey-gate")
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


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(WAYS, 2)))
def test_both_unlock_and_each_alone(user: User, first: str, second: str) -> None:
    keyring = Keyring(user)
    keyring.take(first)
    if first == "passphrase":
        user.begin("setupPassphrase")
    else:
        user.begin(SETUPS[first], PASSKEY)
    create(user, first)
    user.remember()
    user.begin("addEnrollment", second)
    user.sees("Confirm it’s you")
    if first == "passphrase":
        user.type(PASSPHRASE)
    else:
        user.press("Use your passkey")
    # The first key is touched until its ceremony is over.
    user.sees(title_of(second))
    keyring.take(second)
    create(user, second)
    assert user.outcome().value["enrollmentId"] == f"enrollment:{second}:v2"
    keyring.unlock(first)
    keyring.unlock(second)
    user.begin("removeEnrollment", f"enrollment:{first}:v2")
    user.sees("Confirm it’s you")
    if second == "passphrase":
        user.type(PASSPHRASE)
    else:
        user.dialog.get_by_role("button", name="passkey").click()
    assert user.outcome().code is None
    keyring.unlock(second)
    assert user.enclave.call("getEnrollments").value["enrollments"] == [f"enrollment:{second}:v2"]
