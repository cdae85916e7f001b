"""``audit verify``: does a file hold, and whose is it?"""

from __future__ import annotations

from pathlib import Path

import click

from kms_enclave.cli.parameters import FILE, public_key_option, read_checkpoints
from kms_enclave.cli.status import status_of
from kms_enclave.cli.text import plain
from kms_enclave.cli.verifying import Expected, verify_file
from kms_enclave.log.verify.export import ExportSummary

__all__ = ["describe", "verdict_of", "verify"]


@click.command()
@click.argument("file", type=FILE)
@public_key_option
@click.option(
    "--checkpoint",
    "checkpoints",
    type=FILE,
    multiple=True,
    callback=read_checkpoints,
    help="A checkpoint that you saw before; the log must have grown from it. Repeatable.",
)
@click.pass_context
def verify(
    context: click.Context, file: Path, public_key: str | None, checkpoints: tuple[str, ...]
) -> None:
    """Verify an export FILE: every entry, signature and certificate, and the tree over them."""
    summary = verify_file(file, Expected(public_key, checkpoints))
    for line in describe(summary):
        click.echo(line)
    for size in summary.compared:
        click.echo(f"grew from    a checkpoint of {size} entries")
    click.echo(verdict_of(summary))
    context.exit(status_of(summary))


def describe(summary: ExportSummary) -> list[str]:
    """Return what a good file is, in lines."""
    dropped = f", those before it were pruned by {_signer(summary)}" if summary.first else ""
    return [
        f"log          {plain(summary.origin)}",
        f"entries      {summary.first} to {summary.size - 1}{dropped}",
        f"root         {summary.root_hash}",
        f"last entry   {summary.chain_hash}",
        f"key          {summary.audit_public_key or summary.instance_public_key}"
        f" ({_signer(summary)})",
    ]


def verdict_of(summary: ExportSummary) -> str:
    """Return the last line: what was shown, and what was not."""
    if summary.is_pinned:
        return "verified: all of it holds, and the log is that of the expected key"
    return (
        "consistent, key not pinned: all of it holds, but whoever wrote the file could have made"
        " its keys; give the key that you know with --public-key"
    )


def _signer(summary: ExportSummary) -> str:
    return "User Audit Key" if summary.audit_public_key else "Instance Audit Key"
