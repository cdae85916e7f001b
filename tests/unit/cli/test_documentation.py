"""The sessions in docs/cli.md, run by a shell as they are written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from commands import environment

from tools.patience import patient

_ROOT = Path(__file__).parents[3]
_VECTORS = _ROOT / "tests" / "vectors" / "audit"
_BIN = Path(sys.executable).parent
_SESSION = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def _steps() -> Iterator[tuple[str, str]]:
    """Yield each command, and what it should print."""
    for session in _SESSION.findall((_ROOT / "docs" / "cli.md").read_text("utf-8")):
        for step in session.split("$ ", 1)[1].split("\n$ "):
            command, _, output = step.partition("\n")
            yield command, output.strip("\n")


def test_every_command_of_the_document_prints_what_it_says(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    shutil.copytree(_VECTORS, folder)
    steps = list(_steps())
    assert len(steps) > 6
    script = "".join(f"{command}\nkept=$?; echo @@@; (exit $kept)\n" for command, _ in steps)
    ran = subprocess.run(
        ["bash", "-c", f"exec 2>&1\n{script}"],
        cwd=folder,
        env=environment(
            COLUMNS="110", PATH=f"{_BIN}:{os.environ['PATH']}", PYTHONIOENCODING="utf-8"
        ),
        capture_output=True,
        encoding="utf-8",
        timeout=patient(150),
    )
    printed = [
        "\n".join(line.rstrip() for line in part.strip("\n").split("\n"))
        for part in ran.stdout.split("@@@\n")
    ]
    for (command, output), found in zip(steps, printed, strict=False):
        assert found == output, command
