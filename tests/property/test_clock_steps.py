"""A clock that is set forward and back: nothing is granted twice, and nothing is held up.

The log is the judge. Replayed by the rule for a clock that was set back (what still counted
was granted when the clock was adjusted), no hour has more tokens than its lease allows; and
whoever waits as long as a refusal says is granted.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Coroutine
from typing import Any

from enclave import CREDENTIALS, Refusal, Worker, World
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from kms_enclave.ports.storage import Address

_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000
_MONTH_MS = 30 * 24 * _HOUR_MS
_STEPS = [_MINUTE_MS, 5 * _MINUTE_MS, 6 * _MINUTE_MS, _HOUR_MS, 25 * _HOUR_MS, _MONTH_MS]
_CALLS = st.integers(1, 75)
_ENDED = {"lease.expired", "lease.revoked", "lease.not.found", "lease.limit"}


class Stepping(RuleBasedStateMachine):
    """Two tabs issue while somebody plays with the clock."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._world = World()
        self._workers: list[Worker] = []
        self._limits: dict[str, int] = {}
        self._ends: dict[str, int] = {}

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(coroutine)

    @initialize()
    def set_up(self) -> None:
        async def start() -> list[Worker]:
            return [await self._world.ready(), await self._world.worker()]

        self._workers = self._run(start())

    @rule(which=st.integers(0, 1))
    def restart_a_tab(self, which: int) -> None:
        self._workers[which] = self._run(self._world.worker())

    @rule()
    def sweep(self) -> None:
        async def start() -> None:
            await self._world.worker()
            for _ in range(300):
                await asyncio.sleep(0)

        self._run(start())

    @precondition(lambda self: self._limits)
    @rule(which=st.integers(0, 1), lease=st.integers(0, 5))
    def ask(self, which: int, lease: int) -> None:
        with contextlib.suppress(Refusal):
            self._run(self._workers[which].call("getQuota", leaseId=self._lease(lease)))

    @rule(limit=st.sampled_from([1, 2, 70]), which=st.integers(0, 1))
    def create_a_lease(self, limit: int, which: int) -> None:
        quotas = {"tokensPerHour": limit, "sendsPerMinute": 600, "sendsPerMinutePerEid": 300}
        lease = self._run(self._workers[which].create_lease(quotas=quotas, ttlHours=24))
        self._limits[lease] = limit
        self._ends[lease] = self._world.clock.now_ms() + 24 * _HOUR_MS

    @rule(which=st.integers(0, 1))
    def authenticate(self, which: int) -> None:
        self._run(self._workers[which].call("generateVAPID", credentials=CREDENTIALS))

    @precondition(lambda self: self._limits)
    @rule(which=st.integers(0, 1), lease=st.integers(0, 5), calls=_CALLS)
    def issue(self, which: int, lease: int, calls: int) -> None:
        for _ in range(calls):
            refusal = self._issue(which, lease)
            if refusal is not None:
                if refusal.code in _ENDED or self._ends_before_a_wait(refusal, lease):
                    return
                assert (refusal.retry_after_ms or 0) > 0
                return

    @precondition(lambda self: self._limits)
    @rule(
        ms=st.sampled_from(_STEPS),
        leases=st.tuples(st.integers(0, 5), st.integers(0, 5)),
        issue_there=st.integers(0, 75),
        issue_here=_CALLS,
        does=st.sets(st.sampled_from(["ask", "sweep", "authenticate"])),
        which=st.integers(0, 1),
    )
    def go_ahead_and_back(
        self,
        ms: int,
        leases: tuple[int, int],
        issue_there: int,
        issue_here: int,
        does: set[str],
        which: int,
    ) -> None:
        lease, other = leases
        self.issue(which, lease, issue_here)
        self._world.clock.advance(ms)
        if "ask" in does:
            self.ask(which, lease)
        if issue_there:
            self.issue(which, other, issue_there)
        if "sweep" in does:
            self.sweep()
        self._world.clock.advance(-ms)
        if "authenticate" in does:
            self.authenticate(1 - which)
        self.issue(which, lease, issue_here)

    @precondition(lambda self: self._limits)
    @rule(which=st.integers(0, 1), lease=st.integers(0, 5))
    def wait_as_long_as_a_refusal_says(self, which: int, lease: int) -> None:
        refusal = self._issue(which, lease)
        if refusal is None or refusal.code in _ENDED:
            return
        if self._ends_before_a_wait(refusal, lease):
            return
        if refusal.code == "clock.skew":
            self.authenticate(which)
        else:
            assert refusal.retry_after_ms is not None
            assert refusal.retry_after_ms <= _HOUR_MS + 5 * _MINUTE_MS
            self._world.clock.advance(refusal.retry_after_ms)
        again = self._issue(which, lease)
        if refusal.code == "quota.exceeded.lease":
            assert again is None or again.code in _ENDED
        # The quota may have been the next reason; the clock may not be the same again.
        assert again is None or again.code != refusal.code or again.code in _ENDED

    @rule(ms=st.sampled_from(_STEPS))
    def set_the_clock_forward(self, ms: int) -> None:
        self._world.clock.advance(ms)

    @rule(ms=st.sampled_from(_STEPS))
    def set_the_clock_back(self, ms: int) -> None:
        self._world.clock.advance(-ms)

    def _lease(self, number: int) -> str:
        return list(self._limits)[number % len(self._limits)]

    def _ends_before_a_wait(self, refusal: Refusal, lease: int) -> bool:
        """Tell whether a refusal names no wait, as it should near the lease's end alone."""
        left_ms = self._ends[self._lease(lease)] - self._world.clock.now_ms()
        longest_ms = _HOUR_MS + 5 * _MINUTE_MS + _MINUTE_MS
        return refusal.retry_after_ms is None and left_ms < longest_ms

    def _issue(self, which: int, lease: int) -> Refusal | None:
        lease_id = self._lease(lease)
        try:
            self._run(self._workers[which].issue(lease_id))
        except Refusal as refusal:
            if refusal.code == "lease.not.found":
                # 32 days after its end, and not for damage.
                (left,) = self._run(self._world.memory.read([Address("leases", lease_id)]))
                assert left is None
            return refusal
        return None

    @invariant()
    def no_hour_has_more_than_its_lease_allows(self) -> None:
        counting: dict[str, list[int]] = {lease: [] for lease in self._limits}
        for entry in self._entries():
            now_ms = entry["timestamp"]
            adjusts = entry["op"] == "clock.adjust"
            horizon_ms = (entry["details"]["from"] if adjusts else now_ms) - _HOUR_MS
            for lease, times in counting.items():
                still = [time for time in times if time > horizon_ms]
                counting[lease] = [min(time, now_ms) for time in still]
            if entry["op"] == "sign":
                lease = entry["leaseId"]
                counting[lease].append(now_ms)
                assert len(counting[lease]) <= self._limits[lease]

    def _entries(self) -> list[dict[str, Any]]:
        found = self._run(self._world.memory.scan("audit", after=None, limit=1_000_000))
        return [json.loads(record.value) for _, record in found]

    def teardown(self) -> None:
        if self._workers:
            assert self._run(self._workers[0].call("verifyAuditChain"))["errors"] == []
        self._loop.close()


