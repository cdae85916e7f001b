"""The enclave's origin: the files of a deployment under the headers that came with them."""

from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import PlainTextResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tools.server.headers_file import parse_headers_file

ENCLAVE_HOSTS = ("localhost", "kms.localhost")


class EnclaveSite:
    """Serve `site` to the enclave's own hosts; any other name of this machine gets nothing."""

    def __init__(self, site: Path) -> None:
        self._rules = parse_headers_file(site / "_headers")
        # A file that is not there is a 404, with the same headers as the others.
        self._files: ASGIApp = ExceptionMiddleware(StaticFiles(directory=site, html=True))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if Headers(scope=scope).get("host", "").partition(":")[0] not in ENCLAVE_HOSTS:
            await PlainTextResponse("unknown host", status_code=421)(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for rule in self._rules:
                    if rule.matches(scope["path"]):
                        headers.update(dict(rule.headers))
            await send(message)

        await self._files(scope, receive, send_with_headers)
