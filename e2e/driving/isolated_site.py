"""The test page from a host that isolates its documents, as some applications need."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import attrs

CUT_OFF = {"Cross-Origin-Opener-Policy": "same-origin"}


@attrs.frozen
class IsolatedSite:
    """A server that listens from the beginning, so that its origin can be configured."""

    server: ThreadingHTTPServer

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.server.server_port}"

    @property
    def cross_site_origin(self) -> str:
        return f"http://app.localhost:{self.server.server_port}"


@contextlib.contextmanager
def isolated_site(
    *, root: Path, sdk: Path, headers: Mapping[str, str] = CUT_OFF
) -> Iterator[IsolatedSite]:
    """Serve a folder of pages, and the SDK at its address, with these headers."""

    class Handler(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            return str(sdk if path == "/sdk/kms-user.js" else root / path.lstrip("/"))

        def end_headers(self) -> None:
            for name, value in headers.items():
                self.send_header(name, value)
            super().end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the tests' output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield IsolatedSite(server)
        server.shutdown()
