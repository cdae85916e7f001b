"""Signatures verified by several processes at once, for files of a hundred thousand of them.

The caller's process is one of them: what the others have no time for it verifies itself, so
that none waits while there is work.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from types import TracebackType
from typing import Final, Self

from kms_enclave.adapters.native.crypto import is_ed25519_valid
from kms_enclave.ports.crypto import SignatureCheck

__all__ = ["SignaturePool"]

_QUEUED: Final = 3
"""Batches that a process has before it: enough for the time that the caller takes for one."""


class SignaturePool:
    """A context manager around worker processes, which start at its first call."""

    def __init__(self, processes: int) -> None:
        """``processes`` are those beside the caller's."""
        # Spawned: a fork would copy whatever threads and files the caller has.
        context = multiprocessing.get_context("spawn")
        self._executor = ProcessPoolExecutor(processes, mp_context=context)
        self._most_queued = _QUEUED * processes
        self._queued: list[Future[Sequence[bool]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_class: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._executor.shutdown(cancel_futures=True)

    async def verify_ed25519(self, checks: Sequence[SignatureCheck]) -> Sequence[bool]:
        """Check many signatures in one of the processes; one answer for each, in order."""
        self._queued = [batch for batch in self._queued if not batch.done()]
        if len(self._queued) >= self._most_queued:
            return _verify(checks)
        # Processes that start inherit the mask: an interrupt is the caller's alone to handle.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            batch = self._executor.submit(_verify, list(checks))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._queued.append(batch)
        return await asyncio.wrap_future(batch)


def _verify(checks: Sequence[SignatureCheck]) -> Sequence[bool]:
    return [is_ed25519_valid(check) for check in checks]
