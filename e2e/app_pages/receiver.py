"""An address that takes what the conformance page posts."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import attrs

Report = Mapping[str, Any]


@attrs.frozen
class Receiver:
    url: str
    _reports: queue.Queue[Report]

    def wait(self, timeout_s: float) -> Report:
        """Return the next report; raise queue.Empty where none comes in time."""
        return self._reports.get(timeout=timeout_s)


@contextlib.contextmanager
def receive_reports() -> Iterator[Receiver]:
    reports: queue.Queue[Report] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            reports.put(json.loads(self.rfile.read(length)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing: the report says it all."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Receiver(f"http://localhost:{server.server_port}/", reports)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
