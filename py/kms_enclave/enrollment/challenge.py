"""Challenges: made by the worker, used once, for one operation, for two minutes.

A challenge is bound to the hash of the operation and its parameters: it is SHA-256
over a label, 32 fresh random bytes and that hash, so an assertion authorises what the
user was shown and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from kms_enclave.encoding import canonical_json
from kms_enclave.ports.clock import ClockPort
from kms_enclave.ports.crypto import CryptoPort

__all__ = ["LIFETIME_MS", "ChallengeBook", "operation_hash"]

LIFETIME_MS: Final = 120_000
_LABEL: Final = b"ATS/KMS/challenge/v1"
_MAX_OPEN: Final = 64


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

    def redeem(self, challenge: bytes, operation: bytes) -> bool:
        """Use a challenge up; tell whether it was open, in time, and for this operation."""
        found = self._open.pop(challenge, None)
        return (
            found is not None and found[0] == operation and self._clock.monotonic_ms() <= found[1]
        )
