"""Both origins in one process, in the foreground or behind a test."""

import contextlib
import errno
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import attrs
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from tools.server.app_site import AppFolders, app_site
from tools.server.deployment import PIECES, local_config, stamp_deployment
from tools.server.development_site import (
    DevelopmentSite,
    PackagesError,
    PyodidePackages,
    read_cryptography,
)
from tools.server.enclave_site import EnclaveSite

STOP_DEADLINE_S = 10.0

# Starts the enclave on the native crypto port, inside Pyodide.
NATIVE_ENTRY = "kms_enclave.adapters.browser.native_entry"


@attrs.frozen
class ServeOptions:
    """Port 0 takes a free one. Pages of `more_origins` may embed the enclave too.

    `frame_ancestors=False` leaves that directive out: only for a test of what holds without it.
    `development` starts plain Pyodide from the sources; the pieces must have been built for it.
    With a folder `cryptography`, of Pyodide's build of that package, the native crypto port runs
    there: see read_cryptography.
    """

    app_root: Path
    kms_port: int = 0
    app_port: int = 0
    page_credentials: bool = True
    frame_ancestors: bool = True
    more_origins: tuple[str, ...] = ()
    development: bool = False
    cryptography: Path | None = None
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


class ServeError(Exception):
    """Nothing is served, for a reason that whoever started the server can do something about."""


class _ByPort:
    """One server, several sockets: the port a request came in on chooses the site."""

    def __init__(self, sites: dict[int, ASGIApp]) -> None:
        self._sites = sites

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._sites[scope["server"][1]](scope, receive, send)


def _listen(port: int) -> list[socket.socket]:
    """Listen on both loopback addresses: browsers try either for a name under localhost.

    Raise ServeError where one of them is somebody else's: a browser could reach that one.
    """
    try:
        first = socket.create_server(("127.0.0.1", port), backlog=512)
    except OSError as error:
        raise _cannot_listen(port, error) from None
    sockets = [first]
    try:
        sockets.append(
            socket.create_server(
                ("::1", first.getsockname()[1]), family=socket.AF_INET6, backlog=512
            )
        )
    except OSError as error:
        # A machine without IPv6 has nobody there.
        if port and error.errno == errno.EADDRINUSE:
            first.close()
            raise _cannot_listen(port, error) from None
    return sockets


def _cannot_listen(port: int, error: OSError) -> ServeError:
    if error.errno == errno.EADDRINUSE:
        return ServeError(f"port {port} is in use: stop what listens there, or choose another")
    return ServeError(f"cannot listen on port {port}: {error.strerror}")


@contextlib.contextmanager
def serve_in_background(options: ServeOptions) -> Iterator[LocalServer]:
    """Stamp a deployment for the ports, and serve it in a thread while the block runs.

    Raise ServeError where a port is taken, or where there is nothing to serve.
    """
    _require_folders(options)
    with contextlib.ExitStack() as stack:
        kms, app = (
            [stack.enter_context(contextlib.closing(listener)) for listener in _listen(port)]
            for port in (options.kms_port, options.app_port)
        )
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


def _require_folders(options: ServeOptions) -> None:
    root = options.app_root
    if not root.is_dir():
        raise ServeError(
            f"{root} is not a folder" if root.exists() else f"there is no folder {root}"
        )
    if options.app_port and options.app_port == options.kms_port:
        raise ServeError(f"page and enclave need a port each: both are {options.app_port}")
    if not (options.pieces / "pieces.json").is_file():
        raise ServeError(f"there is no built enclave in {options.pieces}: run make pieces")


def _read_cryptography(folder: Path) -> PyodidePackages:
    try:
        return read_cryptography(folder)
    except PackagesError as error:
        raise ServeError(str(error)) from None


def _sites(options: ServeOptions, local: LocalServer, output: Path) -> ASGIApp:
    pieces = options.pieces
    config = local_config(
        app_port=local.app_port,
        page_credentials=options.page_credentials,
        more_origins=options.more_origins,
    )
    flags = [] if options.frame_ancestors else ["--without-frame-ancestors"]
    packages = None
    if options.development:
        flags.append("--dev")
        if options.cryptography:
            packages = _read_cryptography(options.cryptography)
            flags += ["--entry", NATIVE_ENTRY]
    site = stamp_deployment(output, config=config, pieces=pieces, flags=flags)
    enclave: ASGIApp = EnclaveSite(site)
    if options.development:
        enclave = DevelopmentSite(enclave, packages=packages)
    folders = AppFolders(
        root=options.app_root,
        sdk=pieces / "sdk.js",
        conformance=pieces / "conformance",
    )
    page = app_site(folders, kms_port=local.kms_port, page_credentials=options.page_credentials)
    return _ByPort({local.kms_port: enclave, local.app_port: page})
