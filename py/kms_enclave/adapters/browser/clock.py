"""The clock port on ``Date`` and ``performance``, read live through the host."""

from __future__ import annotations

from kms_enclave.adapters.browser.js_types import JsHost

__all__ = ["BrowserClock"]


class BrowserClock:
    """:class:`~kms_enclave.ports.clock.ClockPort` for the browser."""

    def __init__(self, js_host: JsHost) -> None:
        self._js_host = js_host

    def now_ms(self) -> int:
        """Return Unix time in milliseconds."""
        return int(self._js_host.now())

    def monotonic_ms(self) -> float:
        """Return a stopwatch's time in milliseconds."""
        return float(self._js_host.monotonic())
