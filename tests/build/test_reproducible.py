"""The same sources give the same bytes, the memory image included, wherever they lie."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tools.patience import patient

from .conftest import REPOSITORY

SNAPSHOT = REPOSITORY / "worker" / "build" / "snapshot.mjs"
WHEELS = REPOSITORY / ".wheels"

SOURCES = (
    "py",
    "worker",
    "web",
    "vite.config.js",
    "package.json",
    "kms.config.json",
)
INSTALLED = ("node_modules", ".wheels")


def hashes(folder: Path) -> dict[str, str]:
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }


def node(script: Path | str, *arguments: str, cwd: Path, job: dict | None = None) -> str:
    finished = subprocess.run(
        ["node", script, *arguments],
        cwd=cwd,
        input=None if job is None else json.dumps(job),
        check=True,
        capture_output=True,
        text=True,
        timeout=patient(150),
    )
    return finished.stdout


def run_snapshot(step: str, output: Path, **job: object) -> str:
    return node(SNAPSHOT, cwd=output.parent, job={"step": step, "output": str(output)} | job)


@pytest.fixture(scope="module")
def byte_code(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The standard library and the wheels, compiled: enough Python for an image."""
    folder = tmp_path_factory.mktemp("byte-code")
    jobs = {"stdlib": {}, "code": {"inputs": {"wheels": str(WHEELS), "roots": []}}}
    for step, job in jobs.items():
        run_snapshot(step, folder / f"{step}.zip", **job)
    return {step: str(folder / f"{step}.zip") for step in jobs}


def test_two_images_of_the_same_byte_code_are_equal(byte_code: dict[str, str], tmp_path: Path):
    images = []
    for place in ("here", "and there"):
        folder = tmp_path / place
        folder.mkdir()
        modules = run_snapshot(
            "image", folder / "image.bin", **byte_code, imports=["attrs"]
        ).split()
        assert "attrs" in modules
        assert not {"random", "_random", "secrets", "micropip"} & set(modules)
        images.append((folder / "image.bin").read_bytes())
    assert images[0] == images[1]
    assert images[0][:4] == b"KMSI"
    # Nothing of this machine is in it.
    for path in (str(REPOSITORY), str(tmp_path)):
        assert path.encode() not in images[0]


def test_byte_code_holds_the_wheels_and_nothing_that_installed_them(byte_code: dict[str, str]):
    with zipfile.ZipFile(byte_code["code"]) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert tops == {"attr", "attrs", "cattr", "cattrs", "rfc8785", "typing_extensions.pyc"}


def test_a_wheel_with_a_compiled_part_is_refused(tmp_path: Path):
    wheels = tmp_path / "wheels"
    shutil.copytree(WHEELS / "micropip", wheels / "micropip")
    shutil.copytree(WHEELS / "compiled", wheels / "image")
    inputs = {"wheels": str(wheels), "roots": []}
    with pytest.raises(subprocess.CalledProcessError) as refusal:
        run_snapshot("code", tmp_path / "code.zip", inputs=inputs)
    assert "luau_wasm/_luau.cpython-314-wasm32-emscripten.so is compiled" in refusal.value.stderr
    assert not (tmp_path / "code.zip").exists()


@pytest.mark.skipif("KMS_LONG" not in os.environ, reason="two whole builds: make test-long")
def test_two_builds_in_two_folders_are_equal(tmp_path: Path):
    built = []
    for place in ("here", "and/there"):
        folder = tmp_path / place
        folder.mkdir(parents=True)
        for name in SOURCES:
            original = REPOSITORY / name
            if original.is_dir():
                shutil.copytree(original, folder / name)
            else:
                shutil.copy(original, folder / name)
        for name in INSTALLED:
            (folder / name).symlink_to(REPOSITORY / name)
        node("worker/build/main.mjs", cwd=folder)
        node("worker/build/stamp.mjs", cwd=folder)
        built.append(hashes(folder / "build"))
    assert built[0] == built[1]
