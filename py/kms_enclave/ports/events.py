"""What the enclave tells pages unasked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

__all__ = ["EventsPort"]


class EventsPort(Protocol):
    """Events to the pages of this worker. They carry nothing that a page may not ask for."""

    def emit(self, event: str, data: Mapping[str, object], *, origin: str | None) -> None:
        """Tell the pages of one parent origin, or of all where ``origin`` is ``None``."""
