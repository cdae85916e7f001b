"""A page that asks for what it does not get, as often as it can: the log stays bounded."""

from __future__ import annotations

import json
from collections import Counter

from oracles.audit_log import verify_log

from e2e.driving.enclave import (
    PASSPHRASE,
    ROOMY,
    EnclavePage,
    issue_params,
    lease_params,
)

_FLOODS = 5
_CALLS = 100


def _lease_of_one(enclave: EnclavePage) -> str:
    asked = lease_params(quotas={"tokensPerHour": 1, **ROOMY, "burstSends": 200})
    return enclave.call("createLease", asked).value["leaseId"]


def _counted(enclave: EnclavePage) -> int:
    """How many refusals wait to be logged."""
    records = enclave.run_in_frame("read_records.js")
    values = [json.loads(each["value"]) for each in records if each["store"] == "meta"]
    return sum(value["count"] for value in values if "loggedAt" in value)


def test_a_flood_of_refusals_and_revocations_leaves_the_log_bounded(enclave: EnclavePage):
    assert enclave.call("setupPassphrase", PASSPHRASE).code is None
    kept, revoked = _lease_of_one(enclave), _lease_of_one(enclave)
    enclave.call("issueVAPIDJWT", issue_params(kept))
    before = len(enclave.log())
    refused: Counter[tuple[str, str | None]] = Counter()
    for _ in range(_FLOODS):
        enclave.call_together("revokeLease", [[{"leaseId": revoked}]] * _CALLS)
        for lease in (kept, revoked):
            calls = [[issue_params(lease)]] * _CALLS
            outcomes = enclave.call_together("issueVAPIDJWT", calls)
            refused.update((lease, outcome.code) for outcome in outcomes)
    # The worker that counted is gone with the page.
    enclave.reload()
    assert enclave.open_sdk().code is None
    entries = enclave.log()
    verify_log(entries)
    added = entries[before:]
    operations = Counter(entry["op"] for entry in added)
    assert (operations["lease.revoke"], operations["lease.suspend"]) == (1, 1)
    assert sum(refused.values()) == 2 * _FLOODS * _CALLS
    # At once, and again for each minute that this took: never one for each call.
    assert len(refused) <= operations["issue.refused"] <= 4 * len(refused)
    assert set(operations) == {"lease.revoke", "lease.suspend", "issue.refused"}
    logged = sum(entry["details"]["count"] for entry in added if entry["op"] == "issue.refused")
    assert logged + _counted(enclave) == sum(refused.values())
