"""The machine's clock set forward and back, with the worker that saw it or with the next one.

What is refused, and what still counts, is tested in CPython: `tests/unit/leases/test_clock.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from oracles.audit_log import operations, verify_log

from e2e.conftest import Leased
from e2e.driving.enclave import CREDENTIALS, EnclavePage

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


def back_at_once(page: EnclavePage) -> None:
    page.set_clock(0)


def back_before_a_crash(page: EnclavePage) -> None:
    page.crash_worker()


@pytest.mark.parametrize("set_back", [back_at_once, back_before_a_crash])
def test_clock_set_back_by_an_hour_issues_nothing_until_the_user_authenticates(
    leased: Leased, set_back: Callable[[EnclavePage], None]
):
    page = leased.page
    page.set_clock(HOUR_MS)
    assert leased.issue().code is None
    set_back(page)
    refused = leased.issue()
    assert refused.code == "clock.skew"
    behind_ms = refused.error["details"]["behindMs"]
    # The hour, less the time since the token was issued.
    assert 5 * MINUTE_MS < behind_ms <= HOUR_MS
    assert refused.error["retryAfterMs"] == behind_ms - 5 * MINUTE_MS
    asked = {"leaseId": leased.lease_id, "addHours": 1, "credentials": CREDENTIALS}
    assert page.call("extendLease", asked).code is None
    assert leased.issue().code is None
    entries = page.log()
    verify_log(entries)
    assert operations(entries).count("clock.adjust") == 1
    assert page.call("verifyAuditChain").value["valid"] is True
