"""The same sources give the same bytes, the memory image included, wherever they lie."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from patience import patient

from .conftest import REPOSITORY

MAKE_IMAGE = REPOSITORY / "worker" / "build" / "snapshot" / "make-image.mjs"
COMPILE = REPOSITORY / "worker" / "build" / "snapshot" / "compile-python.mjs"

SOURCES = (
    "py",
    "worker",
    "web",
    "vite.config.js",
    "package.json",
    "kms.config.json",
)
INSTALLED = ("node_modules", ".venv")


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
        stdout=subprocess.PIPE,
        text=True,
        timeout=patient(150),
    )
    return finished.stdout


@pytest.fixture(scope="module")
def byte_code(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The standard library and attrs, compiled: enough Python for an image."""
    folder = tmp_path_factory.mktemp("byte-code")
    selection = {
        "venv": str(REPOSITORY / ".venv"),
        "dependencies": {"attrs": ["attr", "attrs"]},
        "roots": [],
    }
    compiled = {"stdlib": None, "code": selection}
    for name, python in compiled.items():
        job = {"python": python, "output": str(folder / f"{name}.zip")}
        node(COMPILE, cwd=folder, job=job)
    return {name: str(folder / f"{name}.zip") for name in compiled}


def test_two_images_of_the_same_byte_code_are_equal(byte_code: dict[str, str], tmp_path: Path):
    images = []
    for place in ("here", "and there"):
        folder = tmp_path / place
        folder.mkdir()
        job = {**byte_code, "imports": ["attrs"], "output": str(folder / "image.bin")}
        modules = node(MAKE_IMAGE, cwd=folder, job=job).split()
        assert "attrs" in modules
        assert not {"random", "_random", "secrets"} & set(modules)
        images.append((folder / "image.bin").read_bytes())
    assert images[0] == images[1]
    assert images[0][:4] == b"KMSI"
    # Nothing of this machine is in it.
    for path in (str(REPOSITORY), str(tmp_path)):
        assert path.encode() not in images[0]


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
