"""A log that is not the one which the page has seen is told by `init()`, before any token.

More of these rules: ``pinned-log.test.ts``, ``watched-enclave.test.ts`` of ``tests/web/browser``;
check by check ``tests/web/node/log-check.test.ts``.
"""

from __future__ import annotations

from e2e.conftest import Leased, OpenTab
from e2e.driving.enclave import CREDENTIALS, PASSPHRASE
from e2e.driving.shared import SharedEnclave
from e2e.rollback.storage import (
    ROLLBACK,
    delete_database,
    issue,
    pin,
    pinned,
    put_back,
    refusal,
    remember,
    start_anew,
)

# What is no rollback


def test_a_log_that_grows_over_restarts_is_no_rollback(leased: Leased):
    sizes = [pinned(leased.page)["size"]]
    for count in (1, 20):
        issue(leased, count)
        assert start_anew(leased.page) is None
        sizes.append(pinned(leased.page)["size"])
    assert sizes == sorted(sizes)
    assert sizes[-1] == len(leased.page.log())


def test_tabs_that_start_at_once_are_no_rollback(own_lease: Leased, open_tab: OpenTab):
    issue(own_lease, 3)
    pages = [open_tab() for _ in range(3)]
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


# What is; an older copy of everything is `test_older_copy.py`'s matter


def test_a_token_that_is_gone_is_told_though_no_checkpoint_covered_it(leased: Leased):
    pin(leased.page)
    remember(leased.page)
    number = issue(leased)
    put_back(leased.page)
    details = refusal(leased.page)
    assert (details["check"], details["seqNum"]) == ("entry", number)


def test_a_database_that_is_gone_is_told(restored: SharedEnclave):
    page = restored.page
    delete_database(page)
    details = refusal(page)
    assert (details["check"], details["endedAt"]) == ("log", None)
    assert details["foundLog"] != details["pinnedLog"]
    assert page.call("setupPassphrase", PASSPHRASE).code == ROLLBACK
    assert page.call("acceptNewLog").value["previous"]["endedAt"] is None
    assert page.call("setupPassphrase", PASSPHRASE).code is None
    assert start_anew(page) is None
