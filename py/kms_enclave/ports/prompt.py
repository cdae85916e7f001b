"""Asking the user, on the enclave's own origin.

The page never sees what passes here. A refusal is a :class:`~kms_enclave.errors.KMSError`
with ``unlock.cancelled``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import attrs

from kms_enclave.errors import KMSError

__all__ = ["PassphraseAnswer", "PromptPort", "PromptRequest"]


@attrs.frozen
class PromptRequest:
    """What the user is asked to authorise.

    ``operation`` is a sentence in words; ``origin`` the verified parent origin that
    asks; ``methods`` those that can unlock. From the second ``attempt`` on the dialog is
    still open, and ``error`` is what went wrong.
    """

    operation: str
    origin: str
    methods: Sequence[str]
    attempt: int = 1
    error: KMSError | None = None


@attrs.frozen
class PassphraseAnswer:
    """What the user typed."""

    passphrase: str = attrs.field(repr=False)


class PromptPort(Protocol):
    """The enclave's own dialogs. Each waits until the user has answered."""

    async def authenticate(self, request: PromptRequest) -> PassphraseAnswer:
        """Ask for the passphrase. Raises KMSError ``unlock.cancelled``."""

    async def choose_passphrase(self, request: PromptRequest) -> PassphraseAnswer:
        """Ask for a new passphrase, typed twice. Raises KMSError ``unlock.cancelled``."""

    async def confirm(self, request: PromptRequest, *, word: str) -> None:
        """Have the user type ``word``. Raises KMSError ``unlock.cancelled``."""

    async def close(self) -> None:
        """Close the dialog that an answer left open while it was being checked."""
