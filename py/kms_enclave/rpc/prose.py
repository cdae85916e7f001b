"""What the reference pages say beyond the contract, in one sentence or two each.

Used by :mod:`kms_enclave.rpc.docs`; nothing decides by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kms_enclave.errors import QUOTA_MESSAGES

__all__ = ["ADVICE", "PURPOSE"]

PURPOSE: Final[Mapping[str, str]] = {
    "setupPassphrase": "Makes the Master Secret, the first enrollment and the first VAPID key.",
    "setupPasskeyPRF": "The same with a passkey whose PRF output protects the Master Secret.",
    "setupPasskeyGate": "The same with a passkey as a gate, which is of lower assurance.",
    "setup": "The same by a method that the user picks in the enclave's own wizard.",
    "addEnrollment": "Adds a way to unlock the same Master Secret.",
    "removeEnrollment": "Removes a way to unlock, never the last that must remain.",
    "changePassphrase": "Replaces the passphrase; keys, leases and the log stay.",
    "isSetup": "Tells whether there is an enrollment, and of which kinds.",
    "getEnrollments": "Lists the ways to unlock, and what each is worth.",
    "getStatus": "Tells what runs and in which state; answers whatever else is wrong.",
    "generateVAPID": "Adds a VAPID key, which is the current one from then on.",
    "regenerateVAPID": "Replaces the current VAPID key and ends the leases that sign with it.",
    "signJWT": "Signs one VAPID token with claims of the caller's, under authentication.",
    "batch": "Runs several authenticated methods under one authentication, all or nothing.",
    "getVAPIDKid": "Returns the current key's identifier.",
    "exportPublicKey": "The same as `getPublicKey`.",
    "setPushSubscription": "Keeps this origin's push subscription with the current VAPID key.",
    "removePushSubscription": "Forgets this origin's push subscription.",
    "getPushSubscription": "Returns this origin's push subscription of the current VAPID key.",
    "getPublicKey": "Returns a VAPID public key, as `applicationServerKey` takes it.",
    "createLease": "Lets this origin have tokens for some endpoints, for some hours.",
    "extendLease": "Moves a lease's end, within the cap.",
    "refreshLease": "Moves a lease's end as far as the cap allows; lifts a suspension.",
    "resumeLease": "Gives a lease its signing handle again where the browser lost it.",
    "revokeLease": "Ends a lease at once; a page may always give its own power up.",
    "revokeAllLeases": "Ends every lease of this origin at once.",
    "suspendPattern": "Refuses issuing for matching users of this origin until lifted.",
    "unsuspendPattern": "Lifts a pattern, named exactly as it was set.",
    "getLeases": "Lists this origin's leases.",
    "verifyLease": "Tells whether a lease of this origin may be used now, and if not, why.",
    "issueVAPIDJWTs": "Issues up to ten tokens with staggered lives, all or none.",
    "recordSends": "Counts sends with tokens of a batch, before they are made; grants or refuses.",
    "getQuota": "Tells what a lease has used of each quota, and when there is room again.",
    "isTokenRevoked": "Tells whether a token is on the emergency list.",
    "revokedTokens": "Returns the emergency list: tokens of revoked leases that still live.",
    "issueVAPIDJWT": "Issues one VAPID token (RFC 8292) under a lease, without the user.",
    "getAuditLog": "Returns a page of the audit log; without parameters `KMSUser` reads all pages.",
    "exportAudit": "Returns a part of the log as an export file that anybody can verify.",
    "pruneAudit": "Drops old entries behind the checkpoint of an export.",
    "getAuditPublicKey": "Returns the keys that sign the log and its checkpoints, to be pinned.",
    "getAuditCheckpoint": "Signs a checkpoint of the log: its size and the root of its tree.",
    "getInclusionProof": "Proves that an entry is in the tree of a checkpoint.",
    "getConsistencyProof": "Proves that the log of one checkpoint begins with that of another.",
    "proveAudit": "Proves, to whoever remembers an earlier log, that this one grew from it.",
    "verifyAuditChain": "Verifies every entry of the stored log, from the first one.",
    "resetKMS": "Deletes every key, lease and entry, and begins a new instance with a new log.",
}

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
