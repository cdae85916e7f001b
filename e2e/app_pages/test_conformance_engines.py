"""Chromium, Firefox and WebKitGTK, each opening the page that a person would open."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from contract.browser.engines import open_page
from playwright.sync_api import BrowserContext

from e2e.app_pages.receiver import Receiver, Report
from e2e.driving.killing import IS_LONG
from tools.patience import patient
from tools.server.serving import LocalServer

# The slowest engine compiles the interpreter several times on a busy machine.
DEADLINE_S = patient(150)

# Partitioned storage is what an engine may lack; KMS_LONG=1 tries storage of the same site too.
SITES = ["cross-site", "same site"] if IS_LONG else ["cross-site"]

ENGINE_NAMES = {"chromium": "Blink", "firefox": "Gecko", "webkit": "WebKit"}


def address(origin: str, receiver: Receiver) -> str:
    return f"{origin}/conformance/?autorun=1&report={quote(receiver.url, safe='')}"


def failures(report: Report) -> list[Mapping[str, Any]]:
    return [check for check in report["checks"] if check["outcome"] != "pass"]


def require_pass(report: Report, engine: str) -> None:
    assert failures(report) == []
    assert report["verdict"] == "pass"
    assert report["environment"]["engine"] == ENGINE_NAMES[engine]
    assert len(report["enclave"]["manifestHash"]) == 64


def note(report: Report, check_id: str) -> str:
    (found,) = (check["note"] for check in report["checks"] if check["id"] == check_id)
    return str(found)


def test_chromium_passes(context: BrowserContext, demo_server: LocalServer, receiver: Receiver):
    context.new_page().goto(address(demo_server.app_origin, receiver))
    require_pass(receiver.wait(DEADLINE_S), "chromium")


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("engine", ["firefox", "webkit"])
def test_other_engines_pass(
    engine: str, site: str, demo_server: LocalServer, receiver: Receiver, tmp_path: Path
):
    origins = {
        "same site": demo_server.app_origin,
        "cross-site": demo_server.cross_site_app_origin,
    }
    with open_page(engine, address(origins[site], receiver), tmp_path):
        report = receiver.wait(DEADLINE_S)
    require_pass(report, engine)
    assert note(report, "storage").startswith(site)
    passkeys = {"firefox": "this browser has passkeys", "webkit": "unsupported (passkey)"}
    assert note(report, "setup.passkeys") == passkeys[engine]


def test_blocked_storage_is_named_not_failed(
    context_without_storage: BrowserContext, demo_server: LocalServer, receiver: Receiver
):
    context_without_storage.new_page().goto(address(demo_server.cross_site_app_origin, receiver))
    report = receiver.wait(DEADLINE_S)
    assert report["verdict"] == "unsupported"
    (start,) = (check for check in report["checks"] if check["outcome"] == "unsupported")
    assert (start["id"], start["note"].split(":")[0]) == ("start", "storage.blocked")
