"""Verification of an export file as a stream: bounded memory, signatures while lines are read.

The first fault in the file's order is the one that is named, whether a rule found it or
a signature. ``verify`` may work in other threads or processes; several batches are on
their way at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import BinaryIO, Final

from kms_enclave.log.verify.export import (
    MAX_LINE_BYTES,
    BadExportError,
    Claim,
    ExportSummary,
    ExportVerifier,
)
from kms_enclave.ports.crypto import SignatureCheck

__all__ = ["read_lines", "verify_export"]

_BATCH: Final = 512
_BATCH_BYTES: Final = 1_048_576
"""A certificate may be as long as a line."""
_MOST_UNDER_WAY: Final = 8

VerifyMany = Callable[[Sequence[SignatureCheck]], Awaitable[Sequence[bool]]]
Progress = Callable[[int, int], None]


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield lines without their line feeds. Raises BadExportError.

    Never holds more of a file than the longest line that is allowed.
    """
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if not line.endswith(b"\n"):
            if len(line) > MAX_LINE_BYTES:
                raise BadExportError(number, f"longer than {MAX_LINE_BYTES} bytes")
            raise BadExportError(number, "the file is cut off: its last line has no end")
        yield line[:-1]


async def verify_export(
    lines: Iterable[bytes],
    verifier: ExportVerifier,
    verify: VerifyMany,
    *,
    progress: Progress | None = None,
) -> ExportSummary:
    """Verify a whole file; return what it is. Raises BadExportError.

    ``progress`` is called with how many entries were read and how many there should be.
    """
    signatures = _Signatures(verify)
    fault: BadExportError | None = None
    summary: ExportSummary | None = None
    source = iter(lines)
    try:
        while summary is None and fault is None:
            try:
                line = next(source, None)
                if line is None:
                    summary, claims = verifier.finish()
                else:
                    claims = verifier.feed(line)
            except BadExportError as error:
                # A signature before this place may be what is wrong first.
                fault, claims = error, ()
            await signatures.add(claims)
            if progress is not None and (verifier.verified_entries % _BATCH == 0 or summary):
                progress(verifier.verified_entries, verifier.expected_entries)
        await signatures.finish()
    finally:
        signatures.abandon()
    if summary is None:
        raise fault or BadExportError(0, "nothing was read")
    return summary


class _Signatures:
    """Batches on their way, in order."""

    def __init__(self, verify: VerifyMany) -> None:
        self._verify = verify
        self._waiting: list[Claim] = []
        self._waiting_bytes = 0
        self._under_way: deque[tuple[list[Claim], asyncio.Future[Sequence[bool]]]] = deque()

    async def add(self, claims: Sequence[Claim]) -> None:
        """Take claims; raises the first one's error that turns out not to hold."""
        self._waiting.extend(claims)
        self._waiting_bytes += sum(len(claim.check.message) for claim in claims)
        if len(self._waiting) >= _BATCH or self._waiting_bytes >= _BATCH_BYTES:
            self._send()
            await asyncio.sleep(0)
            while len(self._under_way) >= _MOST_UNDER_WAY:
                await self._settle()

    async def finish(self) -> None:
        """Wait for everything that was taken."""
        self._send()
        while self._under_way:
            await self._settle()

    def abandon(self) -> None:
        """Let go of what nobody will ask for any more."""
        for _, future in self._under_way:
            future.cancel()
        self._under_way.clear()

    def _send(self) -> None:
        if self._waiting:
            claims, self._waiting = self._waiting, []
            self._waiting_bytes = 0
            checks = [claim.check for claim in claims]
            self._under_way.append((claims, asyncio.ensure_future(self._verify(checks))))

    async def _settle(self) -> None:
        claims, future = self._under_way.popleft()
        for claim, holds in zip(claims, await future, strict=True):
            if not holds:
                raise claim.otherwise()
