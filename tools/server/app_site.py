"""The page's origin: a folder, the SDK, and the conformance page."""

from pathlib import Path

import attrs
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles


@attrs.frozen
class AppFolders:
    """`root` is the page's folder; the others are results of the build."""

    root: Path
    sdk: Path
    conformance: Path


def app_site(folders: AppFolders, *, kms_port: int, page_credentials: bool) -> Starlette:
    """Serve `folders`; nothing is cached without asking, so that an edit needs only a reload."""

    async def sdk(_request: Request) -> Response:
        return FileResponse(
            folders.sdk,
            media_type="text/javascript",
            headers={"cache-control": "no-cache"},
        )

    async def enclave(request: Request) -> Response:
        # The same-site and the cross-site pair: a page on app.localhost embeds kms.localhost.
        host = "kms.localhost" if request.url.hostname == "app.localhost" else "localhost"
        return JSONResponse(
            {"kmsOrigin": f"http://{host}:{kms_port}", "pageCredentials": page_credentials},
            headers={"cache-control": "no-cache"},
        )

    routes: list[BaseRoute] = [
        Route("/sdk/kms-user.js", sdk),
        Route("/sdk/enclave.json", enclave),
    ]
    if folders.conformance.is_dir():
        routes.append(Mount("/conformance", StaticFiles(directory=folders.conformance, html=True)))
    routes.append(Mount("/", StaticFiles(directory=folders.root, html=True)))
    return Starlette(routes=routes)
