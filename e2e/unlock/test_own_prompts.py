"""The whole way without the page ever holding a credential: the enclave asks, the user types."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from e2e.driving.enclave import PASSPHRASE, issue_params, lease_params
from e2e.unlock.user import User

LEASE = lease_params(credentials=None)


def test_a_lease_is_granted_to_the_user_not_to_the_page(set_up_user: User) -> None:
    set_up_user.begin("createLease", LEASE)
    set_up_user.sees("Confirm it’s you")
    expect(set_up_user.dialog).to_contain_text(set_up_user.page.evaluate("location.origin"))
    expect(set_up_user.dialog).to_contain_text("12 hours")
    set_up_user.type("not the passphrase")
    expect(set_up_user.dialog.get_by_role("alert")).to_contain_text("Invalid passphrase")
    set_up_user.sees("Confirm it’s you")
    set_up_user.type(PASSPHRASE)
    lease_id = set_up_user.outcome().value["leaseId"]
    assert set_up_user.enclave.call("issueVAPIDJWT", issue_params(lease_id)).value["jwt"]
    log = set_up_user.enclave.log()
    assert "enclave" in [entry["details"].get("via") for entry in log if entry.get("details")]
    assert PASSPHRASE not in json.dumps(log)


def test_cancelling_grants_nothing(set_up_user: User) -> None:
    before = set_up_user.enclave.log()
    set_up_user.begin("createLease", LEASE)
    set_up_user.dialog.wait_for()
    set_up_user.page.keyboard.press("Escape")
    assert set_up_user.outcome().code == "unlock.cancelled"
    expect(set_up_user.dialog).to_have_count(0)
    assert set_up_user.enclave.log() == before


def test_a_second_call_asks_after_the_first(set_up_user: User) -> None:
    set_up_user.page.evaluate(
        "(params) => { window.calling = callSdkTogether('createLease', [[params], [params]]); }",
        LEASE,
    )
    for _ in range(2):
        set_up_user.sees("Confirm it’s you")
        set_up_user.type(PASSPHRASE)
    leases = set_up_user.page.evaluate("calling")
    assert len({settled["result"]["leaseId"] for settled in leases}) == 2


def test_a_reset_wants_its_word(set_up_user: User) -> None:
    set_up_user.begin("resetKMS")
    set_up_user.sees("This cannot be undone")
    set_up_user.type("reset")
    expect(set_up_user.dialog.get_by_role("alert")).to_contain_text("exactly")
    set_up_user.dialog.get_by_role("textbox").fill("RESET")
    set_up_user.page.keyboard.press("Enter")
    assert set_up_user.outcome().value["success"] is True
    assert set_up_user.enclave.call("isSetup").value == {"isSetup": False, "methods": []}
    set_up_user.sets_up()
