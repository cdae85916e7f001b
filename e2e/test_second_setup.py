"""A second setup never replaces an enrollment, and locks nobody out."""

from __future__ import annotations

import pytest

from e2e.conftest import Leased
from e2e.driving.enclave import lease_params

OTHER = "another passphrase altogether"


@pytest.fixture(scope="module")
def refused(shared_lease: Leased) -> Leased:
    """After a page has tried to set up again, with its own passphrase."""
    assert shared_lease.page.call("setupPassphrase", OTHER).code == "enrollment.exists"
    return shared_lease


def test_records_are_as_before(shared_lease: Leased):
    before = shared_lease.page.run_in_frame("read_records.js")
    assert shared_lease.page.call("setupPassphrase", OTHER).code == "enrollment.exists"
    assert shared_lease.page.run_in_frame("read_records.js") == before


def test_first_passphrase_still_unlocks(refused: Leased):
    assert refused.page.call("createLease", lease_params()).code is None


def test_second_passphrase_unlocks_nothing(refused: Leased):
    credentials = {"method": "passphrase", "passphrase": OTHER}
    outcome = refused.page.call("createLease", lease_params(credentials=credentials))
    assert outcome.code == "unlock.denied"


def test_lease_goes_on_with_the_same_key(refused: Leased):
    token = refused.issue().value
    assert token["kid"] == refused.page.call("getStatus").value["vapidKid"]


def test_setup_after_a_restart_is_refused_too(refused: Leased):
    refused.page.reload()
    assert refused.page.open_sdk().code is None
    assert refused.page.call("setupPassphrase", OTHER).code == "enrollment.exists"
