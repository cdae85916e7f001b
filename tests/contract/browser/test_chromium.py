"""The promises in Chromium, one by one."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from contract.promises import PROMISES

from .site import ContractSite


@pytest.fixture(scope="module")
def page(browser: Browser, contract_site: ContractSite) -> Page:
    page = browser.new_page()
    page.goto(contract_site.origin)
    return page


def test_the_image_holds_the_same_promises(page: Page) -> None:
    assert page.evaluate("() => kmsContract.names()") == list(PROMISES)


@pytest.mark.parametrize("name", PROMISES)
def test_promise(page: Page, name: str) -> None:
    failure = page.evaluate("(name) => kmsContract.run(name)", name)
    assert failure is None, failure
