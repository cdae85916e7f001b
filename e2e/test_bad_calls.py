"""Bad calls through the SDK, as a page makes them: refused by name, and nothing is different.

The same requests over the port, without an SDK that could hide anything: `test_bad_input.py`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from playwright.sync_api import Browser, ConsoleMessage

from e2e.conftest import Leased, lease_in
from e2e.driving.enclave import (
    CREDENTIALS,
    PASSPHRASE,
    Outcome,
    issue_params,
    lease_params,
    parse_outcome,
)
from e2e.refused_requests import BATCH, EXTENSION, MEGABYTE, REFUSED, SENDS, Refused
from web.server.serving import LocalServer

# Methods of the SDK that take the request's parameters as they are.
TAKES_PARAMS = (
    "createLease",
    "extendLease",
    "issueVAPIDJWT",
    "issueVAPIDJWTs",
    "recordSends",
    "getAuditLog",
)
UNKNOWN_STEP = {"method": "noSuchMethod", "params": {}}


@attrs.frozen
class World:
    """What a page can ask of its enclave, what is stored, and what was printed so far."""

    leased: Leased
    printed: list[str]

    def state(self) -> list[Any]:
        page = self.leased.page
        # But for the time.
        status = {**page.call("getStatus").value, "now": None}
        leases = page.call("getLeases").value
        return [status, leases, page.records(), list(self.printed)]

    def call(self, method: str, *parameters: object) -> Outcome:
        text = json.dumps(parameters).replace("LEASE", self.leased.lease_id)
        return self.leased.page.call(method, *json.loads(text))


@pytest.fixture(scope="module")
def world(chromium: Browser, server: LocalServer) -> Iterator[World]:
    with contextlib.closing(chromium.new_context()) as context:
        printed: list[str] = []

        def keep(message: ConsoleMessage) -> None:
            printed.append(message.text)

        context.on("console", keep)
        yield World(lease_in(context, server), printed)


BAD_CALLS = [
    *(case for case in REFUSED if case.method in TAKES_PARAMS),
    Refused("kid-megabyte", "getPublicKey", MEGABYTE, "request.too.large"),
    Refused("kid-mistyped", "getPublicKey", 5, "request.invalid", "kid"),
    Refused("step-unknown", "batch", [UNKNOWN_STEP], "request.invalid"),
    Refused("passphrase-mistyped", "setupPassphrase", 12345678, "request.invalid", "passphrase"),
    Refused("setup-again", "setupPassphrase", PASSPHRASE, "enrollment.exists"),
]


@pytest.mark.parametrize("refused", BAD_CALLS, ids=lambda refused: refused.name)
def test_bad_call_is_refused_by_name_and_nothing_is_different(world: World, refused: Refused):
    before = world.state()
    outcome = world.call(refused.method, refused.params)
    assert outcome.error is not None
    assert (outcome.error["name"], outcome.code) == ("KMSError", refused.code)
    assert outcome.elapsed_ms < 1000
    if refused.field is not None:
        assert outcome.error["details"]["field"] == refused.field
    assert world.state() == before


# What JSON has no words for, as a JavaScript expression.
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1n"])
@pytest.mark.parametrize(
    ("method", "field", "params"),
    [
        ("createLease", "ttlHours", lease_params()),
        ("extendLease", "addHours", EXTENSION),
        ("issueVAPIDJWTs", "count", BATCH),
        ("recordSends", "count", SENDS),
    ],
    ids=["ttl", "extension", "batch", "sends"],
)
def test_number_that_is_none_is_refused_by_name_and_nothing_is_different(
    world: World, method: str, field: str, params: object, number: str
):
    before = world.state()
    asked = json.dumps(params).replace("LEASE", world.leased.lease_id)
    call = f"callSdk('{method}', [{{ ...{asked}, {field}: {number} }}])"
    outcome = parse_outcome(world.leased.page.page.evaluate(call))
    assert outcome.error is not None
    assert (outcome.error["name"], outcome.code) == ("KMSError", "request.invalid")
    assert field in str(outcome.error["details"])
    assert outcome.elapsed_ms < 1000
    assert world.state() == before


def test_wrong_passphrase_changes_only_the_log(world: World):
    right = world.call("createLease", lease_params())
    leases = world.leased.page.call("getLeases").value
    entries = len(world.leased.page.log())
    credentials = {**CREDENTIALS, "passphrase": "a guess that nobody keeps"}
    outcome = world.call("createLease", lease_params(credentials=credentials))
    assert outcome.code == "unlock.denied"
    # Both derive a key from a passphrase; the guess takes no longer than that.
    assert outcome.elapsed_ms < right.elapsed_ms + 1000
    assert world.leased.page.call("getLeases").value == leases
    assert [entry["op"] for entry in world.leased.page.log()[entries:]] == ["unlock.denied"]
    assert "a guess" not in str(world.state())


def test_refused_calls_took_nothing_of_the_quota(world: World):
    quotas = {"tokensPerHour": 1}
    lease_id = world.call("createLease", lease_params(quotas=quotas)).value["leaseId"]
    for changes in ({"exp": 4_102_444_800}, {"endpoint": {}}, {"kid": "A" * 43}):
        assert world.call("issueVAPIDJWT", issue_params(lease_id, **changes)).code is not None
    codes = [world.call("issueVAPIDJWT", issue_params(lease_id)).code for _ in range(2)]
    assert codes == [None, "quota.exceeded.lease"]
