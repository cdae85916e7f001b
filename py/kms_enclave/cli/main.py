"""The command itself: its groups, and that nothing a file holds ends in a traceback."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

import click

from kms_enclave.cli.compare import compare
from kms_enclave.cli.prove import prove
from kms_enclave.cli.show import show
from kms_enclave.cli.status import Status
from kms_enclave.cli.verify import verify

__all__ = ["main", "run"]

_AUDIT: Final = click.Group(
    "audit",
    commands=[verify, show, prove, compare],
    help="Verify and read the export files of an enclave's audit log.",
)


@click.group(commands=[_AUDIT])
@click.version_option(package_name="kms-enclave", message="%(version)s")
def _command() -> None:
    """What an enclave's exports prove, without a browser."""


def run(arguments: Sequence[str]) -> int:
    """Run the command; return its exit status."""
    try:
        status = _command.main(list(arguments), prog_name="kms-enclave", standalone_mode=False)
    except click.Abort:
        return Status.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SystemExit:
        # What click and rich both do with 1, a verdict here, when nobody reads the output.
        return Status.CLOSED_OUTPUT
    return status if isinstance(status, int) else Status.VERIFIED


def _accept_interrupts_of_a_terminal() -> None:
    """End on an interrupt where a terminal is the input, even if the parent ignored interrupts.

    Otherwise the parent's choice holds: a shell without job control ignores interrupts for a
    command in the background, and gives it no terminal as input (POSIX, 2.11).
    """
    is_ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if is_ignored and sys.stdin is not None and sys.stdin.isatty():
        signal.signal(signal.SIGINT, signal.default_int_handler)


def main() -> None:
    """Run the command of this process and end it."""
    _accept_interrupts_of_a_terminal()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that lacks a character shows its number.
            stream.reconfigure(errors="backslashreplace")
    try:
        status = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output had enough; the interpreter must not complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = Status.CLOSED_OUTPUT
    sys.exit(status)
