"""Logs that were ended: whoever ended one goes on, whoever did not is told how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from e2e.conftest import Leased, SharedEnclave
from e2e.driving.enclave import CREDENTIALS, PASSPHRASE, ROOMY, EnclavePage, lease_params
from e2e.rollback.storage import pinned, put_back, put_back_beside, remember

ROLLBACK = "audit.rollback"


@pytest.fixture
def leased(restored: SharedEnclave) -> Leased:
    return restored.lease(quotas=ROOMY)


def _begin_again(page: EnclavePage) -> Leased:
    assert page.call("setupPassphrase", PASSPHRASE).code is None
    leased = Leased(page, page.call("createLease", lease_params()).value["leaseId"])
    assert leased.issue().code is None
    return leased


def _start_anew(page: EnclavePage) -> str | None:
    page.reload()
    return page.open_sdk().code


def test_a_page_goes_on_after_its_own_reset_and_after_a_restart(leased: Leased):
    page = leased.page
    assert leased.issue().code is None
    old = pinned(page)["log"]
    assert page.call("resetKMS", CREDENTIALS).value["checkpoint"] is not None
    assert pinned(page)["log"] != old
    assert page.call("acceptNewLog").value["previous"] is None
    again = _begin_again(page)
    assert page.call("init").code is None
    assert _start_anew(page) is None
    assert again.issue().code is None


def test_a_tab_that_did_not_reset_is_told_that_its_log_has_ended(
    leased: Leased, restored: SharedEnclave
):
    page, other = leased.page, restored.new_tab()
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
    assert _start_anew(page) is None


def _reset_past_the_sdk(page: EnclavePage) -> Mapping[str, Any]:
    """Reset as a page without the SDK would; return what the SDK's next start says of it."""
    page.open_raw()
    assert page.ask("resetKMS", {"credentials": CREDENTIALS}).code is None
    page.reload()
    outcome = page.open_sdk()
    assert outcome.code == ROLLBACK
    assert outcome.error is not None
    return outcome.error["details"]


def test_a_reset_of_an_older_copy_does_not_end_what_was_seen(leased: Leased):
    page = leased.page
    remember(page)
    for _ in range(5):
        assert leased.issue().code is None
    assert _start_anew(page) is None
    put_back(page)
    assert _reset_past_the_sdk(page)["endedAt"] is None


def test_what_is_gone_is_told_before_a_reset_destroys_the_evidence(leased: Leased):
    """The database is put back under a running enclave, which goes on from what it finds."""
    page = leased.page
    remember(page)
    assert leased.issue().code is None
    put_back_beside(page)
    assert page.call("resetKMS", CREDENTIALS).code == ROLLBACK
    assert page.call("getAuditLog").value["entries"][-1]["op"] != "instance.start"
    assert page.call("resetKMS", CREDENTIALS).code is None
