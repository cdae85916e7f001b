"""A `KMSUser` is terminated while the enclave asks for it: nothing is changed."""

from __future__ import annotations

import pytest
from oracles.audit_log import operations, verify_log
from playwright.sync_api import expect

from e2e.conftest import open_page_in
from e2e.driving.enclave import PASSPHRASE
from e2e.unlock.user import PASSKEY, User, add_authenticator


@pytest.fixture
def shared(user: User) -> User:
    """Set up with a passphrase; `first` of the page's two users is the one that will end."""
    user.begin("setupPassphrase")
    user.sees("Choose a passphrase")
    user.type(PASSPHRASE, PASSPHRASE)
    user.remember()
    user.page.evaluate("window.first = kms")
    assert user.enclave.open_sdk().code is None
    return user


def begin_first(user: User, call: str) -> None:
    user.page.evaluate(f"void (window.ending = settle(() => first.{call}))")


def end_first(user: User) -> None:
    user.page.evaluate("first.terminate()")
    assert user.page.evaluate("ending.then(({ error }) => error.code)") == "channel.closed"
    expect(user.dialog).to_have_count(0)


def is_as_it_was(user: User) -> None:
    assert user.enclave.call("getEnrollments").value["enrollments"] == ["enrollment:passphrase:v2"]
    entries = user.enclave.log()
    verify_log(entries)
    assert operations(entries) == ["instance.start", "setup"]
    assert user.unlocks_with("passphrase").code is None


def test_one_that_unlocks_changes_nothing(shared: User) -> None:
    begin_first(shared, "regenerateVAPID()")
    shared.sees("Confirm it’s you")
    shared.page.keyboard.type(PASSPHRASE[:9])
    end_first(shared)
    is_as_it_was(shared)


def test_neither_does_the_second_question_of_one(shared: User) -> None:
    begin_first(shared, "changePassphrase()")
    shared.sees("Confirm it’s you")
    shared.type(PASSPHRASE)
    shared.sees("Choose a passphrase")
    end_first(shared)
    is_as_it_was(shared)


def test_nor_one_that_waits_for_its_turn(shared: User) -> None:
    shared.begin("generateVAPID")
    begin_first(shared, "regenerateVAPID()")
    shared.sees("Confirm it’s you")
    shared.page.evaluate("first.terminate()")
    shared.type(PASSPHRASE)
    assert shared.outcome().code is None
    expect(shared.dialog).to_have_count(0)
    assert operations(shared.enclave.log()) == ["instance.start", "setup", "generate"]


def test_an_authenticator_that_waits_for_a_touch_is_called_off(shared: User) -> None:
    authenticator = add_authenticator(shared.page)
    authenticator.hold(touched=False)
    begin_first(shared, "addEnrollment('passkey-prf')")
    shared.sees("Confirm it’s you")
    shared.type(PASSPHRASE)
    shared.sees("Create a passkey")
    shared.press("Create passkey")
    expect(shared.dialog).to_contain_text("Waiting for your passkey")
    end_first(shared)
    authenticator.hold(touched=True)
    is_as_it_was(shared)
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


def test_a_passkey_that_is_made_all_the_same_is_forgotten(shared: User) -> None:
    authenticator = add_authenticator(shared.page)
    shared.frame.evaluate(DEAF)
    shared.begin("addEnrollment", "passkey-prf")
    shared.sees("Confirm it’s you")
    shared.type(PASSPHRASE)
    shared.sees("Create a passkey")
    with authenticator.hears("credentialDeleted") as heard:
        shared.press("Create passkey")
        shared.enclave.wait_until(lambda: len(authenticator.credentials()) == 1)
        shared.press("Cancel")
        assert shared.outcome().code == "unlock.cancelled"
        shared.frame.evaluate("answer()")
        shared.enclave.wait_until(lambda: len(heard) == 1)
    assert authenticator.credentials() == []


def set_up_in_another_tab(user: User) -> None:
    app_origin = user.page.evaluate("location.origin")
    context, kms_origin = user.page.context, user.enclave.kms_origin
    other = User(open_page_in(context, app_origin=app_origin, kms_origin=kms_origin))
    assert other.enclave.open_sdk().code is None
    other.begin("setupPassphrase")
    other.sees("Choose a passphrase")
    other.type(PASSPHRASE, PASSPHRASE)
    other.remember()
    other.page.close()


def test_one_that_comes_too_late_for_a_setup_is_forgotten(user: User) -> None:
    authenticator = add_authenticator(user.page)
    user.begin("setupPasskeyPRF", PASSKEY)
    user.sees("Create a passkey")
    set_up_in_another_tab(user)
    with authenticator.hears("credentialDeleted") as heard:
        user.press("Create passkey")
        assert user.outcome().code == "enrollment.exists"
        user.enclave.wait_until(lambda: len(heard) == 1)
    assert authenticator.credentials() == []
