"""Runs inside Pyodide while the memory image is made: imports everything, then closes the door.

Afterwards nothing can be imported that is not in the image, and there is no `random`: a generator whose
state every user shares must not be within reach.
"""

import gc
import importlib
import linecache
import operator
import re
import sys


def seal(wanted: list[str]) -> str:
    """Import `wanted`, forbid the rest, and return the names of all modules in the image."""
    importlib.invalidate_caches()
    for name in wanted:
        importlib.import_module(name)
    _forget_random()
    sys.path.clear()
    sys.path_importer_cache.clear()
    sys.path_hooks.clear()
    linecache.clearcache()
    re.purge()
    for _ in range(3):
        gc.collect()
    return " ".join(sorted(name for name, module in sys.modules.items() if module is not None))


def _forget_random() -> None:
    for name, module in list(sys.modules.items()):
        if name in ("random", "_random", "secrets"):
            del sys.modules[name]
            vars(module).clear()
    # None makes the import statement raise ModuleNotFoundError, the built-in _random included.
    for name in ("random", "_random", "secrets"):
        operator.setitem(sys.modules, name, None)
