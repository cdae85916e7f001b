"""A database that the browser itself gives up after a kill is told by the next `init()`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from e2e.driving.enclave import PASSPHRASE
from e2e.driving.killing import GivenUpError, Killing
from e2e.driving.leveldb import tear
from e2e.driving.witness import witness_of_pages
from tools.server.serving import LocalServer

ROLLBACK = "audit.rollback"


@pytest.fixture(scope="module")
def killing(playwright: Playwright, server: LocalServer) -> Iterator[Killing]:
    with witness_of_pages() as witness:
        yield Killing(playwright, server, witness)


@pytest.fixture(scope="module")
def torn(killing: Killing, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile whose enclave was set up, and whose database the next browser will not keep."""
    profile = tmp_path_factory.mktemp("profile")
    with killing.opened(profile) as (browser, enclave):
        assert enclave.call("setupPassphrase", PASSPHRASE).code is None
        browser.kill()
    tear(profile, killing.server.kms_origin)
    with killing.opened(profile) as (browser, enclave):
        assert enclave.call("isSetup").value["isSetup"] is True
        browser.kill()
    return profile


@pytest.fixture
def given_up(torn: Path, tmp_path: Path) -> Path:
    """A copy of that profile: each of the next browsers is the first one that sees it."""
    # The lock of a browser that was killed is a link that leads nowhere.
    return shutil.copytree(torn, tmp_path / "profile", ignore=shutil.ignore_patterns("Singleton*"))


def test_it_is_told_as_another_log_until_the_page_goes_on_with_that(
    killing: Killing, given_up: Path
) -> None:
    with killing.browsing(given_up) as (_, enclave):
        opened = enclave.open_sdk()
        assert opened.error is not None
        assert (opened.code, opened.error["details"]["check"]) == (ROLLBACK, "log")
        assert enclave.call("setupPassphrase", PASSPHRASE).code == ROLLBACK
        assert enclave.call("acceptNewLog").code is None
        assert enclave.call("setupPassphrase", PASSPHRASE).code is None


def test_a_test_of_kills_can_tell_it_from_a_fault_of_the_enclave(
    killing: Killing, given_up: Path
) -> None:
    with pytest.raises(GivenUpError), killing.opened(given_up):
        pass
