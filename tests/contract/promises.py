"""All promises, by name."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from types import ModuleType
from typing import Final

from . import (
    authenticators,
    constructions,
    event_loop,
    handles,
    known_answers,
    randomness,
    signatures,
    storage_commits,
    storage_reading,
    time_and_locks,
    wrapping,
)
from .subject import Subject

__all__ = ["PROMISES", "Promise"]

Promise = Callable[[Subject], Awaitable[None]]

_MODULES: Final = (
    randomness,
    known_answers,
    constructions,
    wrapping,
    signatures,
    authenticators,
    handles,
    storage_commits,
    storage_reading,
    time_and_locks,
    event_loop,
)


def _promises_of(module: ModuleType) -> Mapping[str, Promise]:
    """The public coroutine functions that a module defines itself."""
    topic = module.__name__.rpartition(".")[2]
    return {
        f"{topic}.{name}": function
        for name, function in vars(module).items()
        if inspect.iscoroutinefunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
    }


PROMISES: Final[Mapping[str, Promise]] = {
    name: promise for module in _MODULES for name, promise in _promises_of(module).items()
}
