"""A browser that is killed while it issues, again and again on one profile.

Every call has a place of its own, a lease and an endpoint, so that each entry of the log
is led back to its call. What the page was answered was heard outside the browser: it has
its entries, exactly; entries beyond it are of calls whose reply was lost; a batch is there
whole or not at all; and the quotas have counted what the log holds. Where the browser
gives its own database up, which no page can keep it from, the rest is done on another
profile. KMS_LONG=1 kills a hundred times.
"""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs
import pytest
from oracles.audit_log import verify_log
from playwright.sync_api import Playwright

from e2e.driving.enclave import PASSPHRASE, EnclavePage, Outcome, Wire, lease_params
from e2e.driving.killing import IS_LONG, Killing, Length
from e2e.driving.witness import Call, witness_of_pages
from tools.server.serving import LocalServer

pytestmark = pytest.mark.timeout(600)

KILLS = 100 if IS_LONG else 10
BETWEEN_AT_LEAST = 30 if IS_LONG else 5
ENDPOINTS = [
    {"url": f"https://push.example/{n}", "aud": "https://push.example", "eid": f"device-{n}"}
    for n in range(64)
]
BATCH = 2
CALLS_A_COMMIT = 64
CERTAIN_COMMITS = 2 * len(ENDPOINTS) // CALLS_A_COMMIT
"""How many a round of two leases takes at least: calls share them as they come."""
TOKENS_A_ROUND = len(ENDPOINTS) // 2 * (1 + BATCH)
LIMIT = TOKENS_A_ROUND * (KILLS + 1)
"""Every call of every round would be granted, and nothing more."""
QUOTAS = {
    "tokensPerHour": LIMIT,
    **dict.fromkeys(("sendsPerMinute", "burstSends", "sendsPerMinutePerEid"), 100_000),
}


@attrs.frozen
class Issue:
    """One call; no other of its round has its place."""

    lease_id: str
    endpoint: Mapping[str, str]
    count: int

    @property
    def place(self) -> tuple[str, str]:
        return self.lease_id, self.endpoint["eid"]

    @property
    def call(self) -> Call:
        params = {"leaseId": self.lease_id, "endpoint": self.endpoint}
        if self.count == 1:
            return "issueVAPIDJWT", [params]
        return "issueVAPIDJWTs", [{**params, "count": self.count}]


def _entries_of(outcome: Outcome) -> list[Wire]:
    tokens = outcome.value if isinstance(outcome.value, list) else [outcome.value]
    return [token["auditEntry"] for token in tokens]


@attrs.define
class Issuing:
    """Two leases, what was asked of them, and their log as far as it was read."""

    leases: Sequence[str]
    entries: list[Wire]
    figures: collections.Counter[str] = attrs.Factory(collections.Counter)

    def round(self) -> list[Issue]:
        """Return a call for each place, of the leases in turn, single and batch in turn."""
        pairs = zip(ENDPOINTS, itertools.cycle([1, BATCH]), strict=False)
        return [Issue(lease, *pair) for pair in pairs for lease in self.leases]

    def reconcile(
        self, enclave: EnclavePage, calls: Sequence[Issue], outcomes: Mapping[int, Outcome]
    ) -> None:
        """Lead every new entry back to its call, and hold it against the answer, if any came."""
        new = enclave.call("getAuditLog", {"from": len(self.entries)}).value["entries"]
        self.entries += new
        logged: dict[tuple[str, str], list[Wire]] = {}
        for entry in new:
            assert entry["op"] == "sign"
            logged.setdefault((entry["leaseId"], entry["details"]["eid"]), []).append(entry)
        for number, issue in enumerate(calls):
            found = logged.pop(issue.place, [])
            outcome = outcomes.get(number)
            if outcome is not None:
                assert _entries_of(outcome) == found
            assert len(found) in (0, issue.count)
            self.figures[_fate(outcome, found)] += issue.count
        assert not logged
        for lease in self.leases:
            granted = sum(entry.get("leaseId") == lease for entry in self.tokens())
            quota = enclave.call("getQuota", {"leaseId": lease}).value["tokensPerHour"]
            assert (quota["used"], quota["limit"]) == (granted, LIMIT)

    def tokens(self) -> list[Wire]:
        return [entry for entry in self.entries if entry["op"] == "sign"]

    def verify(self, enclave: EnclavePage) -> None:
        """Hold the log as it stands against what was read of it after each kill."""
        assert enclave.log() == self.entries
        verify_log(self.entries)
        assert enclave.call("verifyAuditChain").value["valid"] is True
        ids = [entry["details"]["jti"] for entry in self.tokens()]
        assert len(set(ids)) == len(ids)


