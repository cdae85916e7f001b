"""The command line, run within the test's process, or as a process with its environment."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import attrs
from kms_enclave.cli.main import run

__all__ = ["Ran", "environment", "kms_enclave", "write"]

# A shell, a CI service or pytest-xdist may have set them; each changes what rich prints.
_OF_TERMINALS = (
    "COLUMNS",
    "LINES",
    "FORCE_COLOR",
    "NO_COLOR",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
)


@attrs.frozen
class Ran:
    """What a run of the command left."""

    status: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment without what says how to print, and with ``more``."""
    inherited = {name: value for name, value in os.environ.items() if name not in _OF_TERMINALS}
    return {**inherited, **more}


def kms_enclave(*arguments: str | Path) -> Ran:
    """Run ``kms-enclave`` with its output in a file; whatever it raises is a defect."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, environment(), clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        status = run([str(argument) for argument in arguments])
    return Ran(status, out.getvalue(), err.getvalue())


def write(path: Path, lines: Sequence[bytes]) -> Path:
    """Write an export file."""
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path
