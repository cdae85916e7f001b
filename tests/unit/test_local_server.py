"""What `make serve` and `make demo` say to somebody who started them wrongly."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.patience import patient

_ROOT = Path(__file__).parents[2]


def _refusal(*arguments: str) -> str:
    """The one line on stderr."""
    finished = subprocess.run(
        [sys.executable, "-m", "tools.server", *arguments],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=patient(60),
        check=False,
    )
    assert finished.returncode == 2
    assert finished.stdout == ""
    (line,) = finished.stderr.splitlines()
    return line


@pytest.fixture(params=["127.0.0.1", "::1"])
def busy_port(request: pytest.FixtureRequest) -> Iterator[int]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    try:
        listener = socket.create_server((request.param, 0), family=family)
    except OSError:
        pytest.skip(f"nothing can listen on {request.param} here")
    with listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("option", ["--kms-port", "--app-port"])
def test_a_port_that_is_in_use_is_named(busy_port: int, option: str, tmp_path: Path) -> None:
    other = "--app-port" if option == "--kms-port" else "--kms-port"
    line = _refusal(option, str(busy_port), other, "0", "--app-root", str(tmp_path))
    assert f"port {busy_port} is in use" in line


@pytest.mark.parametrize("port", ["65536", "-1", "85OO", "", "8.5"])
def test_what_is_no_port_is_refused(port: str, tmp_path: Path) -> None:
    line = _refusal(f"--kms-port={port}", "--app-root", str(tmp_path))
    assert "--kms-port" in line
    assert "is not a port" in line


def test_page_and_enclave_need_a_port_each(tmp_path: Path) -> None:
    ports = ("--kms-port", "28500", "--app-port", "28500")
    assert "both are 28500" in _refusal(*ports, "--app-root", str(tmp_path))


def test_a_root_that_is_missing_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    assert _refusal("--app-root", missing) == f"there is no folder {missing}"


def test_a_root_that_is_a_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "index.html"
    file.write_text("", "utf-8")
    assert _refusal("--app-root", str(file)) == f"{file} is not a folder"
