"""What development mode adds to the enclave's origin: Python's sources, as they are now."""

import json
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from web.server.deployment import REPOSITORY

STDLIB = REPOSITORY / "node_modules" / "pyodide" / "python_stdlib.zip"


class DevelopmentSite:
    """Serve `/dev/` from the sources, and everything else as `site` does."""

    def __init__(self, site: ASGIApp, *, pieces: Path) -> None:
        packages: list[str] = json.loads((pieces / "pieces.json").read_text("utf-8"))["packages"]

        async def stdlib(_request: Request) -> Response:
            return FileResponse(STDLIB, media_type="application/zip")

        async def python(_request: Request) -> Response:
            return JSONResponse(dict(_sources(packages)))

        self._router = Router([Route("/dev/stdlib.zip", stdlib), Route("/dev/python.json", python)])
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        chosen = self._router if scope["path"].startswith("/dev/") else self._site
        await chosen(scope, receive, send)


def _sources(packages: list[str]) -> Iterator[tuple[str, str]]:
    """Yield path below site-packages and text of every module."""
    installed = Path(sysconfig.get_path("purelib"))
    roots = [(REPOSITORY / "py", "kms_enclave"), *((installed, name) for name in packages)]
    for root, name in roots:
        single = root / f"{name}.py"
        files = [single] if single.is_file() else sorted((root / name).rglob("*.py"))
        for file in files:
            yield file.relative_to(root).as_posix(), file.read_text("utf-8")
