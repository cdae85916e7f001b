"""A log that is not the one which the page has seen is told by `init()`, before any token.

More of these rules: ``pinned-log.test.ts``, ``watched-enclave.test.ts`` of ``tests/web/browser``.
"""

from __future__ import annotations

from typing import Any

import pytest

from e2e.conftest import Leased, OpenPage
from e2e.driving.enclave import CREDENTIALS, PASSPHRASE, EnclavePage, issue_params
from e2e.rollback.storage import (
    delete_database,
    leave,
    pinned,
    put_back,
    remember,
)

ROLLBACK = "audit.rollback"


def issue(leased: Leased, count: int = 1) -> int:
    """Issue tokens; return the number of the last one's entry."""
    number = -1
    for _ in range(count):
        number = leased.issue().value["auditEntry"]["seqNum"]
    return number


def issue_past_the_sdk(leased: Leased, count: int) -> None:
    """Issue tokens that the SDK does not see: the log grows, signed by its own keys."""
    page = leased.page
    leave(page)
    page.open_raw()
    for _ in range(count):
        assert page.ask("issueVAPIDJWT", issue_params(leased.lease_id)).code is None
    leave(page)


def start_anew(page: EnclavePage) -> str | None:
    page.reload()
    return page.open_sdk().code


def refusal(page: EnclavePage) -> dict[str, Any]:
    """Start anew; return what `init()` says."""
    page.reload()
    outcome = page.open_sdk()
    assert outcome.code == ROLLBACK, outcome
    assert outcome.error is not None
    details: dict[str, Any] = outcome.error["details"]
    return details


# What is no rollback


def test_a_log_that_grows_over_restarts_is_no_rollback(leased: Leased):
    sizes = [pinned(leased.page)["size"]]
    for count in (1, 3, 20):
        issue(leased, count)
        assert start_anew(leased.page) is None
        sizes.append(pinned(leased.page)["size"])
    assert sizes == sorted(sizes)
    assert sizes[-1] == len(leased.page.log())


def test_tabs_that_start_at_once_are_no_rollback(leased: Leased, open_page: OpenPage):
    issue(leased, 3)
    pages = [open_page() for _ in range(3)]
    for page in pages:
        page.page.evaluate("(o) => void (window.opened = openSdk(o))", page.kms_origin)
    for page in pages:
        assert "error" not in page.page.evaluate("opened")
    assert pinned(pages[0])["size"] == len(pages[0].log())


def test_a_pruned_log_is_no_rollback(leased: Leased):
    issue(leased, 5)
    checkpoint = leased.page.call("getAuditCheckpoint").value["checkpoint"]
    prune = {"keep": 1, "checkpoint": checkpoint, "credentials": CREDENTIALS}
    assert leased.page.call("pruneAudit", prune).value["dropped"] > 0
    assert start_anew(leased.page) is None
    issue(leased)
    assert start_anew(leased.page) is None


# What is


@pytest.fixture
def put_back_leased(leased: Leased) -> Leased:
    """An older copy of everything is in place of what the page has seen proved."""
    issue(leased)
    remember(leased.page)
    issue(leased, 3)
    assert start_anew(leased.page) is None
    put_back(leased.page)
    return leased


def test_an_older_copy_of_the_database_is_told(put_back_leased: Leased):
    details = refusal(put_back_leased.page)
    assert details["check"] == "size"
    assert details["pinnedLog"] == details["foundLog"]
    assert details["pinnedSize"] == details["foundSize"] + 3


def test_its_evidence_is_readable(put_back_leased: Leased):
    page = put_back_leased.page
    refusal(page)
    read = page.page.evaluate("""async () => {
        const { handle } = await kms.init().catch((error) => error);
        const { file, checkpoint } = await handle.exportAudit();
        return {
            methods: Object.keys(handle),
            lines: (await file.text()).split("\\n").length,
            checkpoint,
            status: (await handle.getStatus()).state,
            entries: (await handle.getAuditLog()).entries.length,
            size: (await handle.getAuditCheckpoint()).size,
            valid: (await handle.verifyAuditChain()).valid,
        };
    }""")
    assert read["methods"] == [
        "getStatus", "getAuditLog", "exportAudit", "resetKMS", "getAuditCheckpoint",
        "verifyAuditChain", "acceptNewLog",
    ]  # fmt: skip
    assert read["entries"] == read["size"] < read["lines"]
    assert (read["status"], read["valid"]) == ("ready", True)
    assert read["checkpoint"] is not None


def test_it_is_told_until_it_is_accepted(put_back_leased: Leased):
    page = put_back_leased.page
    first = refusal(page)
    assert page.call("init").code == ROLLBACK
    assert put_back_leased.issue().code == ROLLBACK
    assert refusal(page) == first
    accepted = page.call("acceptNewLog").value
    assert accepted == {
        "log": first["foundLog"],
        "size": first["foundSize"],
        "previous": {"log": first["pinnedLog"], "size": first["pinnedSize"], "endedAt": None},
    }
    assert put_back_leased.issue().code is None
    assert start_anew(page) is None


def test_an_older_copy_that_has_grown_since_is_told(leased: Leased):
    """What who holds the log's own keys can make: as long as it was, every signature valid."""
    issue(leased)
    remember(leased.page)
    issue(leased, 3)
    assert start_anew(leased.page) is None
    put_back(leased.page)
    issue_past_the_sdk(leased, 10)
    details = refusal(leased.page)
    assert details["check"] == "consistency"
    assert details["foundSize"] > details["pinnedSize"]


def test_a_token_that_is_gone_is_told_though_no_checkpoint_covered_it(leased: Leased):
    assert start_anew(leased.page) is None
    remember(leased.page)
    number = issue(leased)
    put_back(leased.page)
    details = refusal(leased.page)
    assert (details["check"], details["seqNum"]) == ("entry", number)


def test_a_database_that_is_gone_is_told(leased: Leased):
    issue(leased)
    delete_database(leased.page)
    details = refusal(leased.page)
    assert (details["check"], details["endedAt"]) == ("log", None)
    assert details["foundLog"] != details["pinnedLog"]
    assert leased.page.call("setupPassphrase", PASSPHRASE).code == ROLLBACK
    assert leased.page.call("acceptNewLog").value["previous"]["endedAt"] is None
    assert leased.page.call("setupPassphrase", PASSPHRASE).code is None
    assert start_anew(leased.page) is None


def test_storage_that_was_taken_away_is_told_as_that_and_then_as_another_log(leased: Leased):
    leased.page.beside(
        "() => new Promise((done) => { indexedDB.deleteDatabase('kms').onsuccess = () => done(); })"
    )
    assert leased.page.call("getStatus").code == "storage.evicted"
    assert leased.page.call("init").code == ROLLBACK
    assert leased.page.call("acceptNewLog").code is None
    assert leased.page.call("isSetup").value["isSetup"] is False
