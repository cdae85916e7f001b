"""The local servers as a process of their own, as a user starts them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Container, Iterator, Sequence
from pathlib import Path

import attrs

from tools.patience import patient


@attrs.frozen
class Ports:
    """Free ones, for the enclave and for the page."""

    kms: int
    app: int

    @property
    def kms_origin(self) -> str:
        return f"http://localhost:{self.kms}"

    @property
    def app_origin(self) -> str:
        return f"http://localhost:{self.app}"


def free_ports() -> Ports:
    """Return two ports that nobody listens on; somebody else may take them meanwhile."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(contextlib.closing(socket.socket())) for _ in range(2)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return Ports(*(int(probe.getsockname()[1]) for probe in probes))


@contextlib.contextmanager
def served_by(
    command: Sequence[str],
    *,
    cwd: Path,
    exit_codes: Container[int] = (0,),
    told_by: Sequence[int] = (signal.SIGINT,),
) -> Iterator[str]:
    """Run a command that serves until it is told to end; give what it printed by then.

    Fail where it ends otherwise than with one of `exit_codes`.
    """
    with subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        printed = []
        for line in process.stdout:
            printed.append(line)
            if "Ctrl-C" in line:
                break
        try:
            yield "".join(printed)
        finally:
            # To all of its group, as Ctrl-C does.
            for number in told_by:
                os.killpg(process.pid, number)
            code = process.wait(timeout=patient(20))
        assert code in exit_codes
