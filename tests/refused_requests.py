"""Requests that must be refused: what is asked, and the error that names the fault.

One table for the domain and for the page: `tests/unit/rpc/test_refused_requests.py` goes through
all of it in CPython; `e2e` sends a few of each kind through the port and through the SDK.
"""

from __future__ import annotations

import json
from typing import Any

import attrs

CREDENTIALS = {"method": "passphrase", "passphrase": "PASSPHRASE"}
ENDPOINT = {
    "url": "https://fcm.googleapis.com/fcm/send/abcdefgh",
    "aud": "https://fcm.googleapis.com",
    "eid": "laptop",
}
ISSUE = {"leaseId": "LEASE", "endpoint": ENDPOINT}
BATCH = {**ISSUE, "count": 2}
EXTENSION = {"leaseId": "LEASE", "addHours": 1, "credentials": CREDENTIALS}
SENDS = {"leaseId": "LEASE", "eid": ENDPOINT["eid"], "count": 1}
LEASE = {"userId": "ada", "subs": [ENDPOINT], "ttlHours": 1, "credentials": CREDENTIALS}
OTHER_URL = "https://fcm.googleapis.com/fcm/send/another"
MEGABYTE = "m" * 1_000_000


def fill_in(params: object, *, lease_id: str, passphrase: str) -> Any:
    """Return `params` with a lease's ID for each LEASE, and the passphrase for each PASSPHRASE."""
    text = json.dumps(params).replace("LEASE", lease_id).replace("PASSPHRASE", passphrase)
    return json.loads(text)


@attrs.frozen
class Refused:
    """`field`, where given, is the field that the error's details must name.

    The parameters are to be filled in: see :func:`fill_in`.
    """

    name: str
    method: str
    params: object
    code: str = "request.invalid"
    field: str | None = None


def _issue(name: str, changes: dict[str, object], code: str, field: str | None = None) -> Refused:
    return Refused(f"issue-{name}", "issueVAPIDJWT", {**ISSUE, **changes}, code, field)


def _endpoint(
    name: str, changes: dict[str, object], code: str, field: str | None = None
) -> Refused:
    return _issue(name, {"endpoint": {**ENDPOINT, **changes}}, code, field)


def _lease(name: str, changes: dict[str, object], code: str, field: str | None = None) -> Refused:
    return Refused(f"lease-{name}", "createLease", {**LEASE, **changes}, code, field)


def _batch(name: str, count: object, code: str = "request.invalid") -> Refused:
    return Refused(f"batch-{name}", "issueVAPIDJWTs", {**BATCH, "count": count}, code, "count")


def _extension(name: str, changes: dict[str, object], code: str, field: str) -> Refused:
    return Refused(f"extension-{name}", "extendLease", {**EXTENSION, **changes}, code, field)


def _sends(name: str, changes: dict[str, object], code: str, field: str | None = None) -> Refused:
    return Refused(f"sends-{name}", "recordSends", {**SENDS, **changes}, code, field)


def _without(params: dict[str, object], field: str) -> dict[str, object]:
    return {name: value for name, value in params.items() if name != field}


def _sub(**changes: object) -> dict[str, object]:
    return {"subs": [{**ENDPOINT, **changes}]}


UNKNOWN_METHODS = [
    Refused(f"method-{name}", name, {}, "method.unknown")
    for name in ("noSuchMethod", "", "constructor", "__proto__", "toString", "start", "kms:boot")
]

# No parameter of issuing decides what is in the token; none at all brings a key of its own.
CALLER_CLAIMS = [
    _issue(f"{name}-from-caller", {name: value}, "request.invalid", name)
    for name, value in {
        "exp": 4_102_444_800,
        "jti": "11111111-1111-4111-8111-111111111111",
        "iat": 0,
        "nbf": 0,
        "sub": "mailto:somebody@else.example",
        "aud": "https://fcm.googleapis.com",
        "ttl": 86_400,
        "count": 10,
        "origin": "http://localhost:1",
        "existingMS": "AAAA",
        "__proto__": {"leaseId": "LEASE"},
        "constructor": {"prototype": {}},
        "lease_id": "LEASE",
    }.items()
]

FOREIGN_FIELDS = [
    Refused("setup-existingMS", "setupPassphrase", {"existingMS": "AAAA"}, field="existingMS"),
    Refused("status-extra", "getStatus", {"verbose": True}, field="verbose"),
    Refused("status-proto", "getStatus", {"__proto__": {"x": 1}}, field="__proto__"),
    Refused("isSetup-extra", "isSetup", {"verbose": True}, field="verbose"),
    Refused("reset-force", "resetKMS", {"force": True}, field="force"),
    _lease("existingMS", {"existingMS": "AAAA"}, "request.invalid", "existingMS"),
    _lease("leaseId-from-caller", {"leaseId": "lease-1"}, "request.invalid", "leaseId"),
    _lease(
        "quota-unknown", {"quotas": {"tokensPerDay": 1}}, "request.invalid", "quotas.tokensPerDay"
    ),
    _lease(
        "credentials-extra",
        {"credentials": {**CREDENTIALS, "iterations": 1}},
        "request.invalid",
        "credentials.iterations",
    ),
    _endpoint("extra", {"exp": 1}, "request.invalid", "endpoint.exp"),
]

