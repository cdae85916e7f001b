"""Entries as a table that is printed while it grows, so that its length does not matter."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kms_enclave.cli.text import plain

__all__ = ["LEASE_PREFIX", "EntryTable"]

LEASE_PREFIX: Final = "lease-"
_ROWS_AT_ONCE: Final = 100
_WIDTH_OF_A_FILE: Final = 160
_DEEPEST: Final = 8
"""Levels: nothing that an enclave writes has as many, and a file may hold any number."""
_UNTOLD: Final = frozenset(
    {"auditPublicKey", "instancePublicKey", "lakPublicKey", "vapidPublicKey"}
    | {"instanceCert", "relayBinding", "quotas", "rootHash", "previousLog"}
)


class EntryTable:
    """Give it entries, then finish. Widths are fixed, so that all parts line up."""

    def __init__(self) -> None:
        width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDTH_OF_A_FILE
        self._console = Console(width=width, markup=False, highlight=False, emoji=False)
        self._rows: list[list[Text]] = []
        self._has_header = False

    def add(self, entry: Mapping[str, object]) -> None:
        """Take an entry; print when there are enough."""
        self._rows.append(
            [
                _text(entry.get("seqNum")),
                _text(_time(entry.get("timestamp"))),
                _text(entry.get("op")),
                _text(entry.get("signer")),
                _text(entry.get("userId", "")),
                _text(_short(entry.get("leaseId", "")).removeprefix(LEASE_PREFIX)),
                _text(_details(entry.get("details"))),
            ]
        )
        if len(self._rows) == _ROWS_AT_ONCE:
            self._print()

    def finish(self) -> None:
        """Print the rest."""
        if self._rows or not self._has_header:
            self._print()

    def _print(self) -> None:
        table = Table(box=None, show_header=not self._has_header, expand=True, padding=(0, 1, 0, 0))
        table.add_column("#", justify="right", width=6, no_wrap=True)
        table.add_column("time (UTC)", width=19, no_wrap=True)
        table.add_column("operation", width=19, no_wrap=True)
        table.add_column("signer", width=6, no_wrap=True)
        table.add_column("user", width=10, no_wrap=True)
        table.add_column("lease", width=9, no_wrap=True)
        table.add_column("details", ratio=1, overflow="fold")
        for row in self._rows:
            table.add_row(*row)
        self._console.print(table)
        self._rows, self._has_header = [], True


def _text(value: object) -> Text:
    return Text(plain(_short(value)))


def _time(timestamp: object) -> str:
    if not isinstance(timestamp, int):
        return _short(timestamp)
    try:
        return f"{datetime.fromtimestamp(timestamp / 1000, UTC):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return str(timestamp)


def _details(details: object) -> str:
    """Return names and values, but for what is long or says nothing to the eye."""
    if not isinstance(details, dict):
        return ""
    told = {name: value for name, value in details.items() if name not in _UNTOLD}
    return " ".join(f"{name}={_short(value)}" for name, value in told.items())


def _short(value: object, depth: int = 0) -> str:
    if isinstance(value, dict | list) and depth == _DEEPEST:
        return "…"
    if isinstance(value, dict):
        members = (f"{name}={_short(each, depth + 1)}" for name, each in value.items())
        return "{" + " ".join(members) + "}"
    if isinstance(value, list):
        return "[" + " ".join(_short(each, depth + 1) for each in value) + "]"
    return str(value)
