"""The SDK's verifier alone in a page; and enclaves whose storage is put back behind their back."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from e2e.conftest import Leased, OpenPage, Serve
from e2e.driving.enclave import PASSPHRASE, ROOMY, lease_params
from web.server.deployment import REPOSITORY


@pytest.fixture(scope="module")
def verifier(
    chromium: Browser, serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    """A page with the functions of ``verifier.ts``."""
    root = tmp_path_factory.mktemp("verifier")
    build = ["node", "e2e/rollback/build.mjs", str(root)]
    subprocess.run(build, cwd=REPOSITORY, check=True, timeout=60)
    (root / "index.html").write_text('<script type="module" src="/verifier.js"></script>', "utf-8")
    with contextlib.closing(chromium.new_context()) as context:
        page = context.new_page()
        page.goto(serve(app_root=root).app_origin)
        page.wait_for_function("window.isLoaded")
        yield page


@pytest.fixture
def leased(open_page: OpenPage) -> Leased:
    """A lease whose quotas are as good as none: these tests are about the log."""
    page = open_page()
    assert page.open_sdk().code is None
    assert page.call("setupPassphrase", PASSPHRASE).code is None
    quotas = {**ROOMY, "tokensPerHour": 1000}
    return Leased(page, page.call("createLease", lease_params(quotas=quotas)).value["leaseId"])
