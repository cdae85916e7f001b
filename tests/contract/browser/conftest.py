"""One deployment for all engines, and a Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from e2e.driving.chromium import launch_chromium_without_third_party_storage

from .site import ContractSite, serve_site


@pytest.fixture(scope="session")
def contract_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContractSite]:
    with serve_site(tmp_path_factory.mktemp("contract")) as site:
        yield site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch_chromium_without_third_party_storage(playwright)
        yield browser
        browser.close()
