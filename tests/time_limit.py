"""A pytest plugin: ends a test that hangs, at its limit, wherever it waits.

pytest-timeout decides the limit; the timer is this module's (alarms.py says why).
The limit is the marker `timeout` or the setting of that name, times KMS_TEST_PATIENCE. It
covers fixtures and the test. What tidies up after a failure has a limit of its own.
"""

from __future__ import annotations

import os
import signal

import pytest
from alarms import raiser
from pytest_timeout import Settings

from tools.patience import PATIENCE, patient

# After its limit, a test that does not end is told again.
_GRACE_S = 30.0
# The same tests do far more under KMS_LONG=1.
_FACTOR = PATIENCE * (10 if os.environ.get("KMS_LONG") == "1" else 1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Scale the limit of each test, unless the command line gives one."""
    if _FACTOR == 1 or config.getoption("timeout") is not None:
        return
    for item in items:
        marker = item.get_closest_marker("timeout")
        limit_s = float(marker.args[0] if marker else config.getini("timeout"))
        options = marker.kwargs if marker else {}
        item.add_marker(pytest.mark.timeout(limit_s * _FACTOR, **options), append=False)


@pytest.hookimpl
def pytest_timeout_set_timer(item: pytest.Item, settings: Settings) -> bool:
    """Set the timer of a test: pytest-timeout's hook."""

    def error() -> BaseException:
        return pytest.fail.Exception(f"{item.nodeid} hung: it did not end in {settings.timeout} s")

    def cancel() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    item.cancel_timeout = cancel
    signal.signal(signal.SIGALRM, raiser(error))
    signal.setitimer(signal.ITIMER_REAL, settings.timeout, patient(_GRACE_S))
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Set a new timer where a failure has ended the test's own."""
    if signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0):
        settings = Settings(patient(_GRACE_S), "signal", False, False)
        item.config.hook.pytest_timeout_set_timer(item=item, settings=settings)
