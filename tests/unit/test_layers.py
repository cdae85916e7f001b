"""Imports go one way, and importing anything does nothing but define."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2] / "py" / "kms_enclave"
_MODULES = {
    str(path.relative_to(_ROOT)): ast.parse(path.read_text("utf-8"))
    for path in sorted(_ROOT.rglob("*.py"))
}
_DOMAIN = [name for name in _MODULES if not name.startswith(("adapters/", "cli/"))]
_PURE_PYTHON = {"attrs", "cattrs", "rfc8785"}
_DEFINITIONS = (
    ast.Import,
    ast.ImportFrom,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Assign,
    ast.AnnAssign,
)


def _imported(module: str) -> Iterator[str]:
    for node in ast.walk(_MODULES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _packages(module: str) -> set[str]:
    return {name.partition(".")[0] for name in _imported(module)}


@pytest.mark.parametrize("module", _DOMAIN)
def test_the_domain_runs_on_any_python(module: str) -> None:
    assert _packages(module) <= sys.stdlib_module_names | _PURE_PYTHON | {"kms_enclave"}


@pytest.mark.parametrize("module", _DOMAIN)
def test_the_domain_knows_no_adapter(module: str) -> None:
    assert not [name for name in _imported(module) if name.startswith("kms_enclave.adapters")]


@pytest.mark.parametrize("module", [name for name in _MODULES if name.startswith("ports/")])
def test_ports_know_nothing_of_the_domain(module: str) -> None:
    own = {name for name in _imported(module) if name.startswith("kms_enclave")}
    assert {name for name in own if not name.startswith("kms_enclave.ports")} <= {
        "kms_enclave.errors"
    }


@pytest.mark.parametrize("module", _MODULES)
def test_only_the_browser_adapter_reaches_for_javascript(module: str) -> None:
    reaches = _packages(module) & {"js", "pyodide", "pyodide_js"}
    assert not reaches or module.startswith("adapters/browser/")


@pytest.mark.parametrize("module", _MODULES)
def test_importing_only_defines(module: str) -> None:
    for statement in _MODULES[module].body:
        is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        is_main = isinstance(statement, ast.If) and "__name__" in ast.unparse(statement.test)
        assert is_text or is_main or isinstance(statement, _DEFINITIONS), ast.unparse(statement)
