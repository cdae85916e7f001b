"""Text of a file that nobody has verified, made fit for a terminal."""

from __future__ import annotations

from typing import Final

__all__ = ["plain"]

_LONGEST: Final = 300


def plain(text: str) -> str:
    """Return text without what could move the cursor, hide text or turn it around."""
    shown = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    if shown.isprintable():
        return shown
    return "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}" for character in shown
    )
