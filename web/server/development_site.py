"""What development mode adds to the enclave's origin: Python as it is now, and wheels for it."""

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from web.server.deployment import REPOSITORY

OUR_PYTHON = REPOSITORY / "py"
PACKAGE = "kms_enclave"
STDLIB = REPOSITORY / "node_modules" / "pyodide" / "python_stdlib.zip"
WHEELS = REPOSITORY / ".wheels"


class DevelopmentSite:
    """Serve `/dev/` from the sources and the wheels, and everything else as `site` does."""

    def __init__(self, site: ASGIApp) -> None:

        async def stdlib(_request: Request) -> Response:
            return FileResponse(STDLIB, media_type="application/zip")

        async def python(_request: Request) -> Response:
            return JSONResponse(_python())

        routes: list[BaseRoute] = [
            Route("/dev/stdlib.zip", stdlib),
            Route("/dev/python.json", python),
            Mount("/dev/wheels", StaticFiles(directory=WHEELS)),
        ]
        self._router = Router(routes)
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        chosen = self._router if scope["path"].startswith("/dev/") else self._site
        await chosen(scope, receive, send)


def _python() -> dict[str, object]:
    """Return what worker/bootstrap-dev.ts asks for; its interface there has the meanings."""
    (micropip,) = _wheels("micropip")
    return {
        "sources": dict(_sources()),
        "stdlib": "dev/stdlib.zip",
        "micropip": micropip,
        "wheels": _wheels("image"),
    }


def _wheels(part: str) -> list[str]:
    return [f"dev/wheels/{part}/{file.name}" for file in sorted((WHEELS / part).glob("*.whl"))]


def _sources() -> Iterator[tuple[str, str]]:
    """Yield path below site-packages and text of every module."""
    for file in sorted((OUR_PYTHON / PACKAGE).rglob("*.py")):
        yield file.relative_to(OUR_PYTHON).as_posix(), file.read_text("utf-8")
