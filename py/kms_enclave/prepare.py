"""What is slow the first time, done when the memory image is made.

The converters between JSON and classes are generated code, compiled at first use. In an image
they lie ready; without one (the command line, tests) they are made when they are needed.
"""

from __future__ import annotations

from kms_enclave import structure
from kms_enclave.rpc.methods import METHODS

__all__ = ["prepare"]


def prepare() -> None:
    """Prepare what is stored as JSON, every request and every result; and nothing else.

    What is in the image is downloaded by everybody.
    """
    # Twice: cattrs drops what it has made whenever it meets a container type for the first time.
    for _ in range(2):
        for method in METHODS.values():
            structure.prepare(method.params)
            structure.prepare(method.result, reads=False)
        for cls in structure.classes_from_json():
            structure.prepare(cls)
