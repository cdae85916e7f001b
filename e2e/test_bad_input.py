"""Bad input: the named error within a second, nothing changed, nothing logged.

Over the port, where the SDK cannot hide anything; through the SDK: `test_bad_calls.py`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from playwright.sync_api import Browser, BrowserContext

from e2e.conftest import Serve, open_page_in
from e2e.driving.enclave import CREDENTIALS, PASSPHRASE, EnclavePage, Outcome, lease_params
from e2e.refused_requests import REFUSED, Refused
from web.server.serving import LocalServer


@attrs.frozen
class Port:
    """A port opened by hand, on an enclave that is set up and has a lease."""

    page: EnclavePage
    lease_id: str

    def ask(self, method: str, params: object) -> Outcome:
        text = json.dumps({"method": method, "params": params}).replace("LEASE", self.lease_id)
        # As parsed JSON: in a literal, "__proto__" would set the prototype.
        return self.page.request(f"JSON.parse({json.dumps(text)})")

    def records(self) -> list[dict[str, Any]]:
        return self.page.records()


@pytest.fixture(scope="module")
def port(chromium: Browser, server: LocalServer) -> Iterator[Port]:
    with contextlib.closing(chromium.new_context()) as context:
        page = open_page_in(context, app_origin=server.app_origin, kms_origin=server.kms_origin)
        assert page.open_raw().code is None
        assert page.ask("setupPassphrase", {"passphrase": PASSPHRASE}).code is None
        yield Port(page, page.ask("createLease", lease_params()).value["leaseId"])


def operations_since(port: Port, before: list[dict[str, Any]]) -> list[str]:
    known = sum(record["store"] == "audit" for record in before)
    entries = [json.loads(r["value"]) for r in port.records() if r["store"] == "audit"]
    return [entry["op"] for entry in entries[known:]]


@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: refused.name)
def test_port_refuses_by_name_and_changes_nothing(port: Port, refused: Refused):
    before = port.records()
    outcome = port.ask(refused.method, refused.params)
    assert outcome.code == refused.code
    assert outcome.elapsed_ms < 1000
    if refused.field is not None:
        assert outcome.error["details"]["field"] == refused.field
    assert port.records() == before


# What JSON has no words for, as a JavaScript expression.
@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("no-params", '{method: "getStatus"}'),
        ("method-is-a-number", "{method: 5, params: {}}"),
        ("method-is-missing", "{params: {}}"),
        ("extra-envelope-field", '{method: "getStatus", params: {}, origin: "http://x.example"}'),
        ("params-is-a-map", '{method: "getStatus", params: new Map([["a", 1]])}'),
        ("params-is-a-date", '{method: "getStatus", params: new Date()}'),
        ("nan", '{method: "getAuditLog", params: {from: NaN}}'),
        ("infinity", '{method: "getAuditLog", params: {limit: Infinity}}'),
        ("bigint", '{method: "getAuditLog", params: {from: 1n}}'),
        ("buffer", '{method: "getPublicKey", params: {kid: new ArrayBuffer(8)}}'),
        ("cycle", '(() => { const p = {}; p.p = p; return {method: "getStatus", params: p}; })()'),
        ("surrogate", '{method: "getPublicKey", params: {kid: "\\ud800"}}'),
    ],
)
def test_port_refuses_what_is_not_json(port: Port, name: str, fields: str):
    before = port.records()
    outcome = port.page.request(fields)
    assert outcome.code in ("request.invalid", "method.unknown")
    assert outcome.elapsed_ms < 1000
    assert port.records() == before


def test_id_under_way_is_refused_a_second_time(port: Port):
    codes = port.page.page.evaluate(
        """async () => {
          const replies = () => raw.received.filter(({ id }) => id === 9001);
          raw.post({ id: 9001, method: "verifyAuditChain", params: {} });
          raw.post({ id: 9001, method: "getStatus", params: {} });
          while (replies().length < 2) await raw.request({ method: "getStatus", params: {} });
          return replies().map(({ error }) => error?.code ?? null);
        }"""
    )
    assert codes == ["request.invalid", None]


def test_message_without_an_id_is_not_answered(port: Port):
    answers = port.page.page.evaluate(
        """async () => {
          const before = raw.received.length;
          const request = { method: "getStatus", params: {} };
          for (const message of [null, 5, "{}", [], {}, request]) raw.post(message);
          await raw.request(request);
          return raw.received.length - before;
        }"""
    )
    assert answers == 1


def test_wrong_passphrase_is_denied_and_only_that_is_logged(port: Port):
    before = port.records()
    credentials = {**CREDENTIALS, "passphrase": "not the passphrase"}
    outcome = port.ask("createLease", lease_params(credentials=credentials))
    assert outcome.code == "unlock.denied"
    assert outcome.elapsed_ms < 1000
    assert operations_since(port, before) == ["unlock.denied"]
    leases = [record for record in port.records() if record["store"] == "leases"]
    assert [lease["key"] for lease in leases] == [port.lease_id]


def test_wrong_passphrase_is_in_no_record(port: Port):
    credentials = {**CREDENTIALS, "passphrase": "a guess that must not be kept"}
    port.ask("resetKMS", {"credentials": credentials})
    assert "a guess that must not be kept" not in str(port.records())


def test_setup_refuses_a_passphrase_of_7_characters(enclave: EnclavePage):
    outcome = enclave.call("setupPassphrase", "1234567")
    assert (outcome.code, outcome.error["details"]["field"]) == ("request.invalid", "passphrase")
    assert outcome.error["message"] == "Passphrase must be at least 8 characters"
    assert outcome.elapsed_ms < 1000
    assert enclave.call("isSetup").value["isSetup"] is False


def test_lease_before_setup_is_refused(enclave: EnclavePage):
    assert enclave.call("createLease", lease_params()).code == "setup.required"


def test_error_crosses_without_a_stack(port: Port):
    error = port.ask("getStatus", {"verbose": True}).error
    assert set(error) <= {"name", "code", "message", "retryAfterMs", "details"}
    assert "Traceback" not in str(error)


def test_page_without_permission_cannot_pass_credentials(serve: Serve, context: BrowserContext):
    server = serve(page_credentials=False)
    page = open_page_in(context, app_origin=server.app_origin, kms_origin=server.kms_origin)
    assert page.open_raw().code is None
    outcome = page.ask("setupPassphrase", {"passphrase": PASSPHRASE})
    assert (outcome.code, outcome.error["details"]["field"]) == ("request.invalid", "passphrase")
    assert page.ask("isSetup", {}).value["isSetup"] is False
