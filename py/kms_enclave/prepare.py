"""What is slow the first time, done when the memory image is made.

The converters between JSON and classes are generated code, compiled at first use. In an image
they lie ready; without one (the command line, tests) they are made when they are needed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import attrs

from kms_enclave import structure

__all__ = ["prepare"]


def prepare() -> list[type]:
    """Prepare every class of the modules imported so far; return those that JSON can become."""
    prepared = [cls for cls in _classes() if structure.prepare(cls)]
    # Again: cattrs drops what it has made whenever it meets a container type for the first time.
    return [cls for cls in prepared if structure.prepare(cls)]


def _classes() -> Iterator[type]:
    for name, module in sorted(sys.modules.items()):
        if name.partition(".")[0] == "kms_enclave":
            for value in list(vars(module).values()):
                if isinstance(value, type) and attrs.has(value) and value.__module__ == name:
                    yield value
