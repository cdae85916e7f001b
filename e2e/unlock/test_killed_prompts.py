"""A browser that is killed while the enclave asks: the next one finds what was there before.

Nothing is written before the last answer, so there is nothing to tidy up either. KMS_LONG=1 tries
more prompts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from oracles.audit_log import operations, verify_log
from playwright.sync_api import Playwright, expect

from e2e.driving.enclave import PASSPHRASE, EnclavePage
from e2e.driving.killing import IS_LONG, Killing
from e2e.driving.witness import witness_of_pages
from e2e.unlock.user import User
from tools.server.serving import LocalServer

NEW_PASSPHRASE = "another horse battery staple"
Enrollments = list[str]


@pytest.fixture
def killing(playwright: Playwright, prompting_server: LocalServer) -> Iterator[Killing]:
    with witness_of_pages() as witness:
        yield Killing(playwright, prompting_server, witness)


def change_passphrase(user: User) -> None:
    begin_changing(user)
    user.type(NEW_PASSPHRASE, NEW_PASSPHRASE)
    assert user.outcome().code is None


def begin_setting_up(user: User) -> None:
    user.begin("setupPassphrase")
    user.sees("Choose a passphrase")
    user.page.keyboard.type(PASSPHRASE)


def begin_wizard(user: User) -> None:
    user.begin("setup")
    user.sees("How do you want to unlock?")


def begin_changing(user: User) -> None:
    user.begin("changePassphrase")
    user.sees("Confirm it’s you")
    user.type(PASSPHRASE)
    user.sees("Choose a passphrase")


def begin_removing(user: User) -> None:
    user.begin("removeEnrollment", "enrollment:passphrase:v2")
    user.sees("Confirm it’s you")
    user.page.keyboard.type(PASSPHRASE)


def begin_resetting(user: User) -> None:
    user.begin("resetKMS")
    user.sees("This cannot be undone")
    user.page.keyboard.type("RESET")


def stored(enclave: EnclavePage) -> object:
    """Everything that stays. A start looks for a probe, and makes one of its own."""
    return [each for each in enclave.records() if not str(each["key"]).startswith("probe/")]


def kill_while(killing: Killing, profile: Path, begin: Callable[[User], None]) -> object:
    """Return what was stored before the browser was killed with a prompt open."""
    with killing.opened(profile) as (browser, enclave):
        before = stored(enclave)
        user = User(enclave)
        begin(user)
        expect(user.dialog).to_have_count(1)
        browser.kill()
    return before


@contextlib.contextmanager
def found_again(killing: Killing, profile: Path, before: object) -> Iterator[User]:
    with killing.opened(profile) as (_, enclave):
        assert stored(enclave) == before
        user = User(enclave)
        expect(user.dialog).to_have_count(0)
        verify_log(enclave.log())
        yield user


@pytest.mark.parametrize("begin", [begin_setting_up, *([begin_wizard] if IS_LONG else [])])
def test_a_setup_begins_anew(
    killing: Killing, tmp_path: Path, begin: Callable[[User], None]
) -> None:
    before = kill_while(killing, tmp_path, begin)
    with found_again(killing, tmp_path, before) as user:
        assert user.enclave.call("isSetup").value["isSetup"] is False
        user.sets_up()
        assert operations(user.enclave.log()) == ["instance.start", "setup"]


@pytest.mark.parametrize(
    "begin", [begin_changing, *([begin_removing, begin_resetting] if IS_LONG else [])]
)
def test_what_is_enrolled_still_unlocks(
    killing: Killing, tmp_path: Path, begin: Callable[[User], None]
) -> None:
    with killing.opened(tmp_path) as (_, enclave):
        User(enclave).sets_up()
    before = kill_while(killing, tmp_path, begin)
    with found_again(killing, tmp_path, before) as user:
        change_passphrase(user)
        assert operations(user.enclave.log()) == ["instance.start", "setup", "enrollment.change"]