def _fate(outcome: Outcome | None, found: Sequence[Wire]) -> str:
    if outcome is not None:
        return "tokens returned"
    return "tokens whose reply was lost" if found else "tokens not granted"


@pytest.fixture
def killing(playwright: Playwright, server: LocalServer) -> Iterator[Killing]:
    with witness_of_pages() as witness:
        yield Killing(playwright, server, witness)


def _begin(killing: Killing, profile: Path) -> tuple[Issuing, Length]:
    """Set up, and issue one round undisturbed, to know how long it takes."""
    with killing.opened(profile) as (_, enclave):
        assert enclave.call("setupPassphrase", PASSPHRASE).code is None
        asked = lease_params(subs=ENDPOINTS, quotas=QUOTAS)
        leases = [enclave.call("createLease", asked).value["leaseId"] for _ in range(2)]
        issuing = Issuing(leases, enclave.log())
        calls = issuing.round()
        killing.witness.begin(enclave, *(issue.call for issue in calls))
        killing.witness.wait_for_outcomes(len(calls))
        outcomes = killing.witness.outcomes()
        slowest_ms = max(outcome.elapsed_ms for outcome in outcomes.values())
        issuing.reconcile(enclave, calls, outcomes)
    return issuing, Length(slowest_ms / 1000, CERTAIN_COMMITS)


def _use_up(enclave: EnclavePage, issuing: Issuing) -> None:
    """What no kill took is still there, to the last token."""
    for lease in issuing.leases:
        params = {"leaseId": lease, "endpoint": ENDPOINTS[0]}
        left = LIMIT - sum(entry["leaseId"] == lease for entry in issuing.tokens())
        counts = [*itertools.repeat(10, left // 10), *([left % 10] if left % 10 else [])]
        for start in range(0, len(counts), 50):
            calls = [[{**params, "count": count}] for count in counts[start : start + 50]]
            outcomes = enclave.call_together("issueVAPIDJWTs", calls)
            assert {outcome.code for outcome in outcomes} == {None}
        assert enclave.call("issueVAPIDJWT", params).code == "quota.exceeded.lease"


def _kill(
    killing: Killing, profile: Path, issuing: Issuing, length: Length, left: Iterator[int]
) -> None:
    """Kill as often as is left. Raises GivenUpError: no key is there then that could issue."""
    pending: tuple[list[Issue], Mapping[int, Outcome]] | None = None
    while True:
        with killing.opened(profile) as (browser, enclave):
            if pending is not None:
                issuing.reconcile(enclave, *pending)
            if next(left, None) is None:
                issuing.verify(enclave)
                _use_up(enclave, issuing)
                return
            calls = issuing.round()
            asked = [issue.call for issue in calls]
            pending = calls, killing.kill_during(browser, enclave, length, *asked)


def test_kills_leave_every_returned_token_with_its_entry_and_every_quota_exact(
    killing: Killing, tmp_path: Path
) -> None:
    figures: collections.Counter[str] = collections.Counter()
    left, has_lasted = iter(range(KILLS)), False
    while not has_lasted:
        profile = tmp_path / str(killing.given_up)
        issuing, length = _begin(killing, profile)
        with killing.until_given_up():
            _kill(killing, profile, issuing, length, left)
            has_lasted = True
        figures += issuing.figures
    print(
        f"{KILLS} kills, {killing.between} with calls unanswered, {killing.given_up} databases lost"
    )
    for what, times in sorted(figures.items()):  # shown by pytest -rP
        print(f"{times:6} {what}")
    assert killing.between >= BETWEEN_AT_LEAST
    assert killing.given_up <= KILLS // 10
