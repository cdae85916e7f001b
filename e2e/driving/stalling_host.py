"""A host of the enclave that stops in the middle of a file, and never says another word."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import attrs

from tools.server.headers_file import parse_headers_file


@attrs.define
class StallingHost:
    """Serves a deployment under its own headers; `stalled` is the path that it stops in."""

    origin: str
    stalled: str | None = None
    is_stalling: bool = False
    _ending: threading.Event = attrs.field(factory=threading.Event)

    def stall(self) -> None:
        """Block the thread of one request until the host is closed."""
        self.is_stalling = True
        self._ending.wait()

    def close(self) -> None:
        self._ending.set()


@contextlib.contextmanager
def stalling_host(site: Path) -> Iterator[StallingHost]:
    rules = parse_headers_file(site / "_headers")

    class Handler(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = "/index.html" if self.path == "/" else self.path
            content = (site / path.lstrip("/")).read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", self.guess_type(path))
            self.send_header("Content-Length", str(len(content)))
            for rule in rules:
                if rule.matches(self.path):
                    for header in rule.headers:
                        self.send_header(*header)
            self.end_headers()
            if path == host.stalled:
                self.wfile.write(content[: len(content) // 2])
                host.stall()
            else:
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Keep the tests' output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        host = StallingHost(f"http://localhost:{server.server_port}")
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield host
        finally:
            host.close()
            server.shutdown()
