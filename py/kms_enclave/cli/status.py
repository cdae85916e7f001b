"""Exit statuses, and the errors that end the command with one of them."""

from __future__ import annotations

from enum import IntEnum
from typing import IO

import click

from kms_enclave.cli.text import plain
from kms_enclave.log.verify.export import BadExportError, ExportSummary

__all__ = ["FailedVerification", "Status", "UnreadableFileError", "status_of"]


class Status(IntEnum):
    """What the command ends with; docs/cli.md tells users."""

    VERIFIED = 0
    FAILED = 1
    USAGE = 2
    NOT_PINNED = 3
    INTERRUPTED = 130
    CLOSED_OUTPUT = 141


def status_of(summary: ExportSummary) -> Status:
    """Return the status for a file that holds: whose it is was shown only with its key."""
    return Status.VERIFIED if summary.is_pinned else Status.NOT_PINNED


class FailedVerification(click.ClickException):
    """A file does not hold."""

    exit_code = Status.FAILED

    def __init__(self, file: str, error: BadExportError) -> None:
        super().__init__(f"{plain(file)}: {plain(str(error))}")

    def show(self, file: IO[str] | None = None) -> None:
        """Print where and why; click would call it an error of the user's."""
        click.echo(f"does not verify: {self.message}", err=True)


class UnreadableFileError(click.ClickException):
    """A file cannot be read to its end."""

    exit_code = Status.USAGE
