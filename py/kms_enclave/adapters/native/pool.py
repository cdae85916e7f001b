"""Signatures verified by several processes at once, for files of a hundred thousand of them."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType
from typing import Self

from kms_enclave.adapters.native.crypto import is_ed25519_valid
from kms_enclave.ports.crypto import SignatureCheck

__all__ = ["SignaturePool"]


class SignaturePool:
    """A context manager around worker processes, which start at its first call."""

    def __init__(self, processes: int) -> None:
        # Spawned: a fork would copy whatever threads and files the caller has.
        context = multiprocessing.get_context("spawn")
        self._executor = ProcessPoolExecutor(processes, mp_context=context)

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
        loop = asyncio.get_running_loop()
        # Processes that start inherit the mask: an interrupt is the caller's alone to handle.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            answers = loop.run_in_executor(self._executor, _verify, list(checks))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return await answers


def _verify(checks: Sequence[SignatureCheck]) -> Sequence[bool]:
    return [is_ed25519_valid(check) for check in checks]
