"""The second verifier really is one: it imports nothing of what it judges."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parent
_SOURCES = sorted(path for path in _FOLDER.glob("*.py") if not path.name.startswith("test_"))
_ALLOWED = {*sys.stdlib_module_names, "cryptography", "independent"}


@pytest.mark.parametrize("path", _SOURCES, ids=lambda path: path.name)
def test_it_imports_the_standard_library_cryptography_and_itself(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            assert name.split(".")[0] in _ALLOWED, name


def test_it_runs_without_the_package() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import independent.export;"
        "print(*(name for name in sys.modules if name.split('.')[0] in"
        " ('kms_enclave', 'rfc8785', 'attrs', 'cattrs')))"
    )
    ran = subprocess.run(
        [sys.executable, "-I", "-c", program, str(_FOLDER.parent)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.strip() == ""
