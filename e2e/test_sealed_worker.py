"""What the worker of a release has left once it runs: no network, no way to new code."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from patience import patient
from playwright.sync_api import BrowserContext, Request

from e2e.conftest import PAGES, Leased, open_page_in
from e2e.driving.enclave import CREDENTIALS, PASSPHRASE, EnclavePage, lease_params
from web.server.deployment import REPOSITORY
from web.server.serving import LocalServer, ServeOptions, serve_in_background

PROBE = Path(__file__).parent / "probe"


@pytest.mark.parametrize(
    "name",
    [
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
    ],
)
def test_worker_has_no(shared_lease: Leased, name: str):
    assert shared_lease.page.run_in_worker(f"typeof globalThis['{name}']") == "undefined"


@pytest.mark.parametrize(
    "expression",
    [
        "new Function('return 1')",
        "(async () => {}).constructor('return 1')",
        "setTimeout('globalThis.ran = 1'); 1",
    ],
)
def test_text_does_not_become_code(shared_lease: Leased, expression: str):
    attempt = (
        f"(() => {{ try {{ {expression}; return 'made'; }} catch (e) {{ return e.name; }} }})()"
    )
    attempt += ", new Promise((done) => setTimeout(() => done(globalThis.ran ?? 'refused'), 50))"
    assert shared_lease.page.run_in_worker(attempt) == "refused"


@pytest.mark.parametrize(
    "address", ["/", "https://elsewhere.example/x.js", "data:text/javascript,1"]
)
def test_worker_imports_no_script(shared_lease: Leased, address: str):
    attempt = f"import({address!r}).then(() => 'imported', () => 'refused')"
    assert shared_lease.page.run_in_worker(attempt) == "refused"


def test_nothing_is_requested_once_the_enclave_runs(enclave: EnclavePage):
    requested: list[Request] = []
    enclave.page.context.on("request", lambda request: requested.append(request))
    assert enclave.call("setupPassphrase", PASSPHRASE).code is None
    lease_id = enclave.call("createLease", lease_params()).value["leaseId"]
    assert Leased(enclave, lease_id).issue().code is None
    assert enclave.call("verifyAuditChain").value["valid"]
    assert enclave.call("resetKMS", CREDENTIALS).code is None
    assert [request.url for request in requested] == []


@pytest.fixture(scope="module")
def probing(pieces: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A release whose image holds, beside the enclave, a module that reports what it can reach."""
    made = tmp_path_factory.mktemp("probe-pieces")
    arguments = ["--out", made, "--entry", "sealed_probe", "--python", f"{PROBE}:sealed_probe"]
    build = ["node", "worker/build/main.mjs", *arguments]
    subprocess.run(build, cwd=REPOSITORY, check=True, timeout=patient(150))
    with serve_in_background(ServeOptions(app_root=PAGES, pieces=made)) as server:
        yield server


@pytest.fixture
def probed(probing: LocalServer, context: BrowserContext) -> EnclavePage:
    return open_page_in(context, app_origin=probing.app_origin, kms_origin=probing.kms_origin)


def test_python_imports_only_what_the_image_holds(probed: EnclavePage):
    reached = probed.open_raw().value["capabilities"]
    assert "import:kms_enclave.app" in reached
    assert [name for name in reached if name.startswith("import:")] == ["import:kms_enclave.app"]


def test_python_reaches_no_global_of_the_worker(probed: EnclavePage):
    reached = probed.open_raw().value["capabilities"]
    assert [name for name in reached if name.startswith("js:")] == ["js:Object"]