MISSING_OR_MISTYPED = [
    Refused("issue-nothing", "issueVAPIDJWT", {}),
    Refused("issue-without-lease", "issueVAPIDJWT", _without(ISSUE, "leaseId"), field="leaseId"),
    Refused(
        "issue-without-endpoint", "issueVAPIDJWT", _without(ISSUE, "endpoint"), field="endpoint"
    ),
    Refused("lease-without-subs", "createLease", _without(LEASE, "subs"), field="subs"),
    _issue("leaseId-number", {"leaseId": 5}, "request.invalid", "leaseId"),
    _issue("leaseId-list", {"leaseId": ["LEASE"]}, "request.invalid", "leaseId"),
    _issue("leaseId-null", {"leaseId": None}, "request.invalid", "leaseId"),
    _issue("leaseId-empty", {"leaseId": ""}, "request.invalid", "leaseId"),
    _endpoint("eid-number", {"eid": 7}, "request.invalid", "endpoint.eid"),
    _issue("endpoint-text", {"endpoint": ENDPOINT["url"]}, "request.invalid", "endpoint"),
    _issue("relayId-number", {"relayId": 1}, "request.invalid", "relayId"),
    _lease("subs-object", {"subs": ENDPOINT}, "request.invalid", "subs"),
    _lease("ttl-text", {"ttlHours": "1"}, "request.invalid", "ttlHours"),
    _lease("ttl-true", {"ttlHours": True}, "request.invalid", "ttlHours"),
    _lease(
        "quota-fraction",
        {"quotas": {"tokensPerHour": 1.5}},
        "request.invalid",
        "quotas.tokensPerHour",
    ),
    _lease("quota-zero", {"quotas": {"tokensPerHour": 0}}, "request.invalid"),
    _lease("quota-over-ceiling", {"quotas": {"tokensPerHour": 1_000_001}}, "request.invalid"),
    _lease(
        "passphrase-number",
        {"credentials": {**CREDENTIALS, "passphrase": 12345678}},
        "request.invalid",
    ),
    _lease(
        "method-unknown",
        {"credentials": {**CREDENTIALS, "method": "none"}},
        "request.invalid",
        "credentials.method",
    ),
    Refused("setup-number", "setupPassphrase", {"passphrase": 12345678}, field="passphrase"),
    Refused("kid-list", "getPublicKey", {"kid": ["A" * 43]}, field="kid"),
    Refused("log-from-text", "getAuditLog", {"from": "0"}, field="from"),
    Refused("log-from-negative", "getAuditLog", {"from": -1}),
    Refused("log-limit-zero", "getAuditLog", {"limit": 0}),
    Refused("log-limit-unsafe", "getAuditLog", {"limit": 2**53}),
    Refused("params-list", "getStatus", []),
    Refused("params-text", "getStatus", "{}"),
    Refused("params-null", "getStatus", None),
]

# The frame refuses these; the worker would, by the length of the field.
TOO_LARGE = [
    _issue("leaseId-megabyte", {"leaseId": MEGABYTE}, "request.too.large"),
    _endpoint("eid-megabyte", {"eid": MEGABYTE}, "request.too.large"),
    _lease("userId-megabyte", {"userId": MEGABYTE}, "request.too.large"),
    _lease(
        "passphrase-megabyte",
        {"credentials": {**CREDENTIALS, "passphrase": MEGABYTE}},
        "request.too.large",
    ),
    Refused("kid-megabyte", "getPublicKey", {"kid": MEGABYTE}, "request.too.large"),
]

