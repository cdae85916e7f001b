"""Runs inside Pyodide at build time: turns a tree of sources into a zip of byte code.

The memory image is then made by a Python that never compiles: what its compiler would have left
behind in memory is a fifth of an image made from sources.
"""

import os
import py_compile
import zipfile
from py_compile import PycInvalidationMode


def compile_tree(tree: str, output: str) -> None:
    """Write every module under `tree` to the zip `output`, without docstrings and asserts."""
    with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive:
        for folder, folders, files in os.walk(tree):
            folders.sort()
            for name in sorted(files):
                if name.endswith(".py"):
                    path = os.path.join(folder, name)
                    relative = os.path.relpath(path, tree)
                    # An entry made from a bare name carries a fixed date.
                    entry = zipfile.ZipInfo(f"{relative}c")
                    archive.writestr(entry, _byte_code(path, relative))


def _byte_code(path: str, shown_as: str) -> bytes:
    py_compile.compile(
        path,
        cfile="/compiled.pyc",
        dfile=shown_as,
        doraise=True,
        optimize=2,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    with open("/compiled.pyc", "rb") as compiled:
        return compiled.read()
