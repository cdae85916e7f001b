"""A copy of the checkout for faults to be put into, so that none is ever in the checkout itself."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs

from tools.mutants.mutant import Mutant, mutate

__all__ = ["Workspace", "make_workspace"]

_SHARED: Final = (".venv", ".wheels", "node_modules")
"""Large, and nothing that a fault is put into."""
_BUILT: Final = ("build/pieces", "build/contract")
"""Copied, so that a build only makes anew what a fault changes."""


@attrs.frozen
class Workspace:
    """``root`` is the copy."""

    root: Path

    @property
    def pieces(self) -> Path:
        """Where the built pieces are."""
        return self.root / "build" / "pieces"

    @contextmanager
    def mutated(self, mutant: Mutant) -> Iterator[None]:
        """Have the fault in the copy for as long as the block runs. Raises MutantError."""
        path = self.root / mutant.file
        original = path.read_text("utf-8")
        _write(path, mutate(original, mutant))
        try:
            yield
        finally:
            _write(path, original)


def _write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    if path.suffix == ".py":
        # Byte code is known by the second and the size of its source, which may both be the same.
        Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)


def make_workspace(checkout: Path, root: Path) -> Workspace:
    """Copy what is in a checkout now, committed or not, but for what git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=checkout,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source = checkout / name
        if source.is_file():  # A file that was deleted and not committed is still listed.
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    for name in _SHARED:
        (root / name).symlink_to(checkout / name)
    for name in _BUILT:
        if (checkout / name).is_dir():
            shutil.copytree(checkout / name, root / name)
    return Workspace(root)
