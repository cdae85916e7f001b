"""``audit compare``: did the log of one file grow into that of another?"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from kms_enclave.cli.parameters import FILE, public_key_option
from kms_enclave.cli.status import status_of
from kms_enclave.cli.verify import describe, verdict_of
from kms_enclave.cli.verifying import Expected, verify_file
from kms_enclave.encoding import parse_json

__all__ = ["compare"]


@click.command()
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@public_key_option
@click.pass_context
def compare(context: click.Context, old: Path, new: Path, public_key: str | None) -> None:
    """Verify two export files, and that the log of NEW begins with all of OLD's."""
    notes = _Notes()
    # Its key is that of NEW, which must begin with what OLD's checkpoint covers. A log that
    # was not set up yet has another one.
    before = verify_file(old, Expected(), watch=notes.watch)
    added = _Added(before.size)
    summary = verify_file(new, Expected(public_key, notes.notes), watch=added.watch)
    for line in describe(summary):
        click.echo(line)
    click.echo(f"grew from    {before.size} entries by {summary.size - before.size}")
    for op, count in sorted(added.counts.items()):
        click.echo(f"  {count:>7}  {op}")
    click.echo(verdict_of(summary))
    context.exit(status_of(summary))


class _Notes:
    """Keeps a file's checkpoint."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def watch(self, line: bytes) -> None:
        if not self.notes:
            value = parse_json(line.decode())
            self.notes.append(str(value["note"]) if isinstance(value, dict) else "")


class _Added:
    """Counts the entries from a number on, by operation."""

    def __init__(self, first: int) -> None:
        self._first = first
        self.counts: Counter[str] = Counter()

    def watch(self, line: bytes) -> None:
        value = parse_json(line.decode())
        if isinstance(value, dict) and value.get("seqNum", -1) >= self._first:
            self.counts[str(value["op"])] += 1
