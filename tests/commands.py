"""The command line, run within the test's process."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import attrs
from kms_enclave.cli.main import run

__all__ = ["Ran", "kms_enclave", "write"]


@attrs.frozen
class Ran:
    """What a run of the command left."""

    status: int
    out: str
    err: str


def kms_enclave(*arguments: str | Path) -> Ran:
    """Run ``kms-enclave`` with its output in a file; whatever it raises is a defect."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        # A width that the shell, or pytest-xdist, has set would be taken for a terminal's.
        os.environ.pop("COLUMNS", None)
        status = run([str(argument) for argument in arguments])
    return Ran(status, out.getvalue(), err.getvalue())


def write(path: Path, lines: Sequence[bytes]) -> Path:
    """Write an export file."""
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path
