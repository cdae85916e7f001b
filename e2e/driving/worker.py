"""Script in the enclave's worker, through the browser's debugger.

The worker has no `eval`, which Playwright's own `Worker.evaluate` needs. A debugger needs
nothing of the page, so this reaches a worker under the headers and the code of a release.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from playwright.sync_api import Frame, Page

from tools.patience import patient

_ATTEMPTS = 500
_PAUSE_MS = 10


class WorkerConsole:
    """A console in the worker that a frame runs now; another worker needs another console."""

    def __init__(self, page: Page, frame: Frame) -> None:
        self._page = page
        self._replies: dict[int, Mapping[str, Any]] = {}
        self._workers: list[str] = []
        # The enclave asks for an agent cluster of its own, so its frame is a target of its own.
        self._session = page.context.new_cdp_session(frame)
        self._session.on("Target.attachedToTarget", self._on_attached)
        self._session.on("Target.receivedMessageFromTarget", self._on_message)
        self._session.send(
            "Target.setAutoAttach",
            {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": False},
        )
        self._wait_for(lambda: bool(self._workers))

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression, or of the promise that it gives."""
        number = len(self._replies) + 1
        parameters = {
            "expression": expression,
            "awaitPromise": True,
            "returnByValue": True,
            # Otherwise a debugger may make code of text where the worker's own script may not.
            "allowUnsafeEvalBlockedByCSP": False,
        }
        message = {"id": number, "method": "Runtime.evaluate", "params": parameters}
        self._session.send(
            "Target.sendMessageToTarget",
            {"sessionId": self._workers[-1], "message": json.dumps(message)},
        )
        self._wait_for(lambda: number in self._replies)
        result = self._replies[number]["result"]
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def close(self) -> None:
        self._session.detach()

    def _on_attached(self, event: Mapping[str, Any]) -> None:
        if event["targetInfo"]["type"] == "worker":
            self._workers.append(event["sessionId"])

    def _on_message(self, event: Mapping[str, Any]) -> None:
        message = json.loads(event["message"])
        if "id" in message:
            self._replies[message["id"]] = message

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        for _ in range(int(patient(_ATTEMPTS))):
            if condition():
                return
            self._page.wait_for_timeout(_PAUSE_MS)
        raise AssertionError("the worker's debugger did not answer")
