"""The contract as reference pages: ``python -m kms_enclave.rpc.docs PAGE`` prints one.

``errors`` is ``docs/errors.md``, ``methods`` is ``docs/methods.md``; a test fails when a
page and the code differ.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from kms_enclave.errors import ERROR_CODES
from kms_enclave.rpc.access import plan_of
from kms_enclave.rpc.methods import METHODS
from kms_enclave.rpc.prose import ADVICE
from kms_enclave.rpc.typescript import contract_classes, format_type
from kms_enclave.structure import camel_case

__all__ = ["PAGES"]

_ERRORS_HEAD: Final = """\
# Errors

Every refusal is `{code, message, retryAfterMs, details}`; in a page it is a `KMSError`, an
`Error` with these fields. Programs decide by `code`, which is stable. `message` is for people
and may be more precise than the one below. `retryAfterMs` is the time after which the same call
would be granted if nothing else happened, or `null` where waiting does not help. `details` never
holds a secret; a stack never crosses an origin.

Generated from `py/kms_enclave/errors.py` by `make contract`.
"""

_METHODS_HEAD: Final = """\
# Methods

Parameters and results as they are on the wire. `KMSUser` has a method of each name that takes the
parameters as one object, but for those that take them one by one: `setupPassphrase(passphrase?)`,
`getPublicKey(kid?)`, `exportPublicKey(kid?)`, `generateVAPID(credentials?)`,
`regenerateVAPID(credentials?)`, `signJWT(kid, payload, credentials?)`, `addEnrollment(method,
credentials?, newCredentials?)`, `removeEnrollment(enrollmentId, credentials?)`,
`changePassphrase(credentials?, newPassphrase?)`, `batch(requests, credentials?)`,
`isTokenRevoked(jti)` and `resetKMS(credentials?)`. `revokeLease`, `verifyLease`, `refreshLease`
and `resumeLease` take a lease's id alone as well. Bytes (`prfOutput`, `credentialId`) may be
given as `ArrayBuffer`; on the wire they are base64url. A `subscription` may be the browser's own
`PushSubscription`. A token's `exp`, `nbf` and `iat` are Unix seconds, as in its claims; every
other time is Unix milliseconds. Unknown, missing and mistyped fields are `request.invalid`, with
the field's path in `details.field`.

`kms.leases.*` and `kms.vapid.*` are other names of the same methods (`web/sdk/aliases.ts`), but for
two: `kms.vapid.issueBatch(params)` resolves to `{tokens, vapidPublicKey}`, where `issueVAPIDJWTs`
resolves to the list of tokens, and `kms.vapid.exportPublicKey(kid?)` to the key as text, where
`exportPublicKey` resolves to `{publicKey}`.

*Rate*: what bounds how often it can be called. *Entry*: how grave its entry in the log is.
*In a batch*: whether it can be a step of `batch`. *When locked*: whether the method answers after
a failed check at start (`attestation.failed`).

Generated from `py/kms_enclave/rpc/methods.py` and `py/kms_enclave/rpc/contract` by `make
contract`.
"""


def format_errors() -> str:
    """Return the text of ``docs/errors.md``."""
    rows = [(f"`{code}`", message, ADVICE[code]) for code, message in ERROR_CODES.items()]
    return "\n".join([_ERRORS_HEAD, *_table(("code", "message", "what to do"), rows), ""])


def format_methods() -> str:
    """Return the text of ``docs/methods.md``."""
    lines = [_METHODS_HEAD]
    summary = [
        (
            f"[`{name}`](#{name.lower()})",
            method.authorisation.value,
            method.rate.value,
            method.severity.value,
            "yes" if plan_of(method) is not None else "no",
            "yes" if method.when_locked else "no",
        )
        for name, method in METHODS.items()
    ]
    lines += [
        *_table(("method", "needs", "rate", "entry", "in a batch", "when locked"), summary),
        "",
    ]
    ends = set[type]()
    for name, method in METHODS.items():
        ends |= {method.params, method.result}
        lines += [f"## {name}", "", method.purpose, "", f"Needs: {method.authorisation.value}.", ""]
        lines += ["**Parameters.** " + _doc(method.params), "", *_fields(method.params)]
        lines += ["**Result.** " + _doc(method.result), "", *_fields(method.result)]
    lines += ["# Types", ""]
    for name, cls in sorted(contract_classes().items()):
        if cls not in ends:
            lines += [f"## {name}", "", _doc(cls), "", *_fields(cls)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _fields(cls: type) -> Iterator[str]:
    fields = attrs.fields(attrs.resolve_types(cls))
    if not fields:
        return
    rows = [
        (
            f"`{camel_case(field.name)}`",
            f"`{format_type(field.type)}`".replace("|", "\\|"),
            "" if field.default is attrs.NOTHING else "optional",
        )
        for field in fields
    ]
    yield from _table(("field", "type", ""), rows)
    yield ""


def _doc(cls: type) -> str:
    text = " ".join((cls.__doc__ or "").replace("``", "`").split())
    return re.sub(r"`([a-z_]+)`", lambda match: f"`{camel_case(match[1])}`", text)


def _table(head: tuple[str, ...], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for cells in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(cells)} |".replace("  ", " ")


PAGES: Final[Mapping[str, Callable[[], str]]] = {"errors": format_errors, "methods": format_methods}

if __name__ == "__main__":
    sys.stdout.write(PAGES[sys.argv[1]]())
