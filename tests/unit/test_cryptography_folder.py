"""A folder of Pyodide's build of `cryptography`, as `make dev CRYPTOGRAPHY=FOLDER` takes it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tools.server.development_site import PackagesError, read_cryptography

DEPENDS = {"cryptography": ["cffi"], "cffi": ["pycparser"], "pycparser": [], "numpy": []}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A lock file of four packages, and the files of three."""
    packages = {
        name: {"file_name": f"{name}.whl", "depends": depends} for name, depends in DEPENDS.items()
    }
    (tmp_path / "pyodide-lock.json").write_text(json.dumps({"packages": packages}))
    for name in ("cryptography", "cffi", "pycparser"):
        (tmp_path / f"{name}.whl").touch()
    return tmp_path


def test_packages_whose_file_is_there_are_loaded(folder: Path):
    packages = read_cryptography(folder)
    assert packages.names == ("cryptography", "cffi", "pycparser")
    assert json.loads(packages.lock_file)["packages"].keys() == DEPENDS.keys()


@pytest.mark.parametrize("name", ["cryptography", "cffi", "pycparser"])
def test_a_file_that_is_missing_is_named(folder: Path, name: str):
    (folder / f"{name}.whl").unlink()
    with pytest.raises(PackagesError, match=re.escape(f"not in {folder}: {name}")):
        read_cryptography(folder)


def test_a_folder_without_a_lock_file_is_refused(tmp_path: Path):
    with pytest.raises(PackagesError, match=r"there is no pyodide-lock\.json"):
        read_cryptography(tmp_path)
