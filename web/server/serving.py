"""Both origins in one process, in the foreground or behind a test."""

import contextlib
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import attrs
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from web.server.app_site import AppFolders, app_site
from web.server.deployment import PIECES, LocalDeployment, stamp_deployment
from web.server.enclave_site import EnclaveSite

STOP_DEADLINE_S = 10.0


@attrs.frozen
class ServeOptions:
    """Port 0 takes a free one. Pages of `more_origins` may embed the enclave too.

    `frame_ancestors=False` leaves that directive out: only for a test of what holds without it.
    """

    app_root: Path
    kms_port: int = 0
    app_port: int = 0
    page_credentials: bool = True
    frame_ancestors: bool = True
    more_origins: tuple[str, ...] = ()
    pieces: Path = PIECES


@attrs.frozen
class LocalServer:
    """The addresses that are being served."""

    kms_port: int
    app_port: int
    site: Path

    @property
    def kms_origin(self) -> str:
        return f"http://localhost:{self.kms_port}"

    @property
    def app_origin(self) -> str:
        return f"http://localhost:{self.app_port}"

    @property
    def cross_site_kms_origin(self) -> str:
        return f"http://kms.localhost:{self.kms_port}"

    @property
    def cross_site_app_origin(self) -> str:
        return f"http://app.localhost:{self.app_port}"


class _ByPort:
    """One server, several sockets: the port a request came in on chooses the site."""

    def __init__(self, sites: dict[int, ASGIApp]) -> None:
        self._sites = sites

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._sites[scope["server"][1]](scope, receive, send)


def _listen(port: int) -> list[socket.socket]:
    """Listen on both loopback addresses: browsers try either for a name under localhost."""
    first = socket.create_server(("127.0.0.1", port), backlog=512)
    sockets = [first]
    with contextlib.suppress(OSError):
        sockets.append(
            socket.create_server(
                ("::1", first.getsockname()[1]), family=socket.AF_INET6, backlog=512
            )
        )
    return sockets


@contextlib.contextmanager
def serve_in_background(options: ServeOptions) -> Iterator[LocalServer]:
    """Stamp a deployment for the ports, and serve it in a thread while the block runs."""
    with contextlib.ExitStack() as stack:
        kms, app = _listen(options.kms_port), _listen(options.app_port)
        for listener in (*kms, *app):
            stack.callback(listener.close)
        output = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kms-serve-")))
        kms_port, app_port = kms[0].getsockname()[1], app[0].getsockname()[1]
        local = LocalServer(kms_port, app_port, output / "enclave" / "site")
        config = uvicorn.Config(
            _sites(options, local, output),
            lifespan="off",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        # Outside the main thread uvicorn leaves signals alone; in it, it would end the process
        # before anything is tidied up.
        thread = threading.Thread(target=server.run, kwargs={"sockets": [*kms, *app]}, daemon=True)
        thread.start()
        try:
            yield local
        finally:
            server.should_exit = True
            thread.join(STOP_DEADLINE_S)


def _sites(options: ServeOptions, local: LocalServer, output: Path) -> ASGIApp:
    pieces = options.pieces
    deployment = LocalDeployment(
        output=output,
        app_port=local.app_port,
        page_credentials=options.page_credentials,
        frame_ancestors=options.frame_ancestors,
        more_origins=options.more_origins,
        pieces=pieces,
    )
    folders = AppFolders(
        root=options.app_root,
        sdk=pieces / "sdk.js",
        conformance=pieces / "conformance",
    )
    return _ByPort(
        {
            local.kms_port: EnclaveSite(stamp_deployment(deployment)),
            local.app_port: app_site(
                folders, kms_port=local.kms_port, page_credentials=options.page_credentials
            ),
        }
    )
