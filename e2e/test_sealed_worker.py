"""What the worker of a release has left once it runs: no network, no way to new code."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Request

from e2e.conftest import PAGES, Leased, open_page_in
from e2e.driving.enclave import CREDENTIALS, PASSPHRASE, EnclavePage, lease_params
from e2e.driving.shared import SharedEnclave
from tools.patience import patient
from tools.server.deployment import REPOSITORY
from tools.server.serving import LocalServer, ServeOptions, serve_in_background

PROBE = Path(__file__).parent / "probe"


ABSENT = (
    "fetch",
    "XMLHttpRequest",
    "WebSocket",
    "EventSource",
    "WebTransport",
    "RTCPeerConnection",
    "BroadcastChannel",
    "importScripts",
    "Worker",
    "SharedWorker",
    "eval",
    "caches",
)

# What each way gives: the name of an error, or of what it made.
TEXT_AS_CODE = """(() => {
  const ways = {
    function: () => new Function("return 1"),
    asyncFunction: () => (async () => {}).constructor("return 1"),
    timer: () => setTimeout("globalThis.ran = 1"),
  };
  const told = {};
  for (const [name, way] of Object.entries(ways)) {
    try { told[name] = typeof way(); } catch (error) { told[name] = error.name; }
  }
  const ended = new Promise((resolve) => setTimeout(resolve, 50));
  return ended.then(() => ({ ...told, ran: globalThis.ran ?? null }));
})()"""
IMPORTS = """Promise.all(["/", "https://elsewhere.example/x.js", "data:text/javascript,1"].map(
  (address) => import(address).then(() => address, () => null)))"""


def test_worker_has_no_network_and_no_way_to_new_code(shared_enclave: SharedEnclave):
    names = json.dumps(ABSENT)
    left = f"{names}.filter((name) => typeof globalThis[name] !== 'undefined')"
    assert shared_enclave.page.run_in_worker(left) == []


def test_text_does_not_become_code(shared_enclave: SharedEnclave):
    told = shared_enclave.page.run_in_worker(TEXT_AS_CODE)
    refused = {"function": "EvalError", "asyncFunction": "EvalError", "timer": "TypeError"}
    assert told == {**refused, "ran": None}


def test_worker_imports_no_script(shared_enclave: SharedEnclave):
    assert shared_enclave.page.run_in_worker(IMPORTS) == [None, None, None]


def test_nothing_is_requested_once_the_enclave_runs(restored: SharedEnclave):
    page = restored.page
    with listening_to_requests(page) as requested:
        lease_id = page.call("createLease", lease_params()).value["leaseId"]
        assert Leased(page, lease_id).issue().code is None
        assert page.call("verifyAuditChain").value["valid"]
        assert page.call("resetKMS", CREDENTIALS).code is None
        assert page.call("setupPassphrase", PASSPHRASE).code is None
    assert requested == []


@contextlib.contextmanager
def listening_to_requests(page: EnclavePage) -> Iterator[list[str]]:
    """Collect the address of every request of the page's context while the block runs."""
    requested: list[str] = []

    def note(request: Request) -> None:
        requested.append(request.url)

    page.page.context.on("request", note)
    try:
        yield requested
    finally:
        page.page.context.remove_listener("request", note)


@pytest.fixture(scope="module")
def probing(pieces: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A release whose image holds, beside the enclave, a module that reports what it can reach."""
    made = tmp_path_factory.mktemp("probe-pieces")
    arguments = ["--out", made, "--entry", "sealed_probe", "--python", f"{PROBE}:sealed_probe"]
    build = ["node", "worker/build/main.mjs", *arguments]
    subprocess.run(build, cwd=REPOSITORY, check=True, timeout=patient(150))
    with serve_in_background(ServeOptions(app_root=PAGES, pieces=made)) as server:
        yield server


@pytest.fixture(scope="module")
def reached(chromium: Browser, probing: LocalServer) -> list[str]:
    """What that module reports."""
    with contextlib.closing(chromium.new_context()) as context:
        page = open_page_in(context, app_origin=probing.app_origin, kms_origin=probing.kms_origin)
        capabilities: list[str] = page.open_raw().value["capabilities"]
        return capabilities


def test_python_imports_only_what_the_image_holds(reached: list[str]):
    imported = [name for name in reached if name.startswith("import:")]
    assert imported == ["import:kms_enclave.app"]


def test_python_reaches_no_global_of_the_worker(reached: list[str]):
    assert [name for name in reached if name.startswith("js:")] == ["js:Object"]
