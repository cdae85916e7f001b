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
    FRESH_OR_LEASE = "fresh authentication, or a live lease of the calling origin"
    LEASE = "a live lease of the calling origin"


@attrs.frozen
class OperationPolicy:
    """``when_locked``: whether the method answers after a failed check at start."""

    authorisation: Authorisation
    when_locked: bool = False


POLICY: Final[Mapping[str, OperationPolicy]] = {
    "setupPassphrase": OperationPolicy(Authorisation.FIRST_USE),
    "setupPasskeyPRF": OperationPolicy(Authorisation.FIRST_USE),
    "setupPasskeyGate": OperationPolicy(Authorisation.FIRST_USE),
    "setup": OperationPolicy(Authorisation.FIRST_USE),
    "addEnrollment": OperationPolicy(Authorisation.FRESH),
    "removeEnrollment": OperationPolicy(Authorisation.FRESH),
    "changePassphrase": OperationPolicy(Authorisation.FRESH),
    "isSetup": OperationPolicy(Authorisation.NONE),
    "getEnrollments": OperationPolicy(Authorisation.NONE),
    "getStatus": OperationPolicy(Authorisation.NONE, when_locked=True),
    "generateVAPID": OperationPolicy(Authorisation.FRESH),
    "regenerateVAPID": OperationPolicy(Authorisation.FRESH),
    "signJWT": OperationPolicy(Authorisation.FRESH),
    "batch": OperationPolicy(Authorisation.FRESH),
    "getPublicKey": OperationPolicy(Authorisation.NONE),
    "getVAPIDKid": OperationPolicy(Authorisation.NONE),
    "exportPublicKey": OperationPolicy(Authorisation.NONE),
    "setPushSubscription": OperationPolicy(Authorisation.FRESH_OR_LEASE),
    "removePushSubscription": OperationPolicy(Authorisation.FRESH_OR_LEASE),
    "getPushSubscription": OperationPolicy(Authorisation.NONE),
    "createLease": OperationPolicy(Authorisation.FRESH),
    "extendLease": OperationPolicy(Authorisation.FRESH),
    "refreshLease": OperationPolicy(Authorisation.FRESH),
    "resumeLease": OperationPolicy(Authorisation.FRESH),
    "revokeLease": OperationPolicy(Authorisation.NONE),
    "revokeAllLeases": OperationPolicy(Authorisation.NONE),
    "suspendPattern": OperationPolicy(Authorisation.FRESH),
    "unsuspendPattern": OperationPolicy(Authorisation.FRESH),
    "getLeases": OperationPolicy(Authorisation.NONE),
    "verifyLease": OperationPolicy(Authorisation.NONE),
    "issueVAPIDJWT": OperationPolicy(Authorisation.LEASE),
    "issueVAPIDJWTs": OperationPolicy(Authorisation.LEASE),
    "isTokenRevoked": OperationPolicy(Authorisation.NONE),
    "revokedTokens": OperationPolicy(Authorisation.NONE),
    "getAuditLog": OperationPolicy(Authorisation.NONE, when_locked=True),
    "verifyAuditChain": OperationPolicy(Authorisation.NONE),
    "resetKMS": OperationPolicy(Authorisation.CONFIRM, when_locked=True),
}
