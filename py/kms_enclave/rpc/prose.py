"""What the reference says about each error code, in one sentence or two.

Used by :mod:`kms_enclave.rpc.docs`; nothing decides by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kms_enclave.errors import QUOTA_MESSAGES

__all__ = ["ADVICE"]

ADVICE: Final[Mapping[str, str]] = {
    "quota.exceeded.lease": "Wait `retryAfterMs`. `details` has `leaseId`, `used`, `limit`, `fits`,"
    " and in `scope` which quota it is; the message says so, too:"
    f" «{QUOTA_MESSAGES['sendsPerMinute']}», «{QUOTA_MESSAGES['burstSends']}».",
    "quota.exceeded.endpoint": "Wait `retryAfterMs`, or send to another endpoint than"
    " `details.eid`.",
    "quota.exceeded.user": "Wait `retryAfterMs`. All leases of `details.userId` count together.",
    "quota.exceeded.relay": "Wait `retryAfterMs`, or send through another relay than"
    " `details.relayId`.",
    "quota.suspended": "Stop calling and wait `retryAfterMs`, or call `refreshLease`.",
    "eid.unknown": "Pass an `eid` of the lease.",
    "lease.expired": "Create a new lease.",
    "lease.not.found": "Create a new lease in the place of `details.leaseId`.",
    "lease.revoked": "Create a new lease. `details` says when (`revokedAt`) and why (`reason`).",
    "lease.needs.resume": "The browser lost a key handle. Call `resumeLease`.",
    "lease.suspended": "Lift the pattern with `unsuspendPattern`.",
    "lease.limit": "Ask for less, or create a new lease where its end is too near for a token.",
    "relay.proof.invalid": "Have the relay prove this call anew; `details.fault` says why.",
    "endpoint.not.in.lease": "`url` and `eid` must be a pair of the lease, whose ids are"
    " `details.authorizedEids`. Create a lease for it.",
    "aud.mismatch": "Pass `details.expected`: the origin of the endpoint's URL.",
    "unlock.denied": "Let the user try again. Each denied guess is an entry of the log.",
    "unlock.cancelled": "The user closed the prompt. Do not ask again by yourself.",
    "unlock.throttled": "Wait `retryAfterMs` where it is given.",
    "enrollment.exists": "Go on with what is there. A second setup never replaces anything.",
    "enrollment.not.found": "Use an id of `getEnrollments`, or a method that is enrolled.",
    "enrollment.last": "Add another way to unlock first.",
    "enrollment.damaged": "That record does not open. Unlock with another method and remove it.",
    "setup.required": "Call `setup`.",
    "key.not.found": "Leave `kid` out, or read the current one from `getStatus`.",
    "clock.skew": "Let the user authenticate anything: time goes on from the clock's.",
    "jti.collision": "Call again; nothing was issued.",
    "request.invalid": "A mistake of the caller: `details` has `field` and `reason`.",
    "method.unknown": "A mistake of the caller, or an older enclave than the SDK.",
    "request.too.large": "The JSON text of `params` is over 262 144 characters, or more than 1 024"
    " calls are under way on the port (the SDK queues them).",
    "origin.denied": "Only the origin that created the lease may use it.",
    "integrity.failed": "Deploy again, and find out who changed the files.",
    "attestation.failed": "Keep the log (`error.handle`), find out what happened, then reset.",
    "audit.rollback": "Keep the log (`error.handle`); `details.check` says what does not fit. Go on"
    " with `acceptNewLog()` only when user or developer has decided so.",
    "storage.blocked": "Allow third-party storage here, or serve the enclave on the same site.",
    "storage.unavailable": "Reload. In some private windows there is no IndexedDB at all.",
    "storage.full": "Free space on the device.",
    "storage.evicted": "What was stored is lost. The next `init()` finds an empty enclave, and"
    " rejects with `audit.rollback`: `acceptNewLog()`, then set up again. Browsers do this when"
    " space is short, and when the user clears the site's data.",
    "storage.newer": "Reload until the newer version of the enclave comes.",
    "unsupported": "Another browser, or a newer one; `details.capability` names what is missing.",
    "channel.not.initialized": "Await `init()` first.",
    "channel.timeout": "`details.stage` says where. At `hello`: `parentOrigins`, or a damaged"
    " deployment.",
    "channel.closed": "Whether a call under way took effect is unknown. Call `init()` again.",
    "internal": "A defect. Report it with `details.correlationId`.",
}
