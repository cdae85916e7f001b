"""What a page learns, kept outside its browser as it arrives, so that a kill cannot take it."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from e2e.driving.enclave import EnclavePage, Outcome, parse_outcome
from tools.patience import patient

# What the browser's processes had sent when they died is with the kernel.
_STILL_ON_ITS_WAY_S = 0.1

_BEGIN = """([url, calls]) => {
    const tell = (said) => {
        void fetch(url, { method: "POST", mode: "no-cors", body: JSON.stringify(said) });
    };
    tell({ asked: calls.length });
    for (const [number, [method, parameters]] of calls.entries()) {
        void callSdk(method, parameters).then((settled) => tell({ number, settled }));
    }
}"""

Call = tuple[str, Sequence[object]]
"""A method of the SDK and its parameters."""


class Witness:
    """Takes what pages tell. One for each call, or group of calls, that a kill interrupts."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._heard: list[dict[str, Any]] = []
        self._changed = threading.Condition()

    def hear(self, said: dict[str, Any]) -> None:
        with self._changed:
            self._heard.append(said)
            self._changed.notify_all()

    def begin(self, enclave: EnclavePage, *calls: Call) -> None:
        """Begin calls of the SDK in one turn; return when they are under way."""
        with self._changed:
            self._heard.clear()
        enclave.page.evaluate(_BEGIN, [self._url, list(calls)])
        with self._changed:
            under_way = self._changed.wait_for(lambda: bool(self._heard), timeout=patient(10))
        assert under_way, "the page told nothing"

    def outcomes(self) -> dict[int, Outcome]:
        """Return what the page has been answered so far, by the number of the call."""
        with self._changed:
            return {
                said["number"]: parse_outcome(said["settled"])
                for said in self._heard
                if "settled" in said
            }

    def wait_for_outcomes(self, count: int, timeout_s: float = 30) -> None:
        """Wait until that many calls have been answered."""
        with self._changed:
            answered = self._changed.wait_for(
                lambda: len(self.outcomes()) >= count, patient(timeout_s)
            )
        assert answered, "the page was not answered"

    def last_words(self) -> dict[int, Outcome]:
        """Return what the page had been answered when its browser was killed."""
        time.sleep(_STILL_ON_ITS_WAY_S)
        return self.outcomes()


@contextlib.contextmanager
def witness_of_pages() -> Iterator[Witness]:
    """Listen on a free port while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        # Connections are kept: a browser that has to make one for each reply falls behind.
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            said = self.rfile.read(length)
            if len(said) == length:  # A killed browser can leave half a message.
                witness.hear(json.loads(said))
            with contextlib.suppress(OSError):
                self.send_response(204)
                self.end_headers()

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # Killed while it was kept waiting.
                super().handle()

        def log_message(self, *_: object) -> None:
            """Keep the tests' output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        witness = Witness(f"http://localhost:{server.server_port}/")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield witness
        server.shutdown()
