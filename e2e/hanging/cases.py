"""Tests that hang, each in another way. Nothing collects them but `test_hanging.py`."""

from __future__ import annotations

import time

import pytest

from e2e.conftest import Leased

pytestmark = pytest.mark.timeout(3, func_only=True)


def test_a_promise_that_never_settles(leased: Leased):
    leased.page.page.evaluate("console.warn('said before it hung')")
    leased.page.page.evaluate("new Promise(() => {})")


def test_a_condition_that_never_holds(shared_lease: Leased):
    shared_lease.page.wait_until(lambda: False, timeout_ms=3_600_000)


def test_a_page_that_never_yields(shared_lease: Leased):
    shared_lease.page.page.evaluate("while (true);")


def test_python_that_sleeps():
    time.sleep(3_600)


def test_that_ends(leased: Leased):
    assert leased.issue().code is None
