"""Enclaves whose storage is put back behind their back."""

from __future__ import annotations

import pytest

from e2e.conftest import Leased, OpenPage
from e2e.driving.enclave import PASSPHRASE, ROOMY, lease_params


@pytest.fixture
def leased(open_page: OpenPage) -> Leased:
    """A lease whose quotas are as good as none: these tests are about the log."""
    page = open_page()
    assert page.open_sdk().code is None
    assert page.call("setupPassphrase", PASSPHRASE).code is None
    quotas = {**ROOMY, "tokensPerHour": 1000}
    return Leased(page, page.call("createLease", lease_params(quotas=quotas)).value["leaseId"])
