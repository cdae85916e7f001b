"""Code that is not the code that was built: one byte is enough, and nothing starts."""

from __future__ import annotations

import contextlib
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Worker

from e2e.conftest import PAGES, open_page_in
from e2e.driving.enclave import PASSPHRASE, EnclavePage
from tools.server.serving import LocalServer, ServeOptions, serve_in_background

RUNTIME_FILES = ("worker", "wasm", "image", "config")

# What is refused before there is a worker, and what the worker refuses itself.
BEFORE_A_WORKER = ("list", "config", "worker")


@pytest.fixture(scope="module")
def victim(pieces: Path) -> Iterator[LocalServer]:
    """A deployment of its own, for its files to be changed."""
    with serve_in_background(ServeOptions(app_root=PAGES, pieces=pieces)) as server:
        yield server


@pytest.fixture
def page(victim: LocalServer, context: BrowserContext) -> EnclavePage:
    return open_page_in(context, app_origin=victim.app_origin, kms_origin=victim.kms_origin)


def listed_file(server: LocalServer, name: str) -> Path:
    if name == "list":
        return server.site / "kms-runtime.json"
    runtime = json.loads((server.site / "kms-runtime.json").read_text("utf-8"))
    return server.site / runtime["files"][name]["path"]


@contextlib.contextmanager
def changed(file: Path, change: Callable[[bytes], bytes]) -> Iterator[None]:
    """Change a file, and its compressed twin with it, as long as the block runs."""
    twin = file.with_name(f"{file.name}.gz")
    originals = {path: path.read_bytes() for path in (file, twin) if path.exists()}
    content = change(originals[file])
    file.write_bytes(content)
    if twin in originals:
        twin.write_bytes(gzip.compress(content, mtime=0))
    try:
        yield
    finally:
        for path, original in originals.items():
            path.write_bytes(original)


def flip_a_byte(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("name", ["list", *RUNTIME_FILES])
def test_flipped_byte_is_named_and_leaves_no_worker_and_no_instance(
    victim: LocalServer, page: EnclavePage, name: str
):
    started: list[Worker] = []
    page.page.on("worker", lambda worker: started.append(worker))
    with changed(listed_file(victim, name), flip_a_byte):
        refused = page.open_raw().value
    assert refused["error"]["code"] == "integrity.failed"
    page.wait_until(lambda: page.page.workers == [])
    if name in BEFORE_A_WORKER:
        assert started == []
    assert page.run_in_frame("read_records.js") == []


def test_file_cut_short_is_named(victim: LocalServer, page: EnclavePage):
    with changed(listed_file(victim, "image"), lambda content: content[:-1]):
        assert page.open_sdk().code == "integrity.failed"


def test_list_of_another_build_is_named(victim: LocalServer, page: EnclavePage):
    """Self-consistent, but not the list whose hash the entry script holds."""

    def replace_version(content: bytes) -> bytes:
        return json.dumps({**json.loads(content), "version": "6.6.6"}).encode()

    with changed(listed_file(victim, "list"), replace_version):
        assert page.open_sdk().code == "integrity.failed"


def test_changed_entry_script_does_not_run(victim: LocalServer, page: EnclavePage):
    (script,) = victim.site.glob("assets/frame.*.js")
    with changed(script, lambda content: content + b"\n;window.ranAnyway = true;"):
        assert page.open_sdk(timeouts={"helloMs": 1_000}).code == "channel.timeout"


def test_file_that_is_missing_is_not_called_tampering(victim: LocalServer, page: EnclavePage):
    image = listed_file(victim, "image")
    away = image.rename(image.with_suffix(".away"))
    try:
        outcome = page.open_sdk()
    finally:
        away.rename(image)
    assert outcome.code not in (None, "integrity.failed")
    assert outcome.error["details"]["stage"] == "image"


def test_failed_start_can_be_tried_again(victim: LocalServer, page: EnclavePage):
    with changed(listed_file(victim, "wasm"), flip_a_byte):
        outcome = page.open_sdk()
    assert (outcome.error["name"], outcome.code) == ("KMSError", "integrity.failed")
    assert page.open_sdk().code is None
    assert page.call("setupPassphrase", PASSPHRASE).code is None


def test_unexpected_build_is_refused_by_the_sdk(page: EnclavePage):
    outcome = page.open_sdk(expectedManifestHash="0" * 64)
    assert outcome.code == "integrity.failed"
    assert outcome.error["details"]["expectedManifestHash"] == "0" * 64
