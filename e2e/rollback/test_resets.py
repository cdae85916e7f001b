"""Logs that were ended: whoever ended one goes on, whoever did not is told how it ended.

Resets of an older copy are `test_older_copy.py`'s matter.
"""

from __future__ import annotations

from e2e.conftest import Leased, OpenTab
from e2e.driving.enclave import CREDENTIALS, PASSPHRASE, EnclavePage, lease_params
from e2e.rollback.storage import (
    ROLLBACK,
    pin,
    pinned,
    put_back_beside,
    remember,
    start_anew,
)


def _begin_again(page: EnclavePage) -> Leased:
    assert page.call("setupPassphrase", PASSPHRASE).code is None
    leased = Leased(page, page.call("createLease", lease_params()).value["leaseId"])
    assert leased.issue().code is None
    return leased


def test_a_page_goes_on_after_its_own_reset_and_after_a_restart(leased: Leased):
    page = leased.page
    assert leased.issue().code is None
    old = pinned(page)["log"]
    assert page.call("resetKMS", CREDENTIALS).value["checkpoint"] is not None
    assert pinned(page)["log"] != old
    assert page.call("acceptNewLog").value["previous"] is None
    again = _begin_again(page)
    pin(page)
    assert start_anew(page) is None
    assert again.issue().code is None


def test_a_tab_that_did_not_reset_is_told_that_its_log_has_ended(leased: Leased, open_tab: OpenTab):
    page, other = leased.page, open_tab()
    assert other.open_sdk().code is None
    assert leased.issue().code is None
    closing = page.call("resetKMS", CREDENTIALS).value["checkpoint"]
    outcome = other.call("init")
    assert outcome.code == ROLLBACK
    assert outcome.error is not None
    details = outcome.error["details"]
    assert (details["check"], details["endedAt"]) == ("log", closing["seqNum"] + 1)
    assert other.call("setupPassphrase", PASSPHRASE).code == ROLLBACK
    previous = other.call("acceptNewLog").value["previous"]
    assert previous == {
        "log": details["pinnedLog"],
        "size": details["pinnedSize"],
        "endedAt": closing["seqNum"] + 1,
    }
    _begin_again(other)
    assert start_anew(page) is None


def test_what_is_gone_is_told_before_a_reset_destroys_the_evidence(leased: Leased):
    """The database is put back under a running enclave, which goes on from what it finds."""
    page = leased.page
    remember(page)
    assert leased.issue().code is None
    put_back_beside(page)
    assert page.call("resetKMS", CREDENTIALS).code == ROLLBACK
    assert page.call("getAuditLog").value["entries"][-1]["op"] != "instance.start"
    assert page.call("resetKMS", CREDENTIALS).code is None
