"""A lease that is made longer after a restart of the worker.

What is not made longer, and by how much the rest is, is tested in CPython:
`tests/unit/leases/test_lifecycle.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from oracles.audit_log import verify_log

from e2e.conftest import SharedEnclave
from e2e.driving.enclave import CREDENTIALS, EnclavePage

HOUR_MS = 3_600_000


def restart_by_reload(page: EnclavePage) -> None:
    page.reload()
    assert page.open_sdk().code is None


def restart_by_crash(page: EnclavePage) -> None:
    page.crash_worker()


@pytest.mark.parametrize("restart", [restart_by_reload, restart_by_crash])
def test_extension_after_a_restart_renews_the_certificate(
    restored: SharedEnclave, restart: Callable[[EnclavePage], None]
):
    leased = restored.lease(ttlHours=1)
    before = leased.issue().value["auditEntry"]["cert"]
    restart(leased.page)
    asked = {"leaseId": leased.lease_id, "addHours": 2, "credentials": CREDENTIALS}
    end = leased.page.call("extendLease", asked).value["exp"]
    assert end == before["notAfter"] + 2 * HOUR_MS
    leased.page.set_clock(2 * HOUR_MS)
    after = leased.issue().value["auditEntry"]["cert"]
    assert (after["notAfter"], after["delegatePub"]) == (end, before["delegatePub"])
    verify_log(leased.page.log())
