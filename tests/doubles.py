"""Ports with faults: wrappers around the native adapters, each implementing its whole port.

They add what a test needs to steer (time, interleaving, failures) and keep every other
promise of the adapter that they wrap.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from kms_enclave.adapters.native.crypto import NativeCrypto
from kms_enclave.ports.crypto import PassphraseKeys
from kms_enclave.ports.storage import (
    Address,
    Delete,
    Expectation,
    Key,
    Put,
    Record,
    StoragePort,
    StoreName,
)

__all__ = ["START_MS", "CrashError", "FakeClock", "FaultyCrypto", "FaultyStorage"]

START_MS = 1_900_000_000_000
_COSTLY_ITERATIONS = 100_000


class CrashError(Exception):
    """The worker died here: nothing after this line ran."""


class FakeClock:
    """A clock that stands still until it is moved; ``drift_ms`` pass at every look at it."""

    def __init__(self, now_ms: int = START_MS, *, drift_ms: int = 0) -> None:
        self._now_ms = now_ms
        self.drift_ms = drift_ms
        self.stopwatch_ms = 0.0

    def now_ms(self) -> int:
        self._now_ms += self.drift_ms
        return self._now_ms

    def monotonic_ms(self) -> float:
        return self.stopwatch_ms

    def advance(self, ms: int) -> None:
        """Let time pass, or step back where ``ms`` is negative."""
        self._now_ms += ms
        self.stopwatch_ms += max(ms, 0)


class FaultyCrypto:
    """The native adapter with cheap key stretching, and failures on demand.

    From 100 000 iterations on PBKDF2 runs once, over a salt that names the iterations:
    other inputs still give other keys. Smaller counts (the self-test) run in full.
    ``failing`` holds names of operations and the errors that they raise.
    """

    def __init__(self) -> None:
        self._native = NativeCrypto()
        self.failing: dict[str, Exception] = {}
        self.stretchings = 0
        self.uuid: str | None = None
        """Where given, what :meth:`random_uuid` returns."""

    def __getattr__(self, name: str) -> object:
        error = self.failing.get(name)
        if error is None:
            return getattr(self._native, name)

        async def fail(*_: object, **__: object) -> None:
            raise error

        return fail

    def random_uuid(self) -> str:
        return self.uuid or self._native.random_uuid()

    async def derive_passphrase_keys(
        self, *, passphrase: bytes, salt: bytes, iterations: int, kek_info: bytes, kcv_info: bytes
    ) -> PassphraseKeys:
        self.stretchings += 1
        if error := self.failing.get("derive_passphrase_keys"):
            raise error
        if iterations >= _COSTLY_ITERATIONS:
            salt, iterations = salt + iterations.to_bytes(8, "big"), 1
        return await self._native.derive_passphrase_keys(
            passphrase=passphrase,
            salt=salt,
            iterations=iterations,
            kek_info=kek_info,
            kcv_info=kcv_info,
        )


Hook = Callable[[Sequence[Put]], Awaitable[None] | None]
ReadHook = Callable[[Sequence[Address]], Awaitable[None] | None]


class FaultyStorage:
    """Storage that yields to other tasks at every step, and calls hooks around each commit.

    A hook that raises before a commit keeps it from happening; one that raises after it
    makes the caller believe so. Hooks see the audited commits only, not the probes.
    """

    def __init__(self, inner: StoragePort, *, after_read: ReadHook | None = None) -> None:
        self._inner = inner
        self.before_commit: Hook | None = None
        self.after_commit: Hook | None = None
        self.after_read = after_read
        self.failure: Exception | None = None
        """Raised by every operation, while it is set."""
        self.steps_left: int | None = None
        """Where given, after how many more steps the worker dies: from then on all is in vain."""
        self.commits = 0

    async def read(self, addresses: Sequence[Address]) -> Sequence[Record | None]:
        await self._enter()
        found = await self._inner.read(addresses)
        await asyncio.sleep(0)
        if self.after_read is not None:
            await _run(self.after_read(addresses))
        return found

    async def scan(
        self, store: StoreName, *, after: Key | None, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        await self._enter()
        found = await self._inner.scan(store, after=after, limit=limit)
        await asyncio.sleep(0)
        return found

    async def scan_prefix(
        self, store: StoreName, *, prefix: str, after: str | None, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        await self._enter()
        found = await self._inner.scan_prefix(store, prefix=prefix, after=after, limit=limit)
        await asyncio.sleep(0)
        return found

    async def expired(
        self, store: StoreName, *, now_ms: int, limit: int
    ) -> Sequence[tuple[Key, Record]]:
        await self._enter()
        found = await self._inner.expired(store, now_ms=now_ms, limit=limit)
        await asyncio.sleep(0)
        return found

    async def count(self, store: StoreName) -> int:
        await self._enter()
        return await self._inner.count(store)

    async def commit(
        self,
        *,
        expectations: Sequence[Expectation],
        puts: Sequence[Put],
        deletes: Sequence[Delete] = (),
        durable: bool = True,
    ) -> None:
        await self._enter()
        audited = any(put.address.store == "audit" for put in puts)
        if audited and self.before_commit is not None:
            await _run(self.before_commit(puts))
        await self._inner.commit(
            expectations=expectations, puts=puts, deletes=deletes, durable=durable
        )
        self.commits += audited
        await self._enter()
        if audited and self.after_commit is not None:
            await _run(self.after_commit(puts))

    async def replace_all(
        self, *, expectations: Sequence[Expectation], puts: Sequence[Put]
    ) -> None:
        await self._enter()
        if self.before_commit is not None:
            await _run(self.before_commit(puts))
        await self._inner.replace_all(expectations=expectations, puts=puts)
        self.commits += 1
        if self.after_commit is not None:
            await _run(self.after_commit(puts))

    async def _enter(self) -> None:
        await asyncio.sleep(0)
        if self.steps_left is not None:
            if not self.steps_left:
                raise CrashError
            self.steps_left -= 1
        if self.failure is not None:
            raise self.failure


async def _run(pending: Awaitable[None] | None) -> None:
    if pending is not None:
        await pending
