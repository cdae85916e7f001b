"""Enclaves whose storage is put back behind their back."""

from __future__ import annotations

import pytest

from e2e.conftest import Leased
from e2e.driving.enclave import ROOMY
from e2e.driving.shared import SharedEnclave

_QUOTAS = {**ROOMY, "tokensPerHour": 1000}
"""As good as none: these tests are about the log."""


@pytest.fixture
def leased(restored: SharedEnclave) -> Leased:
    return restored.lease(quotas=_QUOTAS)


@pytest.fixture
def own_lease(shared_enclave: SharedEnclave) -> Leased:
    return shared_enclave.lease(quotas=_QUOTAS)
