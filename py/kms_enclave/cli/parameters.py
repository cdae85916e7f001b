"""What commands take: files, the expected key, checkpoints that were seen before, times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from kms_enclave.cli.text import plain
from kms_enclave.encoding import parse_base64url
from kms_enclave.tlog.checkpoint import (
    MAX_CHECKPOINT_CHARACTERS,
    CheckpointError,
    parse_signed_checkpoint,
)

__all__ = ["FILE", "parse_key", "parse_time", "public_key_option", "read_checkpoints"]

_KEY_BYTES: Final = 32

FILE: Final = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


def parse_key(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Return an Ed25519 public key in base64url as it is. Raises click.BadParameter."""
    if value is None:
        return None
    try:
        raw = parse_base64url(value)
    except ValueError:
        raw = b""
    if len(raw) != _KEY_BYTES:
        raise click.BadParameter("is not an Ed25519 public key in base64url (43 characters)")
    return value


public_key_option: Final = click.option(
    "--public-key",
    metavar="KEY",
    callback=parse_key,
    help="The log's key that you know, in base64url.",
)


def read_checkpoints(_: click.Context, __: click.Parameter, paths: Sequence[Path]) -> Sequence[str]:
    """Return the checkpoints in some files. Raises click.BadParameter."""
    return [_read_checkpoint(path) for path in paths]


def _read_checkpoint(path: Path) -> str:
    try:
        with path.open("rb") as file:
            text = file.read(4 * MAX_CHECKPOINT_CHARACTERS + 1).decode()
        parse_signed_checkpoint(text)
    except UnicodeDecodeError:
        raise click.BadParameter(f"{plain(str(path))}: is not text") from None
    except (CheckpointError, OSError) as error:
        raise click.BadParameter(f"{plain(str(path))}: {error}") from None
    return text


def parse_time(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    """Return Unix time in milliseconds; without a zone it is UTC. Raises click.BadParameter."""
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(value)
        zoned = time if time.tzinfo else time.replace(tzinfo=UTC)
        return round(zoned.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise click.BadParameter("is not a time like 2026-01-31 or 2026-01-31T12:00Z") from None
