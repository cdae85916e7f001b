"""The test page from a host that sends Cross-Origin-Opener-Policy, as some applications need."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import attrs


@attrs.frozen
class IsolatedSite:
    """A server that listens from the beginning, so that its origin can be configured."""

    server: ThreadingHTTPServer

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.server.server_port}"


@contextlib.contextmanager
def isolated_site(*, root: Path, sdk: Path) -> Iterator[IsolatedSite]:
    """Serve a folder of pages, and the SDK at its address."""

    class Handler(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            return str(sdk if path == "/sdk/kms-user.js" else root / path.lstrip("/"))

        def end_headers(self) -> None:
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            super().end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the tests' output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield IsolatedSite(server)
        server.shutdown()
