"""A start in which something never answers: it ends at the deadline of its stage, by name.

A browser's own timeouts are minutes, and a wasm instantiation has none.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from e2e.conftest import PAGES, open_page_in
from e2e.driving.enclave import EnclavePage, Outcome, parse_outcome
from e2e.driving.stalling_host import StallingHost, stalling_host
from tools.server.serving import LocalServer, ServeOptions, serve_in_background

# By what is loaded: the stage that waits for it, its seconds (docs/spec/protocol.md), and what the
# worker is given last before that. What is listed is loaded in the same stage as the list.
LOADED = {
    "list": ("lists", 15, None),
    "worker": ("worker", 30, None),
    "wasm": ("code", 120, "kms:boot"),
    "image": ("image", 120, "wasm"),
}

NOTE_WHAT_THE_WORKER_IS_GIVEN = """{
  const post = Worker.prototype.postMessage;
  globalThis.given = [];
  Worker.prototype.postMessage = function (message, ...more) {
    given.push(message.name ?? message.type);
    return post.call(this, message, ...more);
  };
}"""


def ended(page: EnclavePage) -> Outcome:
    return parse_outcome(page.page.evaluate("beginning"))


@pytest.fixture
def host(server: LocalServer) -> Iterator[StallingHost]:
    with stalling_host(server.site) as host:
        yield host


def path_of(server: LocalServer, name: str) -> str:
    if name == "list":
        return "/kms-runtime.json"
    runtime = json.loads((server.site / "kms-runtime.json").read_text("utf-8"))
    return f"/{runtime['files'][name]['path']}"


@pytest.fixture
def page(server: LocalServer, host: StallingHost, context: BrowserContext) -> EnclavePage:
    """On a clock that the test can set forward, in the page and in the enclave's frame."""
    context.clock.install()
    context.add_init_script(NOTE_WHAT_THE_WORKER_IS_GIVEN)
    return open_page_in(context, app_origin=server.app_origin, kms_origin=host.origin)


def begin(page: EnclavePage) -> None:
    page.page.evaluate("(o) => void (window.beginning = openSdk(o))", page.kms_origin)
    page.page.evaluate("void beginning.then(() => { window.isEnded = true; })")


def pass_time(page: EnclavePage, seconds: int) -> Outcome:
    """Set the clock forward past a deadline; return what `init()` says, not before half of it."""
    clock = page.page.context.clock
    clock.fast_forward(seconds * 500)
    # For as long as an end that comes too early takes to be told.
    page.page.wait_for_timeout(200)
    assert not page.page.evaluate("window.isEnded === true")
    clock.fast_forward(seconds * 500)
    return ended(page)


def assert_late(outcome: Outcome, stage: str, seconds: int) -> None:
    assert (outcome.error["name"], outcome.code) == ("KMSError", "channel.timeout")
    assert outcome.error["details"] == {"stage": stage}
    assert outcome.error["message"] == f"The enclave did not start ({stage}) within {seconds} s"


@pytest.mark.parametrize("name", LOADED)
def test_a_file_that_never_arrives_ends_the_start_at_its_deadline(
    server: LocalServer, host: StallingHost, page: EnclavePage, name: str
):
    stage, seconds, given = LOADED[name]
    host.stalled = path_of(server, name)
    begin(page)
    page.wait_until(lambda: host.is_stalling)
    if given is not None:
        page.wait_until(lambda: given in page.frame.evaluate("given"), timeout_ms=30_000)
    assert_late(pass_time(page, seconds), stage, seconds)
    page.wait_until(lambda: page.page.workers == [])


def test_a_start_that_was_too_late_can_be_tried_again(
    server: LocalServer, host: StallingHost, page: EnclavePage
):
    stage, seconds, _ = LOADED["list"]
    host.stalled = path_of(server, "config")
    begin(page)
    page.wait_until(lambda: host.is_stalling)
    assert_late(pass_time(page, seconds), stage, seconds)
    host.stalled = None
    assert page.open_sdk().code is None


