"""The operation policy: what each method needs, in one table that dispatch obeys.

For each method: what must be shown before it does anything, what bounds how often it can
be called, and how grave its entry in the log is. ``docs/methods.md`` shows the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

import attrs

__all__ = ["POLICY", "Authorisation", "OperationPolicy", "Rate", "Severity"]


class Authorisation(Enum):
    """What must be shown before a method does anything."""

    NONE = "none"
    FIRST_USE = "first use only"
    FRESH = "fresh authentication"
    CONFIRM = "fresh authentication, or confirmation in the enclave's own dialog"
    FRESH_OR_LEASE = "fresh authentication, or a live lease of the calling origin"
    LEASE = "a live lease of the calling origin"


class Rate(Enum):
    """What bounds how often a method can be called."""

    FREE = "free"
    ONE_AT_A_TIME = "one at a time; the others wait"
    ATTEMPTS = "attempts, after five wrong ones with a growing delay"
    QUOTA = "the lease's quota"


class Severity(Enum):
    """How grave an entry of the log is; what only reads makes none."""

    NONE = "no entry"
    INFO = "info"
    NOTICE = "notice"
    ALERT = "alert"


@attrs.frozen
class OperationPolicy:
    """``when_locked``: whether the method answers after a failed check at start."""

    authorisation: Authorisation
    rate: Rate = Rate.FREE
    severity: Severity = Severity.NONE
    when_locked: bool = False


POLICY: Final[Mapping[str, OperationPolicy]] = {
    "setupPassphrase": OperationPolicy(Authorisation.FIRST_USE, Rate.FREE, Severity.NOTICE),
    "setupPasskeyPRF": OperationPolicy(Authorisation.FIRST_USE, Rate.FREE, Severity.NOTICE),
    "setupPasskeyGate": OperationPolicy(Authorisation.FIRST_USE, Rate.FREE, Severity.NOTICE),
    "setup": OperationPolicy(Authorisation.FIRST_USE, Rate.FREE, Severity.NOTICE),
    "addEnrollment": OperationPolicy(Authorisation.FRESH, Rate.ATTEMPTS, Severity.ALERT),
    "removeEnrollment": OperationPolicy(Authorisation.FRESH, Rate.ATTEMPTS, Severity.ALERT),
    "changePassphrase": OperationPolicy(Authorisation.FRESH, Rate.ATTEMPTS, Severity.ALERT),
    "isSetup": OperationPolicy(Authorisation.NONE, Rate.FREE, Severity.NONE),
    "getEnrollments": OperationPolicy(Authorisation.NONE, Rate.FREE, Severity.NONE),
    "getStatus": OperationPolicy(Authorisation.NONE, Rate.FREE, Severity.NONE, when_locked=True),
    "generateVAPID": OperationPolicy(Authorisation.FRESH, Rate.ATTEMPTS, Severity.NOTICE),
    "regenerateVAPID": OperationPolicy(Authorisation.FRESH, Rate.ATTEMPTS, Severity.ALERT),
    "signJWT": OperationPolicy(Authorisation.FRESH, Rate.ATTEMPTS, Severity.NOTICE),
    "batch": OperationPolicy(Authorisation.FRESH, Rate.ATTEMPTS, Severity.NOTICE),
    "getPublicKey": OperationPolicy(Authorisation.NONE, Rate.FREE, Severity.NONE),
    "getVAPIDKid": OperationPolicy(Authorisation.NONE, Rate.FREE, Severity.NONE),
    "exportPublicKey": OperationPolicy(Authorisation.NONE, Rate.FREE, Severity.NONE),
    "setPushSubscription": OperationPolicy(
        Authorisation.FRESH_OR_LEASE, Rate.ATTEMPTS, Severity.INFO
    ),
    "removePushSubscription": OperationPolicy(
        Authorisation.FRESH_OR_LEASE, Rate.ATTEMPTS, Severity.INFO
    ),
    "getPushSubscription": OperationPolicy(Authorisation.NONE, Rate.FREE, Severity.NONE),
    "createLease": OperationPolicy(Authorisation.FRESH, Rate.ATTEMPTS, Severity.NOTICE),
    "extendLease": OperationPolicy(Authorisation.FRESH, Rate.ATTEMPTS, Severity.NOTICE),
    "refreshLease": OperationPolicy(Authorisation.FRESH, Rate.ATTEMPTS, Severity.NOTICE),
    "resumeLease": OperationPolicy(Authorisation.FRESH, Rate.ATTEMPTS, Severity.NOTICE),
    "revokeLease": OperationPolicy(Authorisation.NONE, Rate.FREE, Severity.NOTICE),
    "revokeAllLeases": OperationPolicy(Authorisation.NONE, Rate.FREE, Severity.NOTICE),
    "suspendPattern": OperationPolicy(Authorisation.FRESH, Rate.ATTEMPTS, Severity.NOTICE),
    "unsuspendPattern": OperationPolicy(Authorisation.FRESH, Rate.ATTEMPTS, Severity.NOTICE),
    "getLeases": OperationPolicy(Authorisation.NONE, Rate.FREE, Severity.NONE),
    "verifyLease": OperationPolicy(Authorisation.NONE, Rate.FREE, Severity.NONE),
    "issueVAPIDJWT": OperationPolicy(Authorisation.LEASE, Rate.QUOTA, Severity.INFO),
    "issueVAPIDJWTs": OperationPolicy(Authorisation.LEASE, Rate.QUOTA, Severity.INFO),
    "recordSends": OperationPolicy(Authorisation.LEASE, Rate.QUOTA, Severity.NONE),
    "getQuota": OperationPolicy(Authorisation.LEASE, Rate.FREE, Severity.NONE),
    "isTokenRevoked": OperationPolicy(Authorisation.NONE, Rate.FREE, Severity.NONE),
    "revokedTokens": OperationPolicy(Authorisation.NONE, Rate.FREE, Severity.NONE),
    "getAuditLog": OperationPolicy(Authorisation.NONE, Rate.FREE, Severity.NONE, when_locked=True),
    "verifyAuditChain": OperationPolicy(Authorisation.NONE, Rate.ONE_AT_A_TIME, Severity.NONE),
    "exportAudit": OperationPolicy(Authorisation.NONE, Rate.FREE, Severity.NONE, when_locked=True),
    "pruneAudit": OperationPolicy(Authorisation.FRESH, Rate.ATTEMPTS, Severity.ALERT),
    "getAuditPublicKey": OperationPolicy(Authorisation.NONE, Rate.FREE, Severity.NONE),
    "getAuditCheckpoint": OperationPolicy(Authorisation.NONE, Rate.FREE, Severity.NONE),
    "getInclusionProof": OperationPolicy(Authorisation.NONE, Rate.FREE, Severity.NONE),
    "getConsistencyProof": OperationPolicy(Authorisation.NONE, Rate.FREE, Severity.NONE),
    "proveAudit": OperationPolicy(Authorisation.NONE, Rate.FREE, Severity.NONE),
    "resetKMS": OperationPolicy(
        Authorisation.CONFIRM, Rate.ATTEMPTS, Severity.ALERT, when_locked=True
    ),
}
