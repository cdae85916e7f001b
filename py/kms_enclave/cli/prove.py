"""``audit prove``: one entry, and that it is in the log."""

from __future__ import annotations

from pathlib import Path

import click

from kms_enclave.cli.parameters import FILE, public_key_option
from kms_enclave.cli.proof import ProofCollector
from kms_enclave.cli.status import status_of
from kms_enclave.cli.verify import verdict_of
from kms_enclave.cli.verifying import Expected, verify_file

__all__ = ["prove"]


@click.command()
@click.argument("file", type=FILE)
@click.option(
    "--seq", "seq_num", type=click.IntRange(min=0), required=True, help="The entry's number."
)
@public_key_option
@click.pass_context
def prove(context: click.Context, file: Path, seq_num: int, public_key: str | None) -> None:
    """Verify an export FILE; write the proof that one entry is in its log.

    The proof is a c2sp.org/tlog-proof on standard output: the entry, the hashes that lead
    from it to the root, and the checkpoint.
    """
    collector = ProofCollector(seq_num)
    summary = verify_file(file, Expected(public_key), watch=collector.watch)
    proof = collector.format()
    if proof is None:
        raise click.BadParameter(
            f"the file has the entries {summary.first} to {summary.size - 1}", param_hint="--seq"
        )
    click.echo(proof, nl=False)
    click.echo(verdict_of(summary), err=True)
    context.exit(status_of(summary))
