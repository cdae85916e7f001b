"""What development mode adds to the enclave's origin: Python as it is now, and wheels for it."""

import json
from collections.abc import Iterator
from pathlib import Path

import attrs
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from tools.server.deployment import REPOSITORY

OUR_PYTHON = REPOSITORY / "py"
PACKAGE = "kms_enclave"
STDLIB = REPOSITORY / "node_modules" / "pyodide" / "python_stdlib.zip"
WHEELS = REPOSITORY / ".wheels"

LOCK_FILE = "pyodide-lock.json"
CRYPTOGRAPHY = "cryptography"


class PackagesError(Exception):
    """A folder does not hold the packages that it should."""


@attrs.frozen
class PyodidePackages:
    """Compiled packages of Pyodide's own build, in `folder` with its lock file.

    `names` are all packages of the lock file whose file is there.
    """

    folder: Path
    lock_file: str
    names: tuple[str, ...]


def read_cryptography(folder: Path) -> PyodidePackages:
    """Read a folder that holds `cryptography` and what it depends on, shared libraries included.

    Raise PackagesError where it does not.
    """
    lock_file = folder / LOCK_FILE
    if not lock_file.is_file():
        raise PackagesError(f"there is no {LOCK_FILE} in {folder}")
    text = lock_file.read_text("utf-8")
    packages = json.loads(text)["packages"]
    names = tuple(
        name for name, entry in packages.items() if (folder / entry["file_name"]).is_file()
    )
    missing = _dependencies(CRYPTOGRAPHY, packages) - set(names)
    if missing:
        raise PackagesError(f"not in {folder}: {', '.join(sorted(missing))}")
    return PyodidePackages(folder, text, names)


def _dependencies(name: str, packages: dict[str, dict[str, list[str]]]) -> set[str]:
    """Return `name` and all that it depends on."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting += packages.get(current, {}).get("depends", [])
    return found


class DevelopmentSite:
    """Serve `/dev/` from the sources and the wheels, and everything else as `site` does."""

    def __init__(self, site: ASGIApp, *, packages: PyodidePackages | None) -> None:

        async def stdlib(_request: Request) -> Response:
            return FileResponse(STDLIB, media_type="application/zip")

        async def python(_request: Request) -> Response:
            return JSONResponse(_python(packages))

        routes: list[BaseRoute] = [
            Route("/dev/stdlib.zip", stdlib),
            Route("/dev/python.json", python),
            Mount("/dev/wheels", StaticFiles(directory=WHEELS)),
        ]
        if packages:
            routes.append(Mount("/dev/packages", StaticFiles(directory=packages.folder)))
        self._router = Router(routes)
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        chosen = self._router if scope["path"].startswith("/dev/") else self._site
        await chosen(scope, receive, send)


def _python(packages: PyodidePackages | None) -> dict[str, object]:
    """Return what worker/bootstrap-dev.ts asks for; its interface there has the meanings."""
    (micropip,) = _wheels("micropip")
    return {
        "sources": dict(_sources()),
        "stdlib": "dev/stdlib.zip",
        "micropip": micropip,
        "wheels": _wheels("image"),
        "packages": packages
        and {
            "names": packages.names,
            "lockFile": packages.lock_file,
            "folder": "dev/packages/",
        },
    }


def _wheels(part: str) -> list[str]:
    return [f"dev/wheels/{part}/{file.name}" for file in sorted((WHEELS / part).glob("*.whl"))]


def _sources() -> Iterator[tuple[str, str]]:
    """Yield path below site-packages and text of every module."""
    for file in sorted((OUR_PYTHON / PACKAGE).rglob("*.py")):
        yield file.relative_to(OUR_PYTHON).as_posix(), file.read_text("utf-8")
