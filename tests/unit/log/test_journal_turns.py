"""The journal's lock: a worker that commits without a pause lets others in; a quiet one is free."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import attrs
import pytest
from doubles import FakeClock, FaultyCrypto
from kms_enclave.adapters.native.locks import AsyncioLocks
from kms_enclave.adapters.native.memory import MemoryStorage
from kms_enclave.log.entry import EntryDraft
from kms_enclave.log.journal import Change, Journal, SignedDraft
from kms_enclave.ports.crypto import AuditSigningKey


@attrs.define
class CountedLocks:
    """Counts how often somebody asked to hold one."""

    times: int = 0
    _locks: AsyncioLocks = attrs.Factory(AsyncioLocks)

    def hold(self, name: str) -> AbstractAsyncContextManager[None]:
        self.times += 1
        return self._locks.hold(name)


@attrs.define
class Desk:
    clock: FakeClock
    locks: CountedLocks
    journal: Journal
    key: AuditSigningKey

    async def commit(self, *, after_ms: int) -> int:
        """Commit; return how often the lock was asked for."""
        self.clock.advance(after_ms)
        before = self.locks.times
        await self.journal.commit(self._plan, begins_log=True)
        return self.locks.times - before

    async def _plan(self, _: int) -> Change:
        draft = EntryDraft(op="unlock.denied", request_id="r", signer="KIAK", signer_id="s")
        return Change(drafts=[SignedDraft(draft, self.key)])


@pytest.fixture
async def desk() -> Desk:
    clock, locks, crypto = FakeClock(), CountedLocks(), FaultyCrypto()
    journal = Journal(storage=MemoryStorage(), crypto=crypto, clock=clock, locks=locks)
    return Desk(clock, locks, journal, (await crypto.generate_audit_key()).private)


async def test_commits_without_a_pause_wait_for_the_lock_every_tenth_of_a_second(
    desk: Desk,
) -> None:
    await desk.commit(after_ms=1000)
    asked = [await desk.commit(after_ms=20) for _ in range(18)]
    assert asked == [0, 0, 0, 0, 0, 1] * 3


async def test_commits_with_pauses_need_no_lock(desk: Desk) -> None:
    assert [await desk.commit(after_ms=101) for _ in range(10)] == [0] * 10
