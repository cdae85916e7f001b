"""The enclave's origin: the files of a deployment under the headers that came with them."""

from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.server.headers_file import HeaderRule, parse_headers_file

ENCLAVE_HOSTS = ("localhost", "kms.localhost")


class EnclaveSite:
    """Serve `site` to the enclave's own hosts; any other name of this machine gets nothing."""

    def __init__(self, site: Path) -> None:
        self._rules = parse_headers_file(site / "_headers")
        self._files: ASGIApp = StaticFiles(directory=site, html=True)
        self._compressed = {f"/{file.relative_to(site).as_posix()}" for file in site.rglob("*.gz")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Headers(scope=scope)
        if request.get("host", "").partition(":")[0] not in ENCLAVE_HOSTS:
            await PlainTextResponse("unknown host", status_code=421)(scope, receive, send)
            return
        path: str = scope["path"]
        twin = f"{path}.gz"
        is_compressed = twin in self._compressed and "gzip" in request.get("accept-encoding", "")
        if is_compressed:
            scope = {**scope, "path": twin}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if twin in self._compressed:
                    headers["vary"] = "Accept-Encoding"
                _set_content_type(headers, path)
                if is_compressed and message["status"] == 200:
                    headers["content-encoding"] = "gzip"
                for name, value in _applicable(self._rules, path):
                    headers[name] = value
            await send(message)

        await self._files(scope, receive, send_with_headers)


def _set_content_type(headers: MutableHeaders, path: str) -> None:
    # Python's table of types depends on the machine; streaming compilation insists on this one.
    if path.endswith(".wasm"):
        headers["content-type"] = "application/wasm"
    elif path.endswith(".js"):
        headers["content-type"] = "text/javascript; charset=utf-8"
    elif path.endswith(".gz"):
        headers["content-type"] = "application/octet-stream"


def _applicable(rules: tuple[HeaderRule, ...], path: str) -> list[tuple[str, str]]:
    return [header for rule in rules if rule.matches(path) for header in rule.headers]
