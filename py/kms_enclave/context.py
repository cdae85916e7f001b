"""What every operation works with: the ports, the journal, the configuration, the build."""

from __future__ import annotations

import asyncio
from typing import Protocol

import attrs

from kms_enclave.config import Config
from kms_enclave.log.instance import BuildInfo, Instance
from kms_enclave.log.journal import Journal
from kms_enclave.log.unit_of_work import UnitOfWork
from kms_enclave.ports.clock import ClockPort
from kms_enclave.ports.crypto import CryptoPort
from kms_enclave.ports.events import EventsPort
from kms_enclave.ports.locks import LockPort
from kms_enclave.ports.prompt import PromptPort
from kms_enclave.ports.storage import StoragePort
from kms_enclave.webauthn.challenge import ChallengeBook

__all__ = ["ClockAdjustment", "Context", "Lock", "Ports"]


@attrs.frozen
class Ports:
    """The adapters of one platform."""

    crypto: CryptoPort
    storage: StoragePort
    clock: ClockPort
    locks: LockPort


@attrs.define
class Lock:
    """Why the enclave shows its evidence and does nothing else; ``None`` while it works."""

    reason: str | None = None


class ClockAdjustment(Protocol):
    """What follows in a session that moves the log's time back to the clock's.

    The session is on a floor below leases and does not know them: whoever makes the context
    says what follows.
    """

    async def __call__(
        self,
        context: Context,
        unit: UnitOfWork,
        instance: Instance,
        *,
        last_ms: int,
        now_ms: int,
    ) -> None:
        """Move times from the log's ``last_ms`` back to the clock's ``now_ms``, within ``unit``."""


@attrs.frozen
class Context:
    """Passed to every operation; holds no state but the journal's and the lock's.

    ``top_origin`` is that of the outermost page around the enclave, which the frame has
    verified like the parent: WebAuthn names it, and not the parent, in what it signs.
    """

    crypto: CryptoPort
    storage: StoragePort
    clock: ClockPort
    prompt: PromptPort
    events: EventsPort
    journal: Journal
    config: Config
    build: BuildInfo
    lock: Lock
    enclave_origin: str
    top_origin: str
    challenges: ChallengeBook
    unlocking: asyncio.Lock
    on_clock_adjusted: ClockAdjustment
