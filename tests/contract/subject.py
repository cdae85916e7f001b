"""What a promise is tried on: the adapters of one platform, and its attacker."""

from __future__ import annotations

from typing import Protocol

from kms_enclave.ports.clock import ClockPort
from kms_enclave.ports.crypto import CryptoPort, KeyHandle
from kms_enclave.ports.locks import LockPort
from kms_enclave.ports.storage import StoragePort

from .vectors import Vectors

__all__ = ["Subject"]


class Subject(Protocol):
    """One set of adapters. ``storage`` is empty when a promise starts."""

    @property
    def crypto(self) -> CryptoPort: ...
    @property
    def storage(self) -> StoragePort: ...
    @property
    def clock(self) -> ClockPort: ...
    @property
    def locks(self) -> LockPort: ...
    @property
    def vectors(self) -> Vectors: ...

    async def ways_out(self, handle: KeyHandle) -> list[str]:
        """Try every way that the platform has to turn a handle into bytes; name those that work."""
