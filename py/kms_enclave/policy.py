"""The operation policy: what each method needs, in one table that dispatch obeys."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

import attrs

__all__ = ["POLICY", "Authorisation", "OperationPolicy"]


class Authorisation(Enum):
    """What must be shown before a method does anything."""

    NONE = "none"
    FIRST_USE = "first use only"
    FRESH = "fresh authentication"
    CONFIRM = "fresh authentication, or confirmation in the enclave's own dialog"
    LEASE = "a live lease of the calling origin"


@attrs.frozen
class OperationPolicy:
    """``when_locked``: whether the method answers after a failed check at start."""

    authorisation: Authorisation
    when_locked: bool = False


POLICY: Final[Mapping[str, OperationPolicy]] = {
    "setupPassphrase": OperationPolicy(Authorisation.FIRST_USE),
    "isSetup": OperationPolicy(Authorisation.NONE),
    "getStatus": OperationPolicy(Authorisation.NONE, when_locked=True),
    "getPublicKey": OperationPolicy(Authorisation.NONE),
    "createLease": OperationPolicy(Authorisation.FRESH),
    "issueVAPIDJWT": OperationPolicy(Authorisation.LEASE),
    "getAuditLog": OperationPolicy(Authorisation.NONE, when_locked=True),
    "verifyAuditChain": OperationPolicy(Authorisation.NONE),
    "resetKMS": OperationPolicy(Authorisation.CONFIRM, when_locked=True),
}
