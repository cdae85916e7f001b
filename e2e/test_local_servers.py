"""What `make serve` and `make demo` start: a process of its own, as a user starts it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from e2e.conftest import PAGES, open_page_in
from e2e.driving.enclave import PASSPHRASE, EnclavePage, issue_params, lease_params
from e2e.driving.served_process import Ports, free_ports, served_by
from tools.server.deployment import REPOSITORY

MILLION = 1_000_000
QUOTAS = ("tokensPerHour", "sendsPerMinute", "burstSends", "sendsPerMinutePerEid")


def _command(ports: Ports) -> list[str]:
    command = [sys.executable, "-m", "tools.server", "--app-root", str(PAGES)]
    return [*command, "--kms-port", str(ports.kms), "--app-port", str(ports.app)]


@pytest.fixture(scope="module")
def served(pieces: Path) -> Iterator[Ports]:
    """A folder of one's own beside the enclave, as `make serve` serves it."""
    ports = free_ports()
    with served_by(_command(ports), cwd=REPOSITORY) as printed:
        assert ports.app_origin in printed
        yield ports


def _open(context: BrowserContext, served: Ports) -> EnclavePage:
    page = open_page_in(context, app_origin=served.app_origin, kms_origin=served.kms_origin)
    assert page.open_sdk().code is None
    return page


@pytest.mark.usefixtures("pieces")
def test_a_server_that_is_told_to_stop_more_than_once_stops():
    # Under make, Ctrl-C comes from the terminal and once more from make.
    told_by = [signal.SIGINT, signal.SIGTERM] * 50
    with served_by(_command(free_ports()), cwd=REPOSITORY, told_by=told_by):
        pass


def test_a_lease_may_ask_for_a_million_of_each_quota(context: BrowserContext, served: Ports):
    page = _open(context, served)
    assert page.call("setupPassphrase", PASSPHRASE).code is None
    quotas = dict.fromkeys(QUOTAS, MILLION)
    lease = page.call("createLease", lease_params(quotas=quotas)).value
    assert lease["quotas"] == quotas
    assert page.call("issueVAPIDJWT", issue_params(lease["leaseId"])).code is None
