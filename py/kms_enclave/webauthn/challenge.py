"""Challenges: made by the worker, used once, for one operation, for two minutes.

A challenge is bound to the hash of the operation and its parameters: it is SHA-256
over a label, 32 fresh random bytes and that hash, so an assertion authorises what the
user was shown and nothing else. It is made when the user begins a ceremony, so that nobody
is too slow for a prompt; an answer that comes late all the same is asked for again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from kms_enclave.encoding import canonical_json
from kms_enclave.errors import KMSError
from kms_enclave.ports.clock import ClockPort
from kms_enclave.ports.crypto import CryptoPort

__all__ = [
    "LIFETIME_MS",
    "ChallengeBook",
    "LateAnswerError",
    "UnknownChallengeError",
    "late_answer",
    "operation_hash",
]

LIFETIME_MS: Final = 120_000
_LABEL: Final = b"ATS/KMS/challenge/v1"
_MAX_OPEN: Final = 64


class UnknownChallengeError(Exception):
    """Never made, used already, or made for another operation."""


class LateAnswerError(Exception):
    """In order but for the time that it took: no guess, and nothing that was tried."""


def late_answer() -> KMSError:
    """Return what the user is told where the question is asked again."""
    return KMSError("unlock.denied", "That took longer than two minutes. Try again")


def operation_hash(*, method: str, params: Mapping[str, object], origin: str) -> bytes:
    """Return the 32 bytes that stand for an operation; ``params`` without credentials."""
    return hashlib.sha256(
        canonical_json({"method": method, "origin": origin, "params": params})
    ).digest()


class ChallengeBook:
    """The open challenges of one worker. They end with it."""

    def __init__(self, *, crypto: CryptoPort, clock: ClockPort) -> None:
        self._crypto = crypto
        self._clock = clock
        self._open: dict[bytes, tuple[bytes, float]] = {}

    def issue(self, operation: bytes) -> bytes:
        """Return a new 32-byte challenge for an operation's hash."""
        challenge = hashlib.sha256(_LABEL + self._crypto.random_bytes(32) + operation).digest()
        while len(self._open) >= _MAX_OPEN:
            del self._open[next(iter(self._open))]
        self._open[challenge] = (operation, self._clock.monotonic_ms() + LIFETIME_MS)
        return challenge

    def redeem(self, challenge: bytes, operation: bytes) -> None:
        """Use a challenge up. Raises UnknownChallengeError or LateAnswerError."""
        made_for, until_ms = self._open.pop(challenge, (b"", 0.0))
        if made_for != operation:
            raise UnknownChallengeError
        if self._clock.monotonic_ms() > until_ms:
            raise LateAnswerError
