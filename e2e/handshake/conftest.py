"""The built frame and SDK under the production headers, with a worker that does as it is told."""

from __future__ import annotations

import contextlib
import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tools.server.serving import LocalServer, ServeOptions, serve_in_background

HERE = Path(__file__).parent
STARTS = ("ready", "locked", "blocked", "mute", "crash")


def write_pieces(folder: Path, pieces: Path, *, start: str) -> None:
    """Take frame and SDK as they were built; the worker's place takes the scripted one."""
    folder.mkdir()
    for name in ("frame.js", "frame.css", "prompt.js", "sdk.js"):
        shutil.copy(pieces / name, folder)
    script = (HERE / "scripted_worker.js").read_text("utf-8")
    worker = script.replace('START = "ready"', f'START = "{start}"')
    contents = {
        "worker.js": worker.encode(),
        "image.bin": b"image",
        "python.wasm": b"\0asm\1\0\0\0",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        (folder / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))
    about = {"version": "9.9.9", "codeHash": "c" * 64, "entry": "none", "components": {}}
    (folder / "pieces.json").write_text(json.dumps(about), "utf-8")


class Servers:
    """One server for each way in which the worker starts, made when it is first wanted."""

    def __init__(self, stack: contextlib.ExitStack, root: Path, built: Path) -> None:
        self._stack = stack
        self._root = root
        self._built = built
        self._running: dict[tuple[str, bool, str], LocalServer] = {}

    def __call__(
        self, start: str = "ready", *, frame_ancestors: bool = True, variant: str = ""
    ) -> LocalServer:
        """``variant`` names a server whose files its test changes."""
        assert start in STARTS
        key = (start, frame_ancestors, variant)
        if key not in self._running:
            pieces = self._root / str(len(self._running))
            write_pieces(pieces, self._built, start=start)
            options = ServeOptions(
                app_root=HERE / "pages", pieces=pieces, frame_ancestors=frame_ancestors
            )
            self._running[key] = self._stack.enter_context(serve_in_background(options))
        return self._running[key]


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory, pieces: Path) -> Iterator[Servers]:
    with contextlib.ExitStack() as stack:
        yield Servers(stack, tmp_path_factory.mktemp("servers"), pieces)


OpenPage = Callable[..., Page]


def code_of(page: Page, expression: str) -> str | None:
    """How a promise of a page with the SDK ends: None where it resolves."""
    outcome = page.evaluate(f"outcome({expression})")
    return outcome["error"]["code"] if "error" in outcome else None


@contextlib.contextmanager
def page_opener(chromium: Browser, servers: Servers) -> Iterator[OpenPage]:
    """Open a page of ``pages/`` and wait until its script has run; each in a storage of its own."""
    with contextlib.ExitStack() as stack:

        def open_(name: str, *, host: str = "localhost", **server_options: Any) -> Page:
            server = servers(**server_options)
            context = stack.enter_context(contextlib.closing(chromium.new_context()))
            page = context.new_page()
            page.goto(f"http://{host}:{server.app_port}/{name}")
            page.wait_for_function("window.isLoaded")
            return page

        yield open_


@pytest.fixture
def open_page(chromium: Browser, servers: Servers) -> Iterator[OpenPage]:
    with page_opener(chromium, servers) as open_:
        yield open_


@pytest.fixture
def sdk_page(open_page: OpenPage) -> Page:
    """A page with a running enclave, as ``kms``."""
    page = open_page("sdk.html")
    page.evaluate("open_()")
    return page


@pytest.fixture
def raw_page(open_page: OpenPage) -> Page:
    """A page that has done the handshake by hand, its port as ``port``."""
    page = open_page("raw.html")
    page.evaluate("handshake()")
    return page


@pytest.fixture(scope="module")
def shared_sdk_page(chromium: Browser, servers: Servers) -> Iterator[Page]:
    """One for all tests of a module: for those that change nothing."""
    with page_opener(chromium, servers) as open_:
        page = open_("sdk.html")
        page.evaluate("open_()")
        yield page


@pytest.fixture(scope="module")
def shared_raw_page(chromium: Browser, servers: Servers) -> Iterator[Page]:
    """One for all tests of a module: for those that change nothing."""
    with page_opener(chromium, servers) as open_:
        page = open_("raw.html")
        page.evaluate("handshake()")
        yield page
