"""The rules of the architecture, read from the sources."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from kms_enclave.errors import ERROR_CODES

_PACKAGE = Path(__file__).parents[2] / "py" / "kms_enclave"
_SOURCES = sorted(_PACKAGE.rglob("*.py"))
_NAMES = [str(path.relative_to(_PACKAGE)) for path in _SOURCES]
_CHOSEN = {"attr", "attrs", "cattrs", "rfc8785", "kms_enclave"}


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _is_domain(path: Path) -> bool:
    return path.relative_to(_PACKAGE).parts[0] not in ("adapters", "cli")


_DOMAIN = [path for path in _SOURCES if _is_domain(path)]
_DOMAIN_NAMES = [str(path.relative_to(_PACKAGE)) for path in _DOMAIN]


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""


def _module_name(path: Path) -> str:
    parts = path.relative_to(_PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_there_is_something_to_read() -> None:
    assert len(_DOMAIN) > 40


@pytest.mark.parametrize("path", _DOMAIN, ids=_DOMAIN_NAMES)
def test_the_domain_imports_the_standard_library_the_chosen_few_and_itself(path: Path) -> None:
    for name in _imports(path):
        top = name.split(".")[0]
        assert top in sys.stdlib_module_names or top in _CHOSEN, name
        assert not name.startswith("kms_enclave.adapters"), name
        assert not name.startswith("kms_enclave.cli"), name


@pytest.mark.parametrize("path", _DOMAIN, ids=_DOMAIN_NAMES)
def test_the_domain_has_no_randomness_of_its_own(path: Path) -> None:
    # The worker starts from a memory image that every user shares.
    for name in _imports(path):
        assert name.split(".")[0] not in ("random", "secrets", "uuid", "tempfile", "os"), name


@pytest.mark.parametrize("path", _SOURCES, ids=_NAMES)
def test_only_the_browser_adapters_know_javascript(path: Path) -> None:
    allowed = path.is_relative_to(_PACKAGE / "adapters" / "browser")
    for name in _imports(path):
        assert allowed or name.split(".")[0] not in ("js", "pyodide", "pyodide_js"), name


def test_ports_depend_on_nothing_but_ports_and_errors() -> None:
    for path in (_PACKAGE / "ports").rglob("*.py"):
        for name in _imports(path):
            inner = name.startswith("kms_enclave.")
            assert not inner or name.startswith(("kms_enclave.ports", "kms_enclave.errors")), name


_DECLARATION = (
    ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef,
    ast.Assign, ast.AnnAssign,
)  # fmt: skip


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_main_guard(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in (
        "__name__ == '__main__'",
        "TYPE_CHECKING",
        "typing.TYPE_CHECKING",
    )


@pytest.mark.parametrize("path", _SOURCES, ids=_NAMES)
def test_a_module_only_declares(path: Path) -> None:
    for node in _parsed(path).body:
        declares = isinstance(node, _DECLARATION) or _is_docstring(node) or _is_main_guard(node)
        assert declares, f"line {node.lineno} does something when it is imported"


def test_importing_every_module_of_the_domain_touches_nothing_outside() -> None:
    modules = [_module_name(path) for path in _DOMAIN]
    program = f"""
import importlib, sys
harmless = {{"import", "compile", "exec", "marshal.loads", "sys._getframe", "code.__new__",
            "object.__getattr__", "object.__setattr__", "object.__delattr__", "os.listdir",
            "os.scandir", "open", "builtins.id", "cpython._PySys_ClearAuditHooks"}}
seen = set()
def watch(event, args):
    if event == "open" and not str(args[1] or "r").startswith("r"):
        seen.add(f"write {{args[0]}}")
    if event not in harmless:
        seen.add(event)
import attrs, cattrs.gen, rfc8785, asyncio, logging, json, hashlib, hmac, unicodedata
sys.addaudithook(watch)
for name in {modules!r}:
    importlib.import_module(name)
print(sorted(seen))
"""
    done = subprocess.run(
        [sys.executable, "-B", "-c", program],
        cwd=_PACKAGE.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def _calls_of_kms_error(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "KMSError":
            yield node


@pytest.mark.parametrize("path", _SOURCES, ids=_NAMES)
def test_errors_carry_codes_of_the_table(path: Path) -> None:
    for call in _calls_of_kms_error(path):
        code = call.args[0]
        if isinstance(code, ast.Constant):
            assert code.value in ERROR_CODES, code.value


@pytest.mark.parametrize("path", _SOURCES, ids=_NAMES)
def test_no_file_is_too_long(path: Path) -> None:
    lines = len(path.read_text("utf-8").splitlines())
    assert lines <= 400


@pytest.mark.parametrize("path", _SOURCES, ids=_NAMES)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(_parsed(path))


@pytest.mark.parametrize("path", _DOMAIN, ids=_DOMAIN_NAMES)
def test_validation_never_rests_on_assert(path: Path) -> None:
    # The memory image is built with -OO, which drops assertions.
    for node in ast.walk(_parsed(path)):
        assert not isinstance(node, ast.Assert), f"line {node.lineno}"


@pytest.mark.parametrize("path", _SOURCES, ids=_NAMES)
def test_a_broad_except_stands_only_where_errors_become_wire_errors(path: Path) -> None:
    allowed = {"rpc/dispatch.py", "boot/selftest.py", "issuing/issuance.py"}
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else ""
            cleans_up = ast.unparse(node.body[-1]) == "raise"
            broad = caught in ("", "Exception", "BaseException") and not cleans_up
            assert not broad or str(path.relative_to(_PACKAGE)) in allowed, f"line {node.lineno}"
