"""Requests that are refused by name, through the port and through the SDK; nothing is different.

A few of each kind, to show that a page's requests reach the enclave as those of
`tests/unit/rpc/test_refused_requests.py` do, where the whole table is. Over the port there is no
SDK that could hide anything. What JSON has no words for: `tests/web/node/page-port.test.ts`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from playwright.sync_api import ConsoleMessage
from refused_requests import BATCH, ENDPOINT, IN_A_PAGE, SENDS, Refused, fill_in

from e2e.conftest import Leased, open_page_in
from e2e.driving.enclave import (
    CREDENTIALS,
    PASSPHRASE,
    EnclavePage,
    Outcome,
    lease_params,
    parse_outcome,
)
from tools.server.serving import LocalServer


@attrs.frozen
class Tabs:
    """Two tabs of one enclave, which has a lease: one with the SDK, one with a port made by hand.

    `printed` is what was printed so far in either of them.
    """

    sdk: EnclavePage
    port: EnclavePage
    lease_id: str
    printed: list[str]

    def state(self) -> list[Any]:
        # But for the time.
        status = {**self.sdk.call("getStatus").value, "now": None}
        return [status, self.sdk.call("getLeases").value, self.sdk.records(), list(self.printed)]

    def fill_in(self, params: object) -> Any:
        return fill_in(params, lease_id=self.lease_id, passphrase=PASSPHRASE)


@pytest.fixture(scope="module")
def tabs(shared_lease: Leased, server: LocalServer) -> Iterator[Tabs]:
    sdk = shared_lease.page
    context = sdk.page.context
    printed: list[str] = []

    def keep(message: ConsoleMessage) -> None:
        printed.append(message.text)

    port = open_page_in(context, app_origin=server.app_origin, kms_origin=server.kms_origin)
    assert port.open_raw().code is None
    lease_id = sdk.call("createLease", lease_params(subs=[ENDPOINT])).value["leaseId"]
    context.on("console", keep)
    yield Tabs(sdk, port, lease_id, printed)
    context.remove_listener("console", keep)


@pytest.mark.parametrize("refused", IN_A_PAGE, ids=lambda refused: refused.name)
def test_port_refuses_by_name_and_nothing_is_different(tabs: Tabs, refused: Refused):
    before = tabs.state()
    outcome = tabs.port.ask(refused.method, tabs.fill_in(refused.params))
    assert outcome.code == refused.code
    if refused.field is not None:
        assert outcome.error["details"]["field"] == refused.field
    assert tabs.state() == before


# Methods of the SDK that take the request's parameters as they are.
_TAKES_PARAMS = ("createLease", "issueVAPIDJWT", "issueVAPIDJWTs")
_UNKNOWN_STEP = {"method": "noSuchMethod", "params": {}}
_BAD_CALLS = [
    *(refused for refused in IN_A_PAGE if refused.method in _TAKES_PARAMS),
    Refused("kid-mistyped", "getPublicKey", 5, "request.invalid", "kid"),
    Refused("step-unknown", "batch", [_UNKNOWN_STEP], "request.invalid"),
    Refused("setup-again", "setupPassphrase", PASSPHRASE, "enrollment.exists"),
]


@pytest.mark.parametrize("refused", _BAD_CALLS, ids=lambda refused: refused.name)
def test_sdk_refuses_by_name_and_nothing_is_different(tabs: Tabs, refused: Refused):
    before = tabs.state()
    outcome = tabs.sdk.call(refused.method, tabs.fill_in(refused.params))
    _is_kms_error(outcome, refused.code)
    if refused.field is not None:
        assert outcome.error["details"]["field"] == refused.field
    assert tabs.state() == before


def _is_kms_error(outcome: Outcome, code: str) -> None:
    assert outcome.error is not None
    assert (outcome.error["name"], outcome.code) == ("KMSError", code)


# What JSON has no words for, as a JavaScript expression.
@pytest.mark.parametrize(
    "fields",
    [
        '{method: "getStatus", params: {}, origin: "http://x.example"}',
        '{method: "getStatus", params: new Map([["a", 1]])}',
        '(() => { const p = {}; p.p = p; return {method: "getStatus", params: p}; })()',
    ],
    ids=["extra-envelope-field", "map", "cycle"],
)
def test_port_refuses_what_is_no_request_of_json(tabs: Tabs, fields: str):
    before = tabs.state()
    assert tabs.port.request(fields).code == "request.invalid"
    assert tabs.state() == before


@pytest.mark.parametrize(
    ("method", "params", "number"),
    [("issueVAPIDJWTs", BATCH, "NaN"), ("recordSends", SENDS, "1n")],
)
def test_sdk_refuses_a_number_that_json_lacks(tabs: Tabs, method: str, params: object, number: str):
    before = tabs.state()
    asked = json.dumps(tabs.fill_in(params))
    call = f"callSdk('{method}', [{{ ...{asked}, count: {number} }}])"
    outcome = parse_outcome(tabs.sdk.page.evaluate(call))
    _is_kms_error(outcome, "request.invalid")
    assert "count" in str(outcome.error["details"])
    assert tabs.state() == before


def test_wrong_passphrase_changes_only_the_log(tabs: Tabs):
    leases = tabs.sdk.call("getLeases").value
    entries = len(tabs.sdk.log())
    credentials = {**CREDENTIALS, "passphrase": "a guess that nobody keeps"}
    outcome = tabs.sdk.call("createLease", lease_params(credentials=credentials))
    assert outcome.code == "unlock.denied"
    assert tabs.sdk.call("getLeases").value == leases
    assert [entry["op"] for entry in tabs.sdk.log()[entries:]] == ["unlock.denied"]
    assert "a guess" not in str(tabs.state())