WRONG_VALUES = [
    _lease(
        "passphrase-of-7",
        {"credentials": {**CREDENTIALS, "passphrase": "1234567"}},
        "unlock.denied",
    ),
    _issue(
        "lease-unknown",
        {"leaseId": "lease-00000000-0000-4000-8000-000000000000"},
        "lease.not.found",
    ),
    _endpoint("url-not-in-lease", {"url": OTHER_URL}, "endpoint.not.in.lease"),
    _endpoint("eid-not-in-lease", {"eid": "phone"}, "endpoint.not.in.lease"),
    _endpoint("aud-of-another", {"aud": "https://web.push.apple.com"}, "aud.mismatch"),
    _endpoint("aud-with-slash", {"aud": "https://fcm.googleapis.com/"}, "aud.mismatch"),
    _lease("aud-of-another", _sub(aud="https://web.push.apple.com"), "aud.mismatch"),
    _endpoint("aud-with-path", {"aud": f"{ENDPOINT['aud']}/fcm"}, "aud.mismatch"),
    _lease("aud-with-path", _sub(aud=f"{ENDPOINT['aud']}/fcm"), "aud.mismatch"),
    _issue("kid-of-another-key", {"kid": "A" * 43}, "key.not.found"),
    Refused("kid-unknown", "getPublicKey", {"kid": "A" * 43}, "key.not.found"),
    _lease("ttl-zero", {"ttlHours": 0}, "lease.limit"),
    _lease("ttl-negative", {"ttlHours": -1}, "lease.limit"),
    _lease("ttl-of-nothing", {"ttlHours": 1e-9}, "lease.limit", "ttlHours"),
    _lease("userId-long", {"userId": "u" * 129}, "request.invalid", "userId"),
    _lease("userId-surrogate", {"userId": "\ud800"}, "request.invalid", "userId"),
    _issue("relayId-long", {"relayId": "r" * 65}, "request.invalid", "relayId"),
    _issue("leaseId-long", {"leaseId": "l" * 65}, "request.invalid", "leaseId"),
    _lease("eid-long", _sub(eid="e" * 65), "request.invalid", "subs[0].eid"),
    _lease(
        "url-long",
        {"subs": [ENDPOINT, {**ENDPOINT, "url": f"{ENDPOINT['url']}{'x' * 2048}"}]},
        "request.invalid",
        "subs[1].url",
    ),
    Refused("pattern-lines", "suspendPattern", {"userIdPattern": "bot-\n*"}, field="userIdPattern"),
    _lease("userId-lines", {"userId": "ada\nlin"}, "request.invalid", "userId"),
    _lease("ttl-over-cap", {"ttlHours": 24.5}, "lease.limit"),
    _lease("subs-none", {"subs": []}, "request.invalid", "subs"),
    _lease("subs-65", {"subs": [{**ENDPOINT, "eid": str(n)} for n in range(65)]}, "lease.limit"),
    _lease("eid-twice", {"subs": [ENDPOINT, ENDPOINT]}, "request.invalid", "subs[1].eid"),
    _lease(
        "url-http",
        _sub(url="http://push.example/x", aud="http://push.example"),
        "request.invalid",
        "subs[0].url",
    ),
    _lease("url-user", _sub(url="https://a@fcm.googleapis.com/x"), "request.invalid"),
    _lease("url-script", _sub(url="javascript:alert(1)", aud="null"), "request.invalid"),
]

# Numbers that the methods of a lease do not take.
COUNTS = [
    _batch("of-none", 0),
    _batch("of-11", 11),
    _batch("of-1.5", 1.5),
    _batch("of-less", -1),
    _batch("of-text", "2"),
    _batch("of-null", None),
    _sends("none", {"count": 0}, "request.invalid", "count"),
    _sends("of-1.5", {"count": 1.5}, "request.invalid", "count"),
    _sends("of-less", {"count": -1}, "request.invalid", "count"),
    _sends("of-unknown-eid", {"eid": "phone"}, "eid.unknown"),
    _extension("of-nothing", {"addHours": 0}, "lease.limit", "addHours"),
    _extension("of-less", {"addHours": -1}, "lease.limit", "addHours"),
    _extension("over-cap", {"addHours": 24}, "lease.limit", "addHours"),
    _extension("of-ages", {"addHours": 1e300}, "lease.limit", "addHours"),
    _extension("of-text", {"addHours": "1"}, "request.invalid", "addHours"),
    _extension("of-true", {"addHours": True}, "request.invalid", "addHours"),
    _extension("to-a-time", {"exp": 4_102_444_800_000}, "request.invalid", "exp"),
]

# What the enclave itself refuses, by these codes.
REFUSED = [
    *UNKNOWN_METHODS,
    *CALLER_CLAIMS,
    *FOREIGN_FIELDS,
    *MISSING_OR_MISTYPED,
    *WRONG_VALUES,
    *COUNTS,
]

_IN_A_PAGE = (
    "method-noSuchMethod",
    "method-__proto__",
    "issue-exp-from-caller",
    "issue-__proto__-from-caller",
    "lease-credentials-extra",
    "lease-without-subs",
    "lease-passphrase-megabyte",
    "lease-passphrase-of-7",
    "lease-ttl-of-nothing",
    "issue-url-not-in-lease",
    "batch-of-1.5",
    "params-list",
)
"""One of each kind: they show that what a page sends arrives as the tests in CPython send it."""

IN_A_PAGE = [case for case in [*REFUSED, *TOO_LARGE] if case.name in _IN_A_PAGE]
