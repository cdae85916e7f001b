"""Runs inside Pyodide while the memory image is made: imports everything, then closes the door.

Afterwards nothing can be imported that is not in the image, and there is no `random`: a generator
whose state every user shares must not be within reach.
"""

import gc
import importlib
import linecache
import operator
import re
import sys
import zipimport


def seal(code: str, wanted: list[str]) -> str:
    """Import `wanted`, forbid the rest, and return the names of all modules in the image."""
    sys.path.append(code)
    importlib.invalidate_caches()
    modules = [importlib.import_module(name) for name in wanted]
    for module in modules:
        # What would be slow at every start is done once, here.
        if hasattr(module, "prepare"):
            module.prepare()
    del modules
    _forget_random()
    _forget_files()
    linecache.clearcache()
    re.purge()
    for _ in range(3):
        gc.collect()
    return " ".join(sorted(name for name, module in sys.modules.items() if module is not None))


def _forget_random() -> None:
    for name in ("random", "_random", "secrets"):
        module = sys.modules.pop(name, None)
        if module is not None:
            vars(module).clear()
        # None makes the import statement raise ModuleNotFoundError, for the built-in _random too.
        operator.setitem(sys.modules, name, None)


def _forget_files() -> None:
    sys.path.clear()
    sys.path_importer_cache.clear()
    sys.path_hooks.clear()
    # Each loader keeps the table of contents of its archive.
    for table in list(zipimport._zip_directory_cache.values()):
        table.clear()
    zipimport._zip_directory_cache.clear()
