"""The whole way without the page ever holding a credential: the enclave asks, the user types."""

from __future__ import annotations

import json

import attrs
import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from e2e.conftest import Serve, open_page_in
from e2e.driving.enclave import PASSPHRASE, EnclavePage, issue_params, lease_params

ARMED_MS = 600
WRONG = "not the passphrase"


@attrs.frozen
class Prompting:
    """A page that calls, and the user in front of the enclave's dialogs."""

    enclave: EnclavePage

    @property
    def dialog(self) -> Locator:
        return self.enclave.frame.get_by_role("dialog")

    def begin(self, method: str, *parameters: object) -> None:
        self.enclave.page.evaluate(
            "([m, p]) => { window.calling = callSdk(m, p); }", [method, parameters]
        )

    def type(self, *entries: str) -> None:
        """Fill the fields in order, as a user with a keyboard does."""
        self.dialog.wait_for()
        self.enclave.page.wait_for_timeout(ARMED_MS)
        for number, entry in enumerate(entries):
            if number:
                self.enclave.page.keyboard.press("Tab")
            self.enclave.page.keyboard.type(entry)
        self.enclave.page.keyboard.press("Enter")

    def result(self) -> dict[str, object]:
        settled = self.enclave.page.evaluate("calling")
        assert "error" not in settled, settled
        return settled["result"]

    def error_code(self) -> str:
        return self.enclave.page.evaluate("calling.then(({ error }) => error.code)")


@pytest.fixture
def prompting(context: BrowserContext, serve: Serve) -> Prompting:
    """Set up by the user, on an enclave that takes no credentials from pages."""
    server = serve(page_credentials=False)
    enclave = open_page_in(context, app_origin=server.app_origin, kms_origin=server.kms_origin)
    assert enclave.open_sdk().code is None
    user = Prompting(enclave)
    user.begin("setupPassphrase")
    user.type(PASSPHRASE, PASSPHRASE)
    expect(user.dialog).to_have_accessible_name("You are set up")
    user.type()
    assert user.result()["enrollmentId"] == "enrollment:passphrase:v2"
    return user


def begin_lease(user: Prompting) -> None:
    params = lease_params()
    del params["credentials"]
    user.begin("createLease", params)


def test_a_lease_is_granted_to_the_user_not_to_the_page(prompting: Prompting) -> None:
    begin_lease(prompting)
    expect(prompting.dialog).to_contain_text(prompting.enclave.page.evaluate("location.origin"))
    expect(prompting.dialog).to_contain_text("12 hours")
    prompting.type(PASSPHRASE)
    lease = prompting.result()
    assert prompting.enclave.call("issueVAPIDJWT", issue_params(lease["leaseId"])).value["jwt"]
    assert "enclave" in [
        entry["details"].get("via") for entry in prompting.enclave.log() if entry.get("details")
    ]
    assert PASSPHRASE not in json.dumps(prompting.enclave.log())


def test_a_wrong_passphrase_can_be_mended(prompting: Prompting) -> None:
    begin_lease(prompting)
    prompting.type(WRONG)
    expect(prompting.dialog.get_by_role("alert")).to_contain_text("Invalid passphrase")
    prompting.type(PASSPHRASE)
    assert prompting.result()["leaseId"].startswith("lease-")
    expect(prompting.dialog).to_have_count(0)


def test_cancelling_grants_nothing(prompting: Prompting) -> None:
    begin_lease(prompting)
    prompting.dialog.wait_for()
    prompting.enclave.page.keyboard.press("Escape")
    assert prompting.error_code() == "unlock.cancelled"
    expect(prompting.dialog).to_have_count(0)
    assert "lease.create" not in [entry["op"] for entry in prompting.enclave.log()]


def test_a_second_call_asks_after_the_first(prompting: Prompting) -> None:
    params = lease_params()
    del params["credentials"]
    prompting.enclave.page.evaluate(
        "(params) => { window.calling = callSdkTogether('createLease', [[params], [params]]); }",
        params,
    )
    for _ in range(2):
        prompting.type(PASSPHRASE)
        expect(prompting.dialog.get_by_role("button", name="Checking…")).to_have_count(0)
    leases = prompting.enclave.page.evaluate("calling")
    assert len({settled["result"]["leaseId"] for settled in leases}) == 2


def test_a_reset_wants_its_word(prompting: Prompting) -> None:
    prompting.begin("resetKMS")
    prompting.type("reset")
    expect(prompting.dialog.get_by_role("alert")).to_contain_text("exactly")
    prompting.dialog.get_by_role("textbox").fill("")
    prompting.type("RESET")
    assert prompting.result()["success"] is True
    assert prompting.enclave.call("isSetup").value == {"isSetup": False, "methods": []}
