"""A deployment whose Python keeps the promises, served as the enclave is served."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import uvicorn
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from e2e.driving.building import build_once
from tools.server.deployment import local_config
from tools.server.enclave_site import EnclaveSite

__all__ = ["ContractSite", "serve_site"]

_REPOSITORY = Path(__file__).resolve().parents[3]
_PIECES = _REPOSITORY / "build" / "contract"
_VECTORS = _REPOSITORY / "tests" / "vectors" / "crypto.json"
_STOP_DEADLINE_S = 10.0

Outcome = Mapping[str, str | None]


@attrs.frozen
class ContractSite:
    """``reports`` fills with what pages post that were opened with ``?report=/report``."""

    port: int
    reports: queue.Queue[Outcome]

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def embedder(self) -> str:
        """A page of another site that embeds this one."""
        return f"http://app.localhost:{self.port}/"


class _TestSite:
    """The enclave's site, an address that takes reports, and a page of another site."""

    def __init__(self, site: ASGIApp, port: int, reports: queue.Queue[Outcome]) -> None:
        self._site = site
        self._embedder = HTMLResponse(f'<iframe src="http://kms.localhost:{port}/"></iframe>')
        self._reports = reports

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        if request.url.hostname == "app.localhost":
            await self._embedder(scope, receive, send)
        elif scope["path"] == "/report":
            self._reports.put(json.loads(await Request(scope, receive).body()))
            await Response(status_code=204)(scope, receive, send)
        elif scope["path"] == "/favicon.ico":
            await Response(status_code=204)(scope, receive, send)
        else:
            await self._site(scope, receive, send)


def _build_site(output: Path, port: int) -> Path:
    """Make the test image and stamp a deployment; return the folder to serve."""
    config = output / "kms.config.json"
    vectors = json.loads(_VECTORS.read_text("utf-8"))
    values = local_config(app_port=port, page_credentials=True) | {"vectors": vectors}
    config.write_text(json.dumps(values), "utf-8")
    enclave = output / "enclave"
    build_once(
        "worker/build/main.mjs",
        *("--out", _PIECES),
        *("--entry", "contract.browser_entry"),
        *("--python", "tests:contract"),
    )
    build_once("tests/contract/browser/build.mjs", _PIECES)
    stamp = ["node", "worker/build/stamp.mjs", "--pieces", _PIECES]
    subprocess.run(
        [*stamp, "--config", config, "--out", enclave],
        cwd=_REPOSITORY,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return enclave / "site"


@contextlib.contextmanager
def serve_site(output: Path) -> Iterator[ContractSite]:
    """Build, and serve in a thread with the headers of the build for as long as the block runs."""
    reports: queue.Queue[Outcome] = queue.Queue()
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    port: int = listener.getsockname()[1]
    config = uvicorn.Config(
        _TestSite(EnclaveSite(_build_site(output, port)), port, reports),
        lifespan="off",
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield ContractSite(port, reports)
    finally:
        server.should_exit = True
        thread.join(_STOP_DEADLINE_S)
