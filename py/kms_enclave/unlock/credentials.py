"""What unlocks, however it came: typed, or evaluated by an authenticator."""

from __future__ import annotations

import attrs

from kms_enclave.ports.prompt import AssertionAnswer
from kms_enclave.unlock.record import Via

__all__ = [
    "AssertionCredentials",
    "Credentials",
    "GateRequested",
    "PassphraseCredentials",
    "PrfCredentials",
]


@attrs.frozen
class PassphraseCredentials:
    """A passphrase, and who saw it."""

    passphrase: str = attrs.field(repr=False)
    via: Via


@attrs.frozen
class PrfCredentials:
    """A PRF output that the page evaluated with a passkey of its own."""

    prf_output: bytes = attrs.field(repr=False)


@attrs.frozen
class AssertionCredentials:
    """An assertion that the enclave's own dialog obtained, for one operation."""

    answer: AssertionAnswer
    operation: bytes


@attrs.frozen
class GateRequested:
    """The page asks for the gate's ceremony; there is nothing that it could pass."""


Credentials = PassphraseCredentials | PrfCredentials | AssertionCredentials
