"""What unlocks, as a page passes it."""

from __future__ import annotations

from typing import Literal

import attrs

from kms_enclave.fields import text

__all__ = [
    "Credentials",
    "PasskeyGateCredentials",
    "PasskeyPrfCredentials",
    "PassphraseCredentials",
]


@attrs.frozen
class PassphraseCredentials:
    """What unlocks a passphrase enrollment: the passphrase, 8 to 1024 characters."""

    method: Literal["passphrase"]
    passphrase: str = attrs.field(repr=False, validator=text(4096, empty=True))


@attrs.frozen
class PasskeyPrfCredentials:
    """The PRF output (32 bytes, base64url) of a passkey that the page itself created."""

    method: Literal["passkey-prf"]
    prf_output: str = attrs.field(repr=False, validator=text(64))


@attrs.frozen
class PasskeyGateCredentials:
    """Ask for the gate's ceremony, in the enclave's own dialog."""

    method: Literal["passkey-gate"]


Credentials = PassphraseCredentials | PasskeyPrfCredentials | PasskeyGateCredentials
"""Told apart by ``method``."""
