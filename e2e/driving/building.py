"""Builds what several test processes load, once."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

from tools.patience import patient
from tools.server.deployment import REPOSITORY

_LOCK = REPOSITORY / "build" / "tests.lock"
_LIMIT_S = 300.0


def build_once(script: str, *arguments: str | Path) -> None:
    """Run a build script of Node's. The processes of one run of pytest-xdist share its result.

    It runs in one process at a time: a build writes files that another may be reading.
    """
    command = ["node", script, *map(str, arguments)]
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    done = f"{run}: {' '.join(command)}"
    _LOCK.parent.mkdir(exist_ok=True)
    with _LOCK.open("a+", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        if run and done in lock.read().splitlines():
            return
        subprocess.run(
            command,
            cwd=REPOSITORY,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=patient(_LIMIT_S),
        )
        lock.write(f"{done}\n")
