"""Audited commits ask the browser for strict durability.

The tests of kills cannot show it: a process that is killed does not lose the page cache.
"""

from __future__ import annotations

from e2e.driving.durability import note_durability
from e2e.driving.enclave import (
    CREDENTIALS,
    PASSPHRASE,
    Outcome,
    issue_params,
    lease_params,
)
from e2e.driving.shared import SharedEnclave


def test_every_audited_commit_asks_for_strict_durability(restored: SharedEnclave):
    page = restored.page
    take_durabilities = note_durability(page)

    def perform(method: str, *parameters: object) -> Outcome:
        outcome = page.call(method, *parameters)
        asked[method] = take_durabilities()
        return outcome

    asked: dict[str, list[str]] = {}
    lease_id = perform("createLease", lease_params()).value["leaseId"]
    assert perform("issueVAPIDJWT", issue_params(lease_id)).code is None
    assert perform("resetKMS", CREDENTIALS).code is None
    assert perform("setupPassphrase", PASSPHRASE).code is None
    weaker = {method: each for method, each in asked.items() if set(each) != {"strict"}}
    assert weaker == {}
