"""What `make serve` and `make demo` start: a process of its own, as a user starts it."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from playwright.sync_api import BrowserContext

from e2e.conftest import open_page_in
from e2e.driving.enclave import PASSPHRASE, EnclavePage, issue_params, lease_params
from web.server.deployment import REPOSITORY

PAGES = REPOSITORY / "e2e" / "pages"
MILLION = 1_000_000
QUOTAS = ("tokensPerHour", "sendsPerMinute", "burstSends", "sendsPerMinutePerEid")


@attrs.frozen
class Served:
    process: subprocess.Popen[str]
    app_origin: str
    kms_origin: str


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _serving(folder: Path, *options: str) -> Iterator[Served]:
    kms_port, app_port = _free_port(), _free_port()
    ports = ["--kms-port", str(kms_port), "--app-port", str(app_port)]
    command = [sys.executable, "-m", "web.server", *ports, "--app-root", str(folder), *options]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, env=None
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "Ctrl-C" in line:
                break
        yield Served(process, f"http://localhost:{app_port}", f"http://localhost:{kms_port}")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0, "it ends cleanly"


def _open(context: BrowserContext, served: Served) -> EnclavePage:
    page = open_page_in(context, app_origin=served.app_origin, kms_origin=served.kms_origin)
    assert page.open_sdk().code is None
    return page


@pytest.fixture(scope="module")
def served(pieces: Path) -> Iterator[Served]:
    """A folder of one's own beside the enclave, as `make serve` serves it."""
    with _serving(PAGES) as served:
        yield served


def test_a_lease_may_ask_for_a_million_of_each_quota(context: BrowserContext, served: Served):
    page = _open(context, served)
    assert page.call("setupPassphrase", PASSPHRASE).code is None
    quotas = dict.fromkeys(QUOTAS, MILLION)
    lease = page.call("createLease", lease_params(quotas=quotas)).value
    assert lease["quotas"] == quotas
    assert page.call("issueVAPIDJWT", issue_params(lease["leaseId"])).code is None
