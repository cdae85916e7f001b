"""How deep parameters may be nested: what walks through them later does so by recursion."""

from __future__ import annotations

from typing import Final

from kms_enclave.structure import FieldError

__all__ = ["MAX_DEPTH", "verify_depth"]

MAX_DEPTH: Final = 32
"""As in ``web/protocol/limits.ts``; ``params`` itself is at depth 0."""


def verify_depth(params: object) -> None:
    """Raise FieldError for parsed JSON that is nested deeper than ``MAX_DEPTH``."""
    level = [params]
    for _ in range(MAX_DEPTH + 1):
        level = [inner for value in level for inner in _inner(value)]
        if not level:
            return
    raise FieldError("params", "nested too deeply")


def _inner(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