TestStepping = Stepping.TestCase


@given(
    limit=st.sampled_from([1, 3, 40]),
    apart_ms=st.sampled_from([1, 1000]),
    ahead_ms=st.sampled_from([_HOUR_MS, 2 * _HOUR_MS, 12 * _HOUR_MS, 25 * _HOUR_MS, _MONTH_MS]),
    there=st.lists(st.sampled_from(["ask", "issue", "issue with another", "sweep"]), max_size=3),
    tab=st.integers(0, 1),
    restarts=st.booleans(),
)
def test_a_lease_used_up_is_used_up_whatever_is_done_while_the_clock_is_ahead(
    limit: int, apart_ms: int, ahead_ms: int, there: list[str], tab: int, restarts: bool
) -> None:
    world = Stepping()
    world.set_up()
    world.create_a_lease(limit=limit, which=0)
    world.create_a_lease(limit=2, which=0)
    for _ in range(limit):
        world.set_the_clock_forward(ms=apart_ms)
        world.issue(which=tab, lease=0, calls=1)
    world.set_the_clock_forward(ms=ahead_ms)
    for step in there:
        if step == "ask":
            world.ask(which=tab, lease=0)
        elif step == "sweep":
            world.sweep()
        else:
            world.issue(which=tab, lease=int(step != "issue"), calls=1)
    world.set_the_clock_back(ms=ahead_ms)
    if restarts:
        world.restart_a_tab(which=tab)
    for _ in range(2):
        world.wait_as_long_as_a_refusal_says(which=tab, lease=0)
        world.no_hour_has_more_than_its_lease_allows()
    world.teardown()
