"""Any sequence of enrollment changes, in two tabs, with workers that die between any two steps.

Whatever was enrolled and not removed still unlocks the same Master Secret: a token that is
signed after unlocking with it verifies, by somebody else's code, under the public key of
the setup. What was removed does not unlock, the last enrollment never goes, and the chain
verifies. Where a crash hides whether a change was made, storage says which of the two it is.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine, Mapping
from typing import Any

import pytest
from doubles import CrashError, FaultyStorage
from enclave import Refusal, Worker, World
from forging import unb64
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from user import METHODS, Secret, User, new_secret, payload, set_up_with, verify_jwt

_PASSPHRASE = "enrollment:passphrase:v2"
_ALLOWED = {"", "enrollment.exists", "enrollment.last", "enrollment.not.found", "internal"}
_WRONG = {"method": "passphrase", "passphrase": "nobody has this one"}

tabs = st.integers(0, 1)
choices = st.integers(0, 99)
crashes = st.sampled_from([None, None, "before", "after"])


class _Dying(FaultyStorage):
    """Dies at one commit of its choice, the counting of attempts included."""

    def __init__(self, world: World) -> None:
        super().__init__(world.memory)
        self.dies_in: int | None = None
        self.after = False

    async def commit(self, **change: Any) -> None:
        dying = self._is_last()
        if dying and not self.after:
            raise CrashError
        await super().commit(**change)
        if dying:
            raise CrashError

    def _is_last(self) -> bool:
        if self.dies_in is not None:
            self.dies_in -= 1
        return self.dies_in is not None and self.dies_in < 0


async def _refusal(worker: Worker, method: str, params: Mapping[str, Any]) -> str:
    try:
        await worker.call(method, **params)
    except Refusal as refusal:
        return refusal.code
    return ""


class Enrolling(RuleBasedStateMachine):
    """A model of what is enrolled, held against an enclave."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._world = World()
        self._tabs: list[tuple[Worker, _Dying]] = []
        self._enrolled: dict[str, Secret] = {}
        self._numbers = itertools.count()
        self._public = b""
        self._kid = ""

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(coroutine)

    async def _open_tab(self) -> tuple[Worker, _Dying]:
        storage = _Dying(self._world)
        worker = await self._world.worker(storage=storage)
        assert worker.start["type"] == "kms:ready", worker.start
        return worker, storage

    @initialize(method=st.sampled_from(METHODS))
    def set_up(self, method: str) -> None:
        async def start() -> None:
            self._tabs = [await self._open_tab() for _ in range(2)]
            worker = self._tabs[0][0]
            self._enrolled[f"enrollment:{method}:v2"] = await set_up_with(worker, method)
            self._kid = (await worker.call("getVAPIDKid"))["kid"]
            self._public = unb64((await worker.call("getPublicKey"))["publicKey"])

        self._run(start())

    def _pick(self, choice: int) -> str:
        return sorted(self._enrolled)[choice % len(self._enrolled)]

    async def _change(
        self, tab: int, method: str, params: Mapping[str, Any], user: User, crash: str | None
    ) -> str:
        """Call a method in a tab that may die; return the refusal's code, or nothing."""
        # Attempts that a crash left counted would delay the next; that has its own tests.
        await self._world.delete("meta", "attempts:enclave")
        worker, storage = self._tabs[tab]
        worker.user = user
        storage.dies_in = None if crash is None else next(self._numbers) % 4
        storage.after = crash == "after"
        code = await _refusal(worker, method, params)
        if crash is not None:
            self._tabs[tab] = await self._open_tab()
        return code

    async def _stored(self) -> set[str]:
        found = await self._world.memory.scan("enrollments", after=None, limit=99)
        return {str(key) for key, _ in found}

    @rule(tab=tabs, method=st.sampled_from(METHODS), uses=choices, crash=crashes)
    def add(self, tab: int, method: str, uses: int, crash: str | None) -> None:
        secret = new_secret(method)
        user = User(uses=self._enrolled[self._pick(uses)], makes=secret)
        code = self._run(self._change(tab, "addEnrollment", {"method": method}, user, crash))
        assert code in _ALLOWED - {"enrollment.last"}
        added = self._run(self._stored()) - self._enrolled.keys()
        assert len(added) == 1 if code == "" else len(added) <= (code == "internal")
        self._enrolled |= dict.fromkeys(added, secret)

    @rule(tab=tabs, which=choices, uses=choices, crash=crashes)
    def remove(self, tab: int, which: int, uses: int, crash: str | None) -> None:
        name = self._pick(which)
        user = User(uses=self._enrolled[self._pick(uses)])
        params = {"enrollmentId": name}
        code = self._run(self._change(tab, "removeEnrollment", params, user, crash))
        is_last = len(self._enrolled) == 1
        expected = {"enrollment.last", "internal"} if is_last else _ALLOWED - {"enrollment.last"}
        assert code in expected
        gone = name not in self._run(self._stored())
        assert gone if code == "" else gone <= (code == "internal")
        if gone:
            del self._enrolled[name]

    @precondition(lambda self: _PASSPHRASE in self._enrolled)
    @rule(tab=tabs, uses=choices, crash=crashes)
    def change_the_passphrase(self, tab: int, uses: int, crash: str | None) -> None:
        before = self._run(self._world.record("enrollments", _PASSPHRASE))
        secret = new_secret("passphrase")
        user = User(uses=self._enrolled[self._pick(uses)], makes=secret)
        code = self._run(self._change(tab, "changePassphrase", {}, user, crash))
        after = self._run(self._world.record("enrollments", _PASSPHRASE))
        changed = after.value != before.value
        assert changed if code == "" else changed <= (code == "internal")
        if changed:
            self._enrolled[_PASSPHRASE] = secret

    @rule(first=choices, second=choices)
    def remove_in_both_tabs_at_once(self, first: int, second: int) -> None:
        names = [self._pick(first), self._pick(second)]
        secrets = [self._enrolled[name] for name in reversed(names)]

        async def both() -> list[str]:
            return await asyncio.gather(
                *(
                    self._change(tab, "removeEnrollment", {"enrollmentId": name}, User(by), None)
                    for tab, (name, by) in enumerate(zip(names, secrets, strict=True))
                )
            )

        # What unlocked in one tab may have been removed in the other one meanwhile.
        assert set(self._run(both())) <= _ALLOWED | {"unlock.denied", "unlock.cancelled"}
        stored = self._run(self._stored())
        self._enrolled = {name: self._enrolled[name] for name in stored}

    @precondition(lambda self: len(self._enrolled) > 1)
    @rule(
        which=choices,
        other=st.integers(1, 99),
        pauses=st.tuples(st.integers(0, 8), st.integers(0, 8)),
    )
    def remove_what_the_other_tab_is_using(
        self, which: int, other: int, pauses: tuple[int, int]
    ) -> None:
        names = sorted(self._enrolled)
        name = names[which % len(names)]
        by = next(one for one in names[other % len(names) :] + names if one != name)

        async def use() -> str:
            for _ in range(pauses[0]):
                await asyncio.sleep(0)
            worker, _ = self._tabs[0]
            worker.user = User(self._enrolled[name])
            return await _refusal(worker, "generateVAPID", {})

        async def remove() -> str:
            for _ in range(pauses[1]):
                await asyncio.sleep(0)
            user = User(self._enrolled[by])
            return await self._change(1, "removeEnrollment", {"enrollmentId": name}, user, None)

        async def both() -> list[str]:
            return await asyncio.gather(use(), remove())

        used, removed = self._run(both())
        assert used in ("", "unlock.denied", "unlock.cancelled", "enrollment.not.found")
        assert removed == ""
        del self._enrolled[name]

    @rule(tab=tabs, method=st.sampled_from(METHODS))
    def set_up_again(self, tab: int, method: str) -> None:
        async def again() -> None:
            with pytest.raises(Refusal, match=r"enrollment\.exists"):
                await set_up_with(self._tabs[tab][0], method)

        self._run(again())

    @rule(tab=tabs, which=choices)
    def guess(self, tab: int, which: int) -> None:
        params = {"enrollmentId": self._pick(which), "credentials": _WRONG}
        code = self._run(_refusal(self._tabs[tab][0], "removeEnrollment", params))
        assert code in ("unlock.denied", "unlock.throttled", "enrollment.not.found")

    @rule(ms=st.sampled_from([1, 60_000, 86_400_000, -1000, -86_400_000]))
    def move_the_clock(self, ms: int) -> None:
        self._world.clock.advance(ms)

    @invariant()
    def storage_holds_what_is_enrolled(self) -> None:
        if self._tabs:
            assert self._run(self._stored()) == self._enrolled.keys()
            assert self._enrolled, "the last one never goes"

    @precondition(lambda self: self._tabs)
    @rule(tab=tabs)
    def everything_enrolled_unlocks_the_same_secret(self, tab: int) -> None:
        for name in self._enrolled:
            self._run(self._unlock(tab, name))

    async def _unlock(self, tab: int, name: str) -> None:
        worker, _ = self._tabs[tab]
        worker.user = User(uses=self._enrolled[name])
        claims = payload(self._world.clock.now_ms(), jti=f"{name} {next(self._numbers)}")
        signed = await worker.call("signJWT", kid=self._kid, payload=claims)
        assert verify_jwt(signed["jwt"], self._public) == claims

    def teardown(self) -> None:
        if self._tabs:
            self.everything_enrolled_unlocks_the_same_secret(0)
            verdict = self._run(self._tabs[1][0].call("verifyAuditChain"))
            assert verdict["errors"] == []
        self._loop.close()


TestEnrolling = Enrolling.TestCase
