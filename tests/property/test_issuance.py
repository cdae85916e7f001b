"""Issuing under every interleaving: several workers, crashes, a clock that steps.

After each run the log is the judge, and what the pages were told: in no window are more
tokens or sends granted than a lease, an endpoint or a user may have; every returned token
has exactly one entry; every entry of a token has a token that was returned, or whose
reply a crash took away; the chain verifies.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from doubles import CrashError, FaultyStorage
from enclave import CONFIG, CREDENTIALS, ENDPOINT, ENDPOINT_2, Refusal, Worker, World
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from kms_enclave.log.skew import MAX_BEHIND_MS

_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_REFUSALS = {
    "quota.exceeded.lease",
    "quota.exceeded.endpoint",
    "quota.exceeded.user",
    "quota.suspended",
    "lease.expired",
    "lease.limit",
    "internal",
    "clock.skew",
}
ENDPOINTS = {"one": ENDPOINT, "two": ENDPOINT_2}
_KINDS = ("one", "two", "batch", "sends")
_TAB, _LEASE = st.integers(0, 2), st.integers(0, 2)
_CALL = st.tuples(_TAB, _LEASE, st.sampled_from(_KINDS), st.integers(1, 10))
_STEPS = st.integers(0, 40)
_Call = tuple[int, int, str, int]


def _crash(_: object) -> None:
    raise CrashError


class Issuing(RuleBasedStateMachine):
    """Tabs come and go, issue at the same time, and die between any two steps."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._world = World()
        self._workers: list[tuple[Worker, FaultyStorage]] = []
        self._limits: dict[str, tuple[int, int, int]] = {}
        self._recorded: list[tuple[int, str, str]] = []
        """Sends that a page was told it may make: time, lease, endpoint."""
        self._returned: Counter[str] = Counter()
        self._lost = 0
        self._behind_ms = 0
        self._users_day = 0

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(coroutine)

    async def _open_tab(self) -> Worker:
        storage = FaultyStorage(self._world.memory)
        quotas = {**CONFIG["quotas"], "perUserPerDay": self._users_day}
        worker = await self._world.worker(storage=storage, config={"quotas": quotas})
        assert worker.start["type"] == "kms:ready", worker.start
        self._workers.append((worker, storage))
        return worker

    @initialize(users_day=st.sampled_from([4, 20, 1000]))
    def set_up(self, users_day: int) -> None:
        self._users_day = users_day

        async def start() -> None:
            await (await self._open_tab()).set_up()

        self._run(start())

    @precondition(lambda self: len(self._workers) < 3)
    @rule()
    def open_another_tab(self) -> None:
        self._run(self._open_tab())

    @rule(which=st.integers(0, 2))
    def restart_a_tab(self, which: int) -> None:
        self._workers.pop(which % len(self._workers))
        self._run(self._open_tab())

    @precondition(lambda self: len(self._limits) < 3)
    @rule(
        tokens=st.sampled_from([1, 2, 5, 70, 140]),
        sends=st.sampled_from([1, 3, 70, 1000]),
        eid_sends=st.sampled_from([1, 2, 50, 1000]),
        hours=st.sampled_from([0.5, 2, 24]),
    )
    def create_a_lease(self, tokens: int, sends: int, eid_sends: int, hours: float) -> None:
        worker, _ = self._workers[0]
        quotas = {
            "tokensPerHour": tokens,
            "sendsPerMinute": sends,
            "sendsPerMinutePerEid": eid_sends,
        }
        lease = self._run(worker.create_lease(quotas=quotas, ttlHours=hours))
        self._limits[lease] = (tokens, sends, eid_sends)

    @precondition(lambda self: self._limits)
    @rule(
        calls=st.lists(_CALL, min_size=1, max_size=40),
        pauses=st.lists(st.integers(0, 3), min_size=1, max_size=8),
    )
    def call_at_the_same_time(self, calls: list[_Call], pauses: list[int]) -> None:
        self._run(self._issue(calls, pauses))

    @precondition(lambda self: self._limits)
    @rule(which=_LEASE)
    def refresh_a_lease(self, which: int) -> None:
        worker, _ = self._workers[0]
        lease = list(self._limits)[which % len(self._limits)]
        with contextlib.suppress(Refusal):
            self._run(worker.call("refreshLease", leaseId=lease, credentials=CREDENTIALS))

    @precondition(lambda self: self._limits)
    @rule(which=st.integers(0, 2), calls=st.integers(1, 5), after=st.booleans())
    def die_at_a_commit(self, which: int, calls: int, after: bool) -> None:
        _, storage = self._workers[which % len(self._workers)]
        granted = len(self._signs())
        if after:
            storage.after_commit = _crash
        else:
            storage.before_commit = _crash
        self._run(self._issue([(which, 0, "one", 1)] * calls, [0]))
        if after:
            self._lost += len(self._signs()) - granted
        else:
            assert len(self._signs()) == granted
        self.restart_a_tab(which)

    @precondition(lambda self: self._limits)
    @rule(which=st.integers(0, 2), calls=st.lists(_CALL, min_size=1, max_size=10), steps=_STEPS)
    def die_at_any_step(self, which: int, calls: list[_Call], steps: int) -> None:
        _, storage = self._workers[which % len(self._workers)]
        before = len(self._signs()), self._returned.total()
        storage.steps_left = steps
        self._run(self._issue(calls, [0, 1, 2]))
        storage.steps_left = None
        granted, returned = len(self._signs()) - before[0], self._returned.total() - before[1]
        self._lost += granted - returned
        self.restart_a_tab(which)

    @rule(ms=st.sampled_from([1, 999, 60_000, 1_799_999, _HOUR_MS - 1, _HOUR_MS]))
    def let_time_pass(self, ms: int) -> None:
        self._world.clock.advance(ms)
        self._behind_ms = max(self._behind_ms - ms, 0)

    @rule(ms=st.sampled_from([1, 1000, 120_000, 290_000]))
    def step_the_clock_back(self, ms: int) -> None:
        # Further back, and on from there: test_clock_steps.py.
        if self._behind_ms + ms <= MAX_BEHIND_MS:
            self._world.clock.advance(-ms)
            self._behind_ms += ms

    async def _issue(self, calls: list[_Call], pauses: list[int]) -> None:
        leases = list(self._limits)
        turns = itertools.cycle(pauses)

        async def call(tab: int, lease: int, kind: str, count: int) -> None:
            for _ in range(next(turns)):
                await asyncio.sleep(0)
            worker, _ = self._workers[tab % len(self._workers)]
            try:
                await self._call(worker, leases[lease % len(leases)], kind, count)
            except Refusal as refusal:
                if refusal.code not in _REFUSALS:
                    raise

        await asyncio.gather(*(call(*each) for each in calls))

    async def _call(self, worker: Worker, lease: str, kind: str, count: int) -> None:
        if kind == "sends":
            await worker.call("recordSends", leaseId=lease, eid="one", count=count)
            # The clock stands still meanwhile: this is the time of the commit.
            now_ms = (await self._world.value("meta", "head"))["timestamp"]
            self._recorded.extend([(now_ms, lease, "one")] * count)
            return
        if kind == "batch":
            batch = await worker.call(
                "issueVAPIDJWTs", leaseId=lease, endpoint=ENDPOINT, count=count
            )
            tokens = batch["tokens"]
        else:
            tokens = [await worker.issue(lease, endpoint=ENDPOINTS[kind])]
        self._returned.update(token["jti"] for token in tokens)

    def _entries(self) -> list[dict[str, Any]]:
        found = self._run(self._world.memory.scan("audit", after=None, limit=1_000_000))
        return [json.loads(record.value) for _, record in found]

    def _signs(self) -> list[dict[str, Any]]:
        return [entry for entry in self._entries() if entry["op"] == "sign"]

    @invariant()
    def every_token_has_one_entry_and_every_entry_its_token(self) -> None:
        entered = Counter(entry["details"]["jti"] for entry in self._signs())
        assert all(times == 1 for times in entered.values())
        assert all(times == 1 for times in self._returned.values())
        assert self._returned.keys() <= entered.keys()
        assert len(entered) - len(self._returned) == self._lost

    def _sends(self) -> list[tuple[int, str, str]]:
        """Return time, lease and endpoint of every send that was granted, in order of time."""
        singles = [
            (entry["timestamp"], entry["leaseId"], entry["details"]["eid"])
            for entry in self._signs()
            if "sendsPerMinute" in entry["details"]["quotas"]
        ]
        return sorted((*singles, *self._recorded))

    @invariant()
    def no_hour_has_more_tokens_than_its_lease_allows(self) -> None:
        for lease, (limit, _, _) in self._limits.items():
            times = [e["timestamp"] for e in self._signs() if e["leaseId"] == lease]
            _assert_never_more(times, limit, _HOUR_MS)

    @invariant()
    def no_minute_has_more_sends_than_a_lease_and_an_endpoint_may_have(self) -> None:
        for lease, (_, limit, eid_limit) in self._limits.items():
            sends = [send for send in self._sends() if send[1] == lease]
            _assert_never_more([time for time, _, _ in sends], limit, _MINUTE_MS)
            for eid in ENDPOINTS:
                times = [time for time, _, sent_to in sends if sent_to == eid]
                _assert_never_more(times, eid_limit, _MINUTE_MS)

    @invariant()
    def no_day_has_more_sends_than_the_user_may_have(self) -> None:
        _assert_never_more([time for time, _, _ in self._sends()], self._users_day, _DAY_MS)

    def teardown(self) -> None:
        if self._workers:
            before = len(self._entries())
            verdict = self._run(self._workers[0][0].call("verifyAuditChain"))
            assert verdict["errors"] == []
            # A worker that was just started may sweep meanwhile.
            assert before <= verdict["entries"] <= len(self._entries())
        self._loop.close()


def _assert_never_more(times: list[int], limit: int, length_ms: int) -> None:
    for earlier, later in zip(times, times[limit:], strict=False):
        assert later - earlier >= length_ms


TestIssuing = Issuing.TestCase
