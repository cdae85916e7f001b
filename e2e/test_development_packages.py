"""`make dev CRYPTOGRAPHY=FOLDER`: compiled packages of Pyodide's own build, inside Pyodide.

The registries that these tests reach have no `cryptography` for Pyodide's platform tag. What
is shown is the way there, up to its first import: lock file, hashes, dependencies, a compiled
module at work, the entry of the native port. The stand-in for `cryptography` is a wheel whose
import computes with that compiled module and fails with the result. That the native port keeps
its promises is shown on CPython, in tests/contract.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from e2e.conftest import PAGES, open_page_in
from tools.patience import patient
from tools.server.deployment import REPOSITORY
from tools.server.serving import ServeOptions, serve_in_background

TAG = "pyemscripten_2026_0_wasm32"
COMPILED = REPOSITORY / ".wheels" / "compiled" / f"luau_wasm-0.1a0-cp314-cp314-{TAG}.whl"
LOCK_FILE = REPOSITORY / "node_modules" / "pyodide" / "pyodide-lock.json"
STAND_IN = """
import luau_wasm

raise ImportError(f"compiled code says {luau_wasm.execute('print(6 * 7)')}")
"""


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder as Pyodide's distribution has it: wheels, and a lock file that names them."""
    folder = tmp_path / "packages"
    folder.mkdir()
    shutil.copy(COMPILED, folder)
    stand_in = folder / f"cryptography-0-cp314-abi3-{TAG}.whl"
    with zipfile.ZipFile(stand_in, "w") as wheel:
        wheel.writestr("cryptography/__init__.py", STAND_IN)
        wheel.writestr(
            "cryptography-0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: cryptography\nVersion: 0\n",
        )
        wheel.writestr("cryptography-0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        wheel.writestr("cryptography-0.dist-info/RECORD", "")
    lock = {
        "info": json.loads(LOCK_FILE.read_text())["info"],
        "packages": {
            "cryptography": locked(stand_in, depends=["luau-wasm"]),
            "luau-wasm": locked(folder / COMPILED.name, depends=[]),
        },
    }
    (folder / "pyodide-lock.json").write_text(json.dumps(lock))
    return folder


def locked(wheel: Path, *, depends: list[str]) -> dict[str, object]:
    name, version = wheel.name.split("-")[:2]
    return {
        "name": name.replace("_", "-"),
        "version": version,
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "package_type": "package",
        "imports": [name],
        "depends": depends,
        "unvendored_tests": False,
    }


@pytest.fixture(scope="module")
def with_development(pieces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy with the worker of development mode: others load the pieces meanwhile."""
    copied = shutil.copytree(pieces, tmp_path_factory.mktemp("development") / "pieces")
    build = ["node", "worker/build/main.mjs", "--out", copied, "--dev"]
    subprocess.run(build, cwd=REPOSITORY, check=True, timeout=patient(300))
    return copied


@pytest.fixture
def options(with_development: Path, packages: Path) -> ServeOptions:
    return ServeOptions(
        app_root=PAGES, pieces=with_development, development=True, cryptography=packages
    )


def start(context: BrowserContext, options: ServeOptions):
    with serve_in_background(options) as server:
        page = open_page_in(context, app_origin=server.app_origin, kms_origin=server.kms_origin)
        return page.open_sdk()


def test_compiled_code_of_a_package_runs_where_the_native_port_is_imported(
    context: BrowserContext, options: ServeOptions
):
    refused = start(context, options)
    assert (refused.code, refused.error["details"]["stage"]) == ("internal", "entry")
    assert "adapters/native/crypto.py" in refused.error["message"]
    assert "ImportError: compiled code says 42" in refused.error["message"]


def test_a_package_that_is_not_the_one_of_the_lock_file_is_refused(
    context: BrowserContext, options: ServeOptions, packages: Path
):
    with zipfile.ZipFile(packages / COMPILED.name, "a") as wheel:
        wheel.writestr("luau_wasm/more.py", "")
    refused = start(context, options)
    assert (refused.code, refused.error["details"]["stage"]) == ("internal", "python")
    assert "luau-wasm" in refused.error["message"]
