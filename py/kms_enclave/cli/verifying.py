"""One file through the enclave's own verification: progress, and two processes for a long one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import BinaryIO, Final

import attrs
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kms_enclave.adapters.native.crypto import NativeCrypto
from kms_enclave.adapters.native.pool import SignaturePool
from kms_enclave.cli.status import FailedVerification, UnreadableFileError
from kms_enclave.cli.text import plain
from kms_enclave.log.verify.export import BadExportError, ExportSummary, ExportVerifier
from kms_enclave.log.verify.stream import read_lines, verify_export
from kms_enclave.ports.crypto import SignatureCheck

__all__ = ["Expected", "verify_file"]

_LONG: Final = 2000
"""Entries. A process takes a third of a second to start, in which as many are verified."""

Watch = Callable[[bytes], None]


@attrs.frozen
class Expected:
    """What a file is held against: its log's key, and checkpoints that were seen before."""

    key: str | None = None
    checkpoints: Sequence[str] = ()


def verify_file(path: Path, expected: Expected, *, watch: Watch | None = None) -> ExportSummary:
    """Verify a file; return what it is. Raises FailedVerification, UnreadableFileError.

    ``watch`` is given each line after its rules held; its signatures hold only if
    all of the file does.
    """
    try:
        with path.open("rb") as file:
            return asyncio.run(_verify(file, expected, watch, name=path.name))
    except BadExportError as error:
        raise FailedVerification(str(path), error) from None
    except (OSError, BrokenExecutor) as error:
        raise UnreadableFileError(f"{plain(str(path))}: {error}") from None


async def _verify(
    file: BinaryIO, expected: Expected, watch: Watch | None, *, name: str
) -> ExportSummary:
    verifier = ExportVerifier(expected_key=expected.key, expected_checkpoints=expected.checkpoints)
    crypto = NativeCrypto()
    lines = read_lines(file) if watch is None else _watched(read_lines(file), watch)
    with SignaturePool(1) as pool, _progress() as progress:
        task = progress.add_task(plain(name), total=None, visible=False)

        def report(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total, visible=total >= _LONG, refresh=True)

        async def verify(checks: Sequence[SignatureCheck]) -> Sequence[bool]:
            # How many there are is the file's own word; it only decides who does the work.
            is_long = verifier.expected_entries >= _LONG
            return await (pool if is_long else crypto).verify_ed25519(checks)

        return await verify_export(lines, verifier, verify, progress=report)


def _watched(lines: Iterable[bytes], watch: Watch) -> Iterator[bytes]:
    for line in lines:
        yield line
        # The verifier asks for another line only where this one was good.
        watch(line)


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        # What is reported is shown at once, rather than by a clock that may miss all of it.
        auto_refresh=False,
        transient=True,
    )
