"""Stands in for Pyodide's package loader in the memory image: nothing is ever installed there.

The original brings zipfile, tempfile, shutil and `random` with it. Pyodide's JavaScript reads the
two paths and calls `init_loaded_packages` while it starts.
"""

from pathlib import PurePosixPath

# Takes the place in Pyodide's table of JavaScript objects that a restore expects to be taken.
from pyodide_js import loadedPackages  # noqa: F401

SITE_PACKAGES = PurePosixPath("/lib/python3.14/site-packages")
DSO_DIR = PurePosixPath("/usr/lib")


def init_loaded_packages() -> None:
    """Do nothing: there are no packages."""
