"""An operation that the user has authenticated, while its dialog is still open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import attrs

from kms_enclave.context import Context
from kms_enclave.ports.prompt import Dialog
from kms_enclave.unlock.session import AuthorisationRequest, Steps, commit_steps
from kms_enclave.unlock.unlocking import Unlocked

__all__ = ["UnlockedOperation"]

T = TypeVar("T")


@attrs.frozen
class UnlockedOperation:
    """The user has authenticated; nothing is committed yet.

    ``dialog`` is the one in which the user authenticated, ``None`` where the page's
    credentials did.
    """

    context: Context
    authorisation: AuthorisationRequest
    unlocked: Unlocked
    dialog: Dialog | None

    @asynccontextmanager
    async def ask(self) -> AsyncIterator[Dialog]:
        """Go on in the dialog that authenticated, or open one where the page's credentials did."""
        if self.dialog is not None:
            yield self.dialog
            return
        async with self.context.prompt.dialog() as opened:
            yield opened

    async def commit(self, steps: Steps[T]) -> T:
        """Commit what ``steps`` do; return what they return."""
        return await commit_steps(self.context, self.authorisation, self.unlocked, steps)