# In the worker, where no test can set the clock. `passTime` waits until one long timer is left,
# which is due within so many seconds, and ends it early: stages beside the silent one are over.
CLOCK = """{
  const { setTimeout: begin, clearTimeout: end } = globalThis;
  const waiting = new Map();
  globalThis.setTimeout = (f, ms, ...more) => {
    const timer = begin(f, ms, ...more);
    if (ms >= 5_000) waiting.set(timer, { f, ms });
    return timer;
  };
  globalThis.clearTimeout = (timer) => {
    waiting.delete(timer);
    end(timer);
  };
  globalThis.passTime = (seconds) => {
    const [{ f, ms } = {}, ...others] = waiting.values();
    if (others.length === 0 && ms <= seconds * 1000) f();
    else begin(passTime, 20, seconds);
  };
}
"""

# Pyodide has a small module of its own besides, without imports of this name.
INSTANTIATING = """{
  const instantiate = WebAssembly.instantiate;
  WebAssembly.instantiate = (wasm, imports) =>
    imports?.env ? (%s)() : instantiate.call(WebAssembly, wasm, imports);
}
"""
NEVER = "() => { setTimeout(passTime, 0, %d); return new Promise(() => {}); }"
NO_BOOT = """addEventListener("message", (event) => {
  if (event.data.type !== "kms:boot") return;
  event.stopImmediatePropagation();
  setTimeout(passTime, 0, %d);
});
"""

SILENT = {
    "worker": (NO_BOOT % 30, 30),
    "python": (INSTANTIATING % (NEVER % 20), 20),
    "entry": (f"SubtleCrypto.prototype.importKey = {NEVER % 20};", 20),
}


@contextlib.contextmanager
def serving_a_worker_that_begins_with(
    script: str, *, pieces: Path, folder: Path
) -> Iterator[LocalServer]:
    """Serve the built enclave, its worker as it was built but for what happens before it."""
    changed = shutil.copytree(pieces, folder / "pieces", ignore=shutil.ignore_patterns("work"))
    worker = changed / "worker.js"
    source = f"{script}\n{worker.read_text('utf-8')}".encode()
    worker.write_bytes(source)
    (changed / "worker.js.gz").write_bytes(gzip.compress(source, mtime=0))
    with serve_in_background(ServeOptions(app_root=PAGES, pieces=changed)) as server:
        yield server


@pytest.fixture
def start_with(context: BrowserContext, pieces: Path, tmp_path: Path) -> Callable[[str], Outcome]:
    """Start an enclave whose worker begins with a script; return what `init()` says."""

    def start(script: str) -> Outcome:
        with serving_a_worker_that_begins_with(script, pieces=pieces, folder=tmp_path) as server:
            page = open_page_in(context, app_origin=server.app_origin, kms_origin=server.kms_origin)
            outcome = page.open_sdk()
            page.wait_until(lambda: page.page.workers == [])
        return outcome

    return start


@pytest.mark.parametrize("stage", SILENT)
def test_what_never_settles_in_the_worker_ends_the_start_at_its_deadline(
    start_with: Callable[[str], Outcome], stage: str
):
    script, seconds = SILENT[stage]
    assert_late(start_with(CLOCK + script), stage, seconds)


def test_a_database_that_never_opens_is_named_long_before_the_deadline(
    start_with: Callable[[str], Outcome],
):
    """It waits as long as a user does: no clock is set forward here."""
    outcome = start_with("IDBFactory.prototype.open = () => new EventTarget();")
    assert (outcome.code, outcome.error["details"]["stage"]) == ("storage.unavailable", "storage")


def test_wasm_that_cannot_be_instantiated_is_a_failure_of_python_at_once(
    start_with: Callable[[str], Outcome],
):
    """Pyodide only logs it and would wait for ever."""
    failing = "async () => { throw new WebAssembly.LinkError('no'); }"
    outcome = start_with(INSTANTIATING % failing)
    assert (outcome.code, outcome.error["details"]["stage"]) == ("internal", "python")
    assert "LinkError: no" in outcome.error["message"]
