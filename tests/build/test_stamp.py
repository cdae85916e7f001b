"""A stamped deployment: complete lists, matching hashes, names that change with the content."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest

from .conftest import PARENT_ORIGIN, Stamp


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def files_of(site: Path) -> dict[str, bytes]:
    found = [file for file in site.rglob("*") if file.is_file()]
    return {file.relative_to(site).as_posix(): file.read_bytes() for file in found}


def runtime_list(release: Path) -> dict:
    return json.loads((release / "site" / "kms-runtime.json").read_text())


def test_everything_that_the_page_loads_carries_its_integrity(stamp: Stamp):
    site = stamp() / "site"
    linked = re.findall(r'(?:src|href)="\./([^"]+)" integrity="sha256-([^"]+)"', site_page(site))
    assert len(linked) == 2
    for path, integrity in linked:
        digest = hashlib.sha256((site / path).read_bytes()).digest()
        assert base64.b64decode(integrity) == digest


def site_page(site: Path) -> str:
    return (site / "index.html").read_text()


def test_script_carries_the_hash_of_the_runtime_list_and_the_parent_origins(stamp: Stamp):
    site = stamp() / "site"
    (script,) = (site / "assets").glob("frame.*.js")
    manifest_hash = sha256((site / "kms-runtime.json").read_bytes())
    assert script.read_text() == f'start("{manifest_hash}",["{PARENT_ORIGIN}"]);'


def test_runtime_list_has_both_hashes_of_what_is_compressed(stamp: Stamp):
    release = stamp()
    files = runtime_list(release)["files"]
    assert set(files) == {"config", "image", "wasm", "worker"}
    for name in ("image", "wasm", "worker"):
        stored = (release / "site" / files[name]["path"]).read_bytes()
        content = gzip.decompress(stored)
        assert files[name]["gzip"] == {"sha256": sha256(stored), "size": len(stored)}
        assert (files[name]["sha256"], files[name]["size"]) == (sha256(content), len(content))


def test_release_list_names_every_other_file(stamp: Stamp):
    files = files_of(stamp() / "site")
    release = json.loads(files.pop("kms-release.json"))
    described = {
        path: {"sha256": sha256(content), "size": len(content)} for path, content in files.items()
    }
    assert release["files"] == described
    assert release["manifestHash"] == sha256(files["kms-runtime.json"])


@pytest.mark.parametrize("name", ["kms-runtime.json", "kms-release.json"])
def test_lists_are_canonical_json(stamp: Stamp, name: str):
    text = (stamp() / "site" / name).read_text()
    canonical = json.dumps(
        json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert text == canonical


def test_assets_are_named_by_their_content(stamp: Stamp):
    for path, content in files_of(stamp() / "site" / "assets").items():
        assert path.split(".")[1] == sha256(content)[:20]


def test_another_configuration_changes_only_what_carries_it(stamp: Stamp):
    first = files_of(stamp(name="first") / "site")
    second = files_of(stamp(name="second", parentOrigins=["https://other.example.com"]) / "site")
    kept = {path for path in first if first[path] == second.get(path)}
    assert {path.split(".")[0] for path in kept} == {
        "assets/image",
        "assets/python",
        "assets/worker",
        "assets/frame",  # its styles
        "assets/prompt",
        "prompt",  # the window's page and script, which know no parent origin
    }
    assert not any(path.endswith(".js") for path in kept if not path.startswith("assets/prompt."))


def test_the_same_configuration_gives_the_same_bytes(stamp: Stamp):
    assert files_of(stamp(name="first")) == files_of(stamp(name="second"))


def test_development_worker_is_stamped_only_when_asked_for(stamp: Stamp):
    for flags, content in (
        ((), b"content of worker.js"),
        (("--dev",), b"content of worker-dev.js"),
    ):
        release = stamp(*flags)
        path = runtime_list(release)["files"]["worker"]["path"]
        assert gzip.decompress((release / "site" / path).read_bytes()) == content


@pytest.mark.parametrize(
    "origin",
    [
        "http://app.example.com",
        "http://localhost:8500",
        "https://app.example.com/",
        "https://app.example.com/path",
        "https://app.example.com:443",
        "https://APP.example.com",
        "https://*.example.com",
        "https://a.example; script-src *",
        "null",
        "*",
        "",
    ],
)
def test_what_is_no_https_origin_is_refused(stamp: Stamp, origin: str):
    with pytest.raises(subprocess.CalledProcessError) as refusal:
        stamp(parentOrigins=[origin])
    assert "parentOrigins" in refusal.value.stderr


def test_no_origin_at_all_is_refused(stamp: Stamp):
    with pytest.raises(subprocess.CalledProcessError):
        stamp(parentOrigins=[])


@pytest.mark.parametrize(
    "origin", ["http://localhost:8500", "http://127.0.0.1:8500", "http://app.localhost:8500"]
)
def test_development_allows_http_on_loopback(stamp: Stamp, origin: str):
    assert origin in (stamp(parentOrigins=[origin], development=True) / "site/_headers").read_text()


def test_development_does_not_allow_http_elsewhere(stamp: Stamp):
    with pytest.raises(subprocess.CalledProcessError):
        stamp(parentOrigins=["http://app.example.com"], development=True)
