"""``audit show``: what a file says, readable, chosen. Verifies nothing, and says so."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs
import click

from kms_enclave.cli.parameters import FILE, parse_time
from kms_enclave.cli.status import Status, UnreadableFileError
from kms_enclave.cli.table import LEASE_PREFIX, EntryTable
from kms_enclave.cli.text import plain
from kms_enclave.encoding import parse_json
from kms_enclave.log.verify.export import BadExportError
from kms_enclave.log.verify.stream import read_lines

__all__ = ["show"]

Entry = Mapping[str, object]
_OTHER_LINES: Final = ("checkpoint", "certificate", "pruned")


@attrs.frozen
class _Filter:
    """Which entries are wanted; what is ``None`` or empty chooses nothing out."""

    ops: tuple[str, ...]
    lease: str | None
    user: str | None
    since_ms: int | None
    until_ms: int | None

    def takes(self, entry: Entry) -> bool:
        time = entry.get("timestamp")
        at = time if isinstance(time, int) else 0
        return (
            (not self.ops or entry.get("op") in self.ops)
            and (self.lease is None or _begins(entry.get("leaseId"), self.lease))
            and (self.user is None or entry.get("userId") == self.user)
            and (self.since_ms is None or at >= self.since_ms)
            and (self.until_ms is None or at < self.until_ms)
        )


def _begins(lease: object, beginning: str) -> bool:
    """Tell whether an id begins like that, with what all ids begin with or without it."""
    return isinstance(lease, str) and (
        lease.removeprefix(LEASE_PREFIX).startswith(beginning.removeprefix(LEASE_PREFIX))
    )


@click.command()
@click.argument("file", type=FILE)
@click.option("--op", "ops", multiple=True, help="Only this operation, say sign. Repeatable.")
@click.option("--lease", help="Only this lease; the beginning of its id is enough.")
@click.option("--user", help="Only leases of this user.")
@click.option("--since", "since_ms", callback=parse_time, help="Only from then on, say 2026-01-31.")
@click.option("--until", "until_ms", callback=parse_time, help="Only before then.")
@click.option("--json", "is_json", is_flag=True, help="JSON Lines in ASCII, not a table.")
@click.pass_context
def show(
    context: click.Context,
    file: Path,
    ops: tuple[str, ...],
    lease: str | None,
    user: str | None,
    since_ms: int | None,
    until_ms: int | None,
    is_json: bool,
) -> None:
    """Show the entries of an export FILE as it says them, unverified."""
    wanted = _Filter(ops, lease, user, since_ms, until_ms)
    reader = _Reader(file)
    chosen = (entry for entry in reader.entries() if wanted.takes(entry))
    if is_json:
        for entry in chosen:
            click.echo(json.dumps(entry, separators=(",", ":")))
    else:
        table = EntryTable()
        for entry in chosen:
            table.add(entry)
        table.finish()
    click.echo("not verified; 'kms-enclave audit verify' does that", err=True)
    context.exit(Status.FAILED if reader.has_fault else Status.VERIFIED)


class _Reader:
    """Reads what can be read, and says of the rest where it is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.has_fault = False

    def entries(self) -> Iterator[Entry]:
        number = 0
        try:
            with self._path.open("rb") as file:
                for number, line in enumerate(read_lines(file), start=1):
                    yield from self._entry(number, line)
            if number == 0:
                self._complain("the file is empty")
        except BadExportError as error:
            self._complain(str(error))
        except OSError as error:
            raise UnreadableFileError(f"{plain(str(self._path))}: {error}") from None

    def _entry(self, number: int, line: bytes) -> Iterator[Entry]:
        try:
            value = parse_json(line.decode())
        except ValueError:
            value = None
        if not isinstance(value, dict):
            self._complain(f"line {number}: is not JSON")
        elif "seqNum" in value:
            yield value
        elif value.get("type") not in _OTHER_LINES:
            self._complain(f"line {number}: is no entry")

    def _complain(self, reason: str) -> None:
        self.has_fault = True
        click.echo(f"{plain(str(self._path))}: {plain(reason)}", err=True)
