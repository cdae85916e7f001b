"""A `KMSUser` is terminated while the enclave asks for it: nothing is changed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from oracles.audit_log import operations, verify_log
from playwright.sync_api import expect

from e2e.driving.enclave import PASSPHRASE
from e2e.unlock.user import User, hooked_credentials, plugged_in


@pytest.fixture
def ending(set_up_user: User) -> User:
    """Of the page's two users `own` is the one that will end."""
    set_up_user.page.evaluate("window.kms = first")
    return set_up_user


def begin_own(user: User, call: str) -> None:
    user.page.evaluate(f"void (window.ending = settle(() => own.{call}))")


def end_own(user: User) -> None:
    user.page.evaluate("own.terminate()")
    assert user.page.evaluate("ending.then(({ error }) => error.code)") == "channel.closed"
    expect(user.dialog).to_have_count(0)


def kept_by(user: User) -> tuple[object, object]:
    """Return what is enrolled, and the log."""
    return user.enclave.call("getEnrollments").value["enrollments"], user.enclave.log()


@contextlib.contextmanager
def nothing_changes(user: User) -> Iterator[None]:
    before = kept_by(user)
    yield
    assert kept_by(user) == before
    verify_log(user.enclave.log())
    assert user.unlocks_with("passphrase").code is None


def test_one_that_unlocks_changes_nothing(ending: User) -> None:
    with nothing_changes(ending):
        begin_own(ending, "regenerateVAPID()")
        ending.sees("Confirm it’s you")
        ending.page.keyboard.type(PASSPHRASE[:9])
        end_own(ending)


def test_neither_does_the_second_question_of_one(ending: User) -> None:
    with nothing_changes(ending):
        begin_own(ending, "changePassphrase()")
        ending.sees("Confirm it’s you")
        ending.type(PASSPHRASE)
        ending.sees("Choose a passphrase")
        end_own(ending)


def test_nor_one_that_waits_for_its_turn(ending: User) -> None:
    before = operations(ending.enclave.log())
    ending.begin("generateVAPID")
    begin_own(ending, "regenerateVAPID()")
    ending.sees("Confirm it’s you")
    ending.page.evaluate("own.terminate()")
    ending.type(PASSPHRASE)
    assert ending.outcome().code is None
    expect(ending.dialog).to_have_count(0)
    assert operations(ending.enclave.log()) == [*before, "generate"]


def test_an_authenticator_that_waits_for_a_touch_is_called_off(ending: User) -> None:
    with plugged_in(ending.page) as authenticator:
        authenticator.hold(touched=False)
        with nothing_changes(ending):
            begin_own(ending, "addEnrollment('passkey-prf')")
            ending.sees("Confirm it’s you")
            ending.type(PASSPHRASE)
            ending.sees("Create a passkey")
            ending.press("Create passkey")
            expect(ending.dialog).to_contain_text("Waiting for your passkey")
            end_own(ending)
            authenticator.hold(touched=True)
        assert authenticator.credentials() == []


# A browser whose authenticator is done in the moment in which it is called off.
DEAF = """() => {
    const create = navigator.credentials.create.bind(navigator.credentials);
    const { promise, resolve } = Promise.withResolvers();
    window.answer = resolve;
    navigator.credentials.create = async ({ publicKey }) => {
        const made = await create({ publicKey });
        await promise;
        return made;
    };
}"""


def test_a_passkey_that_is_made_all_the_same_is_forgotten(set_up_user: User) -> None:
    frame, enclave = set_up_user.frame, set_up_user.enclave
    with plugged_in(set_up_user.page) as authenticator, hooked_credentials(frame, DEAF):
        set_up_user.begin("addEnrollment", "passkey-prf")
        set_up_user.sees("Confirm it’s you")
        set_up_user.type(PASSPHRASE)
        set_up_user.sees("Create a passkey")
        with authenticator.hears("credentialDeleted") as heard:
            set_up_user.press("Create passkey")
            enclave.wait_until(lambda: len(authenticator.credentials()) == 1)
            set_up_user.press("Cancel")
            assert set_up_user.outcome().code == "unlock.cancelled"
            frame.evaluate("answer()")
            enclave.wait_until(lambda: len(heard) == 1)
        assert authenticator.credentials() == []
