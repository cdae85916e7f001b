"""How many functions of the package a warm call passes: `PYTHONPATH=tests python -m bench.passes`.

It runs the enclave on the native adapters. It counts functions, each once, and the files that
hold them. Generated code, such as the `__init__` of attrs, is in no file and is not counted.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType

import kms_enclave
from enclave import World

_PACKAGE = Path(kms_enclave.__file__).parent
_WARM_UP_CALLS = 3
_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
"""Python before 3.12 runs each of them as a function; later versions only the last."""


async def measure_warm_issue() -> set[CodeType]:
    """Return the code of each function that a warm ``issueVAPIDJWT`` enters."""
    world = World()
    worker = await world.ready()
    lease_id = await worker.create_lease()
    for _ in range(_WARM_UP_CALLS):
        await worker.issue(lease_id)
    passed: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and Path(frame.f_code.co_filename).is_relative_to(_PACKAGE):
            passed.add(frame.f_code)

    sys.setprofile(note)
    try:
        await worker.issue(lease_id)
    finally:
        sys.setprofile(None)
    return passed


def main() -> None:
    """Print the functions of each file, and the sums."""
    passed = asyncio.run(measure_warm_issue())
    files = Counter(str(Path(code.co_filename).relative_to(_PACKAGE)) for code in passed)
    for file, functions in sorted(files.items()):
        print(f"{functions:4} {file}")
    inner = sum(code.co_name in _COMPREHENSIONS for code in passed)
    print(f"{len(passed)} functions in {len(files)} files; {inner} of them are comprehensions")


if __name__ == "__main__":
    main()
