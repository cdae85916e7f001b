"""Runs inside Pyodide while the code is compiled: turns a tree of sources into a zip of byte code.

The memory image is then made by a Python that never compiles: what its compiler would have left
behind in memory is a fifth of an image made from sources.
"""

import os
import py_compile
import zipfile
from py_compile import PycInvalidationMode

# Takes the place of Pyodide's package loader, since nothing is ever installed in the memory image.
# The original brings zipfile, tempfile, shutil and `random` with it. Pyodide's JavaScript reads the
# two paths and calls the function while it starts; the import takes the place in Pyodide's table of
# JavaScript objects that a restore expects to be taken.
_PACKAGE_LOADER = """
from pathlib import PurePosixPath

from pyodide_js import loadedPackages

SITE_PACKAGES = PurePosixPath("/lib/python3.14/site-packages")
DSO_DIR = PurePosixPath("/usr/lib")


def init_loaded_packages() -> None:
    pass
"""


def compile_stdlib(tree: str, output: str) -> None:
    """Unpack the standard library to `tree`, and write its byte code to the zip `output`."""
    zipfile.ZipFile(os.__file__.removesuffix("/os.py")).extractall(tree)
    with open(f"{tree}/pyodide/_package_loader.py", "w") as loader:
        loader.write(_PACKAGE_LOADER)
    compile_tree(tree, output)


def compile_tree(tree: str, output: str) -> None:
    """Write every module under `tree` to the zip `output`, without docstrings and asserts.

    Raises ValueError for a compiled module: an image that holds one crashes when it is made.
    """
    with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive:
        for folder, folders, files in os.walk(tree):
            folders.sort()
            for name in sorted(files):
                path = os.path.join(folder, name)
                relative = os.path.relpath(path, tree)
                if name.endswith((".so", ".pyd", ".dylib")):
                    raise ValueError(f"{relative} is compiled; the image takes pure Python only")
                if name.endswith(".py"):
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
