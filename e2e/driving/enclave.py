"""A page with an enclave in it, driven from Python."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from playwright.sync_api import Frame, Page, Worker

from e2e.driving.worker import WorkerConsole
from tools.patience import patient

Wire = Mapping[str, Any]

_PAUSE_MS = 10

AT_ONCE_MS = patient(10_000)
"""For what is told "within a second": ten times that, since the machine may be busy.

It is less than any deadline of a start, after which the same would be told as late.
"""

ORIGIN_SCRIPTS = Path(__file__).parents[1] / "origin_scripts"


@attrs.frozen
class Outcome:
    """What became of a call: a result or an error of the wire, and the time it took."""

    elapsed_ms: float
    result: Any = None
    error: Wire | None = None

    @property
    def code(self) -> str | None:
        """The error's code, or None where there is a result."""
        return None if self.error is None else self.error["code"]

    @property
    def value(self) -> Any:
        """The result; fails the test where there is an error."""
        assert self.error is None, self.error
        return self.result


def parse_outcome(settled: Wire) -> Outcome:
    return Outcome(settled["ms"], settled.get("result"), settled.get("error"))


@attrs.frozen
class EnclavePage:
    """A page of `e2e/pages` on an app origin, and the enclave that it may embed."""

    page: Page
    kms_origin: str

    def wait_until(self, condition: Callable[[], bool], timeout_ms: int = 5_000) -> None:
        """Wait for what only the browser's own events can change; fail the test if it does not."""
        for _ in range(int(patient(timeout_ms)) // _PAUSE_MS):
            if condition():
                return
            self.page.wait_for_timeout(_PAUSE_MS)
        raise AssertionError("what was waited for did not happen")

    def reload(self) -> None:
        """Load the page anew: the enclave is gone from it, its storage is not."""
        self.page.reload()
        self.page.wait_for_function("window.isLoaded")

    def open_sdk(self, **options: object) -> Outcome:
        """Create a `KMSUser` and wait for its `init()`."""
        arguments = [self.kms_origin, options]
        return parse_outcome(self.page.evaluate("([o, more]) => openSdk(o, more)", arguments))

    def records(self) -> list[dict[str, Any]]:
        """Return what is stored, but for the verdict of the verification that runs by itself."""
        stored = self.run_in_frame("read_records.js")
        return [each for each in stored if (each["store"], each["key"]) != ("meta", "verified")]

    def beside(self, script: str) -> None:
        """Run a script on the enclave's origin, in a tab of its own that nothing takes away."""
        with contextlib.closing(self.page.context.new_page()) as tab:
            tab.goto(f"{self.kms_origin}/kms-runtime.json")
            tab.evaluate(script)

    def call(self, method: str, *parameters: object) -> Outcome:
        """Call a method of the SDK."""
        # As JSON text: Playwright's own copy of an object loses a "__proto__".
        arguments = [method, json.dumps(parameters)]
        settled = self.page.evaluate("([m, p]) => callSdk(m, JSON.parse(p))", arguments)
        return parse_outcome(settled)

    def call_together(self, method: str, calls: Sequence[Sequence[object]]) -> list[Outcome]:
        """Call a method of the SDK once for each list of parameters, all in one turn."""
        arguments = [method, [list(parameters) for parameters in calls]]
        settled = self.page.evaluate("([m, p]) => callSdkTogether(m, p)", arguments)
        return [parse_outcome(each) for each in settled]

    def open_raw(self) -> Outcome:
        """Embed the enclave and do the handshake without the SDK."""
        return parse_outcome(self.page.evaluate("(o) => openRaw(o)", self.kms_origin))

    def request(self, fields_text: str) -> Outcome:
        """Post a request with the fields of a JavaScript object literal on the port."""
        expression = f"raw.request({fields_text})"
        return parse_outcome(self.page.evaluate(expression))

    def ask(self, method: str, params: object) -> Outcome:
        """Post a well-formed request on the port."""
        # As parsed JSON: in a literal, "__proto__" would set the prototype.
        fields = json.dumps(json.dumps({"method": method, "params": params}))
        return self.request(f"JSON.parse({fields})")

    @property
    def frame(self) -> Frame:
        """The enclave's frame: where script on its origin would run."""
        return next(f for f in self.page.frames if f.url.startswith(self.kms_origin))

    @property
    def worker(self) -> Worker:
        (worker,) = self.page.workers
        return worker

    def run_in_worker(self, expression: str) -> Any:
        """Return the value of an expression, or of its promise, in the enclave's worker."""
        with contextlib.closing(WorkerConsole(self.page, self.frame)) as console:
            return console.evaluate(expression)

    def set_clock(self, ahead_ms: int) -> None:
        """Let the worker's clock be ahead of the true time, until it is set anew or ends."""
        self.run_in_worker(
            f"globalThis.trueNow ??= Date.now; Date.now = () => trueNow() + {ahead_ms}; 0"
        )

    def crash_worker(self) -> None:
        """End the worker by an error that nobody catches, and wait for the next one."""
        crashed = self.worker
        with self.page.expect_worker() as started:
            self.run_in_worker("void setTimeout(() => { throw new Error('crashed by a test'); })")
        assert started.value != crashed

    def run_in_frame(self, script: str, argument: object = None) -> Any:
        """Run a file of `origin_scripts`, one function expression, on the enclave's origin."""
        return self.frame.evaluate((ORIGIN_SCRIPTS / script).read_text("utf-8"), argument)

    def log(self) -> list[Wire]:
        return self.call("getAuditLog").value["entries"]


PASSPHRASE = "correct horse battery staple"
CREDENTIALS = {"method": "passphrase", "passphrase": PASSPHRASE}
ENDPOINT = {
    "url": "https://fcm.googleapis.com/fcm/send/abcdefgh",
    "aud": "https://fcm.googleapis.com",
    "eid": "laptop",
}
ROOMY = {"sendsPerMinute": 1000, "burstSends": 1000, "sendsPerMinutePerEid": 1000}


def lease_params(**fields: object) -> dict[str, object]:
    """Return valid parameters of `createLease`, changed by `fields`."""
    defaults = {"userId": "ada", "subs": [ENDPOINT], "ttlHours": 12, "credentials": CREDENTIALS}
    return {**defaults, **fields}


def issue_params(lease_id: str, **fields: object) -> dict[str, object]:
    return {"leaseId": lease_id, "endpoint": ENDPOINT, **fields}
