"""An interrupt of the command, by what it inherits: a terminal, and whether it ignores them."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from commands import write
from forging import long_log

from tools.patience import patient

IGNORED, NOT_PINNED, INTERRUPTED = signal.SIG_IGN, 3, 130


@attrs.frozen
class Running:
    """A comparison of two long files, in two processes."""

    process: subprocess.Popen[bytes]

    def interrupt(self) -> None:
        """Interrupt both, as a terminal does."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> tuple[int, bytes]:
        """Return the exit status, and what the command said of errors."""
        _, said = self.process.communicate(timeout=patient(60))
        return self.process.returncode, said


@contextlib.contextmanager
def running(path: Path, *, stdin: int, inherited: signal.Handlers) -> Iterator[Running]:
    """Start the command in a process group of its own, as a shell does; wait for its second."""
    program = Path(sys.executable).with_name("kms-enclave")
    with subprocess.Popen(
        [program, "audit", "compare", path, path],
        stdin=stdin,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, inherited),
    ) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while process.poll() is None and not children.read_text():
            time.sleep(0.01)
        try:
            yield Running(process)
        finally:
            process.kill()


@pytest.fixture
def terminal() -> Iterator[int]:
    ours, its = pty.openpty()
    yield its
    os.close(ours)
    os.close(its)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "audit.jsonl", long_log().export())


def test_an_interrupt_ends_both_processes_quietly(path: Path) -> None:
    with running(path, stdin=subprocess.DEVNULL, inherited=signal.SIG_DFL) as command:
        command.interrupt()
        status, said = command.end()
    assert status == INTERRUPTED
    assert b"Traceback" not in said


def test_an_interrupt_of_a_terminal_ends_it_where_the_parent_ignores_interrupts(
    path: Path, terminal: int
) -> None:
    with running(path, stdin=terminal, inherited=IGNORED) as command:
        command.interrupt()
        status, said = command.end()
    assert status == INTERRUPTED
    assert b"Traceback" not in said


def test_a_command_in_the_background_keeps_ignoring_interrupts(path: Path) -> None:
    with running(path, stdin=subprocess.DEVNULL, inherited=IGNORED) as command:
        command.interrupt()
        status, _ = command.end()
    assert status == NOT_PINNED
