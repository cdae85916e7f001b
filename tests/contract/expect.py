"""Expectations as functions: the memory image is built with ``-OO``, which drops ``assert``."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

__all__ = ["equal", "holds", "instance", "refused"]

_E = TypeVar("_E", bound=Exception)
_T = TypeVar("_T")


def equal(actual: object, expected: object) -> None:
    """Fail unless both are equal."""
    if actual != expected:
        raise AssertionError(f"expected {expected!r}, got {actual!r}")


def holds(condition: bool, rule: str) -> None:
    """Fail, naming the rule, unless the condition holds."""
    if not condition:
        raise AssertionError(rule)


def instance(value: object, expected_type: type[_T]) -> _T:
    """Return the value; fail unless it is of that type."""
    if isinstance(value, expected_type):
        return value
    raise AssertionError(f"expected a {expected_type.__name__}, got a {type(value).__name__}")


async def refused(error_type: type[_E], operation: Awaitable[object]) -> _E:
    """Fail unless awaiting raises ``error_type``; return the error."""
    try:
        await operation
    except error_type as error:
        return error
    raise AssertionError(f"{error_type.__name__} was not raised")
