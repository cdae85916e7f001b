"""A folder's name says what may be imported: the floors of docs/architecture.md, from the sources.

A module imports its own floor and the floors below it. A folder inside a folder is a floor of
its own where it is named here.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PYTHON = _ROOT / "py"

FLOORS = (
    "errors",
    "encoding",
    "structure",
    "fields",
    "codec",
    "origin",
    "config",
    "ports",
    "scanning",
    "tlog",
    "webauthn",
    "log",
    "log.verify",
    "context",
    "keys",
    "unlock",
    "enrollment",
    "audit",
    "leases",
    "issuing",
    "push",
    "boot",
    "rpc.contract",
    "rpc",
    "app",
    "prepare",
    "adapters.native",
    "adapters.browser",
    "cli",
)
"""Lowest first."""

TYPESCRIPT: Mapping[str, Sequence[str]] = {
    "web/protocol": (),
    "web/sdk/channel": ("web/protocol",),
    "web/sdk/log": ("web/protocol",),
    "web/sdk": ("web/protocol", "web/sdk/channel", "web/sdk/log"),
    "web/frame/passkey": ("web/protocol",),
    "web/frame/prompt": ("web/protocol", "web/frame/passkey"),
    "web/frame/window": ("web/protocol", "web/frame/prompt"),
    "web/frame": (
        "web/protocol",
        "web/frame/passkey",
        "web/frame/prompt",
        "worker",
        "worker/start",
    ),
    "web/sites/common": ("/sdk/kms-user.js", "web/protocol"),
    "web/sites/demo": ("/sdk/kms-user.js", "web/sites/common"),
    "web/sites/conformance": ("/sdk/kms-user.js", "web/sites/common", "web/protocol"),
    "worker/primitives": ("web/protocol",),
    "worker/start": ("web/protocol", "worker/primitives"),
    "worker/wheels": (),
    "worker": ("web/protocol", "worker/primitives", "worker/start", "worker/wheels"),
    "worker/build": ("worker/wheels",),
}
"""What each folder imports besides itself. SDK and frame meet in ``web/protocol`` alone; a site
loads the SDK from the address where a user's page finds it, and of the rest of ``web`` shares
the encodings in ``web/protocol``; of ``web`` the worker imports ``web/protocol`` only. The frame
starts the worker.
"""
_TYPESCRIPT_IMPORT = re.compile(
    r"""(?:^(?:import|export)\b[^;"']*?\bfrom|^import|\bimport\()\s*["']([^"']+)["']""",
    re.MULTILINE,
)

Import = tuple[str, str]
"""Who imports, and what."""


def _module_name(path: Path) -> str:
    parts = path.relative_to(_PYTHON).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


_MODULES = {_module_name(path): path for path in sorted((_PYTHON / "kms_enclave").rglob("*.py"))}


def _python_imports() -> Iterator[Import]:
    for module, path in _MODULES.items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((module, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    name = f"{node.module}.{alias.name}"
                    yield module, name if name in _MODULES else node.module or ""


def _floor(module: str) -> int | None:
    """Return the number of a module's floor: that of the longest name which it is, or is in."""
    inner = f"{module}.".removeprefix("kms_enclave.")
    found = [floor for floor in FLOORS if inner.startswith(f"{floor}.")]
    return FLOORS.index(max(found, key=len)) if found else None


def upward(imports: Iterable[Import]) -> list[str]:
    """Return the imports that go up, in words."""
    wrong: list[str] = []
    for module, imported in imports:
        above, below = _floor(module), _floor(imported)
        if above is not None and below is not None and below > above:
            wrong.append(f"{module} ({FLOORS[above]}) imports {imported} ({FLOORS[below]})")
    return wrong


def test_every_module_is_on_a_floor() -> None:
    # Above every module are the package itself and the folder of the adapters: both empty.
    without = {"kms_enclave", "kms_enclave.adapters"}
    assert {module for module in _MODULES if _floor(module) is None} == without


def test_every_floor_has_a_module() -> None:
    assert {_floor(module) for module in _MODULES} >= set(range(len(FLOORS)))


def test_no_module_imports_a_floor_above_its_own() -> None:
    assert upward(_python_imports()) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for module, imported in _python_imports():
        if module != imported:
            sorter.add(module, imported)
    sorter.prepare()  # Raises CycleError, which names the circle.


def test_an_import_that_goes_up_is_named() -> None:
    imports = [
        ("kms_enclave.leases.sweep", "kms_enclave.issuing.refusals"),
        ("kms_enclave.log.journal", "kms_enclave.log.verify.chain"),
        ("kms_enclave.issuing.refusals", "kms_enclave.leases.lease"),
    ]
    assert upward(imports) == [
        "kms_enclave.leases.sweep (leases) imports kms_enclave.issuing.refusals (issuing)",
        "kms_enclave.log.journal (log) imports kms_enclave.log.verify.chain (log.verify)",
    ]


def _area(path: str) -> str | None:
    found = [area for area in TYPESCRIPT if path == area or path.startswith(f"{area}/")]
    return max(found, key=len) if found else None


def _scripts() -> Iterator[Path]:
    for folder in ("web", "worker"):
        for path in sorted((_ROOT / folder).rglob("*")):
            if path.suffix in (".ts", ".js", ".mjs"):
                yield path


def _typescript_imports() -> Iterator[Import]:
    for path in _scripts():
        importing = path.relative_to(_ROOT).as_posix()
        for name in _TYPESCRIPT_IMPORT.findall(path.read_text("utf-8")):
            if name.startswith("."):
                name = posixpath.normpath(posixpath.join(posixpath.dirname(importing), name))
            yield importing, name


def _is_ours(imported: str) -> bool:
    return imported.startswith(("web/", "worker/", "/"))


def foreign(imports: Iterable[Import]) -> list[str]:
    """Return the imports of folders that the importing folder may not know, in words."""
    wrong: list[str] = []
    for importing, imported in imports:
        own, other = _area(importing), _area(imported) or imported
        if own is not None and _is_ours(imported) and other not in (own, *TYPESCRIPT[own]):
            wrong.append(f"{importing} ({own}) imports {imported} ({other})")
    return wrong


def test_every_script_is_in_a_folder_of_the_table() -> None:
    scripts = [path.relative_to(_ROOT).as_posix() for path in _scripts()]
    assert [script for script in scripts if _area(script) is None] == []
    assert {_area(script) for script in scripts} == set(TYPESCRIPT)


def test_a_folder_of_scripts_imports_what_its_row_names() -> None:
    imports = list(_typescript_imports())
    assert len(imports) > 200, "the imports are found"
    assert foreign(imports) == []


@pytest.mark.parametrize(
    ("importing", "imported"),
    [
        ("web/sdk/kms-user.ts", "web/frame/client"),
        ("web/frame/calls.ts", "web/sdk/channel/connection"),
        ("web/sites/demo/main.ts", "web/sdk/kms-user"),
        ("worker/start/run.ts", "web/frame/calls"),
        ("web/protocol/calls.ts", "web/sdk/kms-user"),
        ("web/sdk/channel/session.ts", "web/sdk/log/merkle"),
    ],
)
def test_an_import_of_another_folder_is_named(importing: str, imported: str) -> None:
    (wrong,) = foreign([(importing, imported)])
    assert wrong.startswith(f"{importing} (")
    assert f" imports {imported} (" in wrong


def test_nothing_of_python_is_among_the_scripts_for_browsers() -> None:
    # The local servers of both origins are a tool.
    assert list((_ROOT / "web").rglob("*.py")) == []
    assert (_ROOT / "tools" / "server" / "__main__.py").is_file()
