"""What is enrolled, and changes to it, told from the log and from what unlocks."""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from collections.abc import Mapping, Sequence

import attrs
from oracles.audit_log import operations, verify_log
from oracles.vapid import verify_vapid_token

from e2e.driving.enclave import ENDPOINT, EnclavePage, Outcome

PASSPHRASE_ID = "enrollment:passphrase:v2"
PASSKEY_ID = "enrollment:passkey-prf:v2"
_OPERATIONS = ("setup", "enrollment.add", "enrollment.remove", "enrollment.change")

Credentials = Mapping[str, str]
Enrolled = Mapping[str, Credentials]
"""Credentials by the id of what they unlock."""


def passphrase(number: int) -> Credentials:
    return {"method": "passphrase", "passphrase": f"passphrase number {number}"}


def page_passkey(number: int) -> Credentials:
    """Return the PRF output of a passkey that the page keeps to itself."""
    output = hashlib.sha256(b"PRF output %d" % number).digest()
    return {"method": "passkey-prf", "prfOutput": _base64url(output)}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


@attrs.frozen
class Change:
    """A call that changes what is enrolled, or is refused: then `logged` is None."""

    method: str
    parameters: Sequence[object]
    before: Enrolled
    after: Enrolled
    logged: str | None


def setting_up(number: int) -> Change:
    chosen = passphrase(number)
    return Change("setupPassphrase", [chosen["passphrase"]], {}, {PASSPHRASE_ID: chosen}, "setup")


def adding(enrolled: Enrolled, number: int) -> Change:
    passkey = page_passkey(number)
    made = {
        "credentialId": _base64url(b"passkey %d" % number),
        "prfOutput": passkey["prfOutput"],
        "rpId": "localhost",
    }
    parameters = ["passkey-prf", enrolled[PASSPHRASE_ID], made]
    after = {**enrolled, PASSKEY_ID: passkey}
    return Change("addEnrollment", parameters, enrolled, after, "enrollment.add")


def changing(enrolled: Enrolled, number: int) -> Change:
    chosen = passphrase(number)
    parameters = [enrolled[PASSPHRASE_ID], chosen["passphrase"]]
    after = {**enrolled, PASSPHRASE_ID: chosen}
    return Change("changePassphrase", parameters, enrolled, after, "enrollment.change")


def removing(enrolled: Enrolled) -> Change:
    parameters = [PASSKEY_ID, enrolled[PASSPHRASE_ID]]
    after = {PASSPHRASE_ID: enrolled[PASSPHRASE_ID]}
    return Change("removeEnrollment", parameters, enrolled, after, "enrollment.remove")


def removing_the_last(enrolled: Enrolled) -> Change:
    parameters = [PASSPHRASE_ID, enrolled[PASSPHRASE_ID]]
    return Change("removeEnrollment", parameters, enrolled, enrolled, None)


@attrs.define
class History:
    """What an enclave has been seen to hold; every look at it must go on from there."""

    public_key: str | None = None
    _operations: Sequence[str] = ()

    def verify(self, enclave: EnclavePage, change: Change) -> Enrolled:
        """Return the state that holds after a change that may have been cut off.

        Fails the test unless it is the one before or the one after, whole: in the log, in
        the list, and in what unlocks. What unlocks signs with the key of the setup.
        """
        entries = enclave.log()
        verify_log(entries)
        assert enclave.call("verifyAuditChain").value["valid"] is True
        logged = [operation for operation in operations(entries) if operation in _OPERATIONS]
        expected = {False: list(self._operations), True: [*self._operations, change.logged]}
        assert logged in expected.values(), logged
        held = change.after if logged == expected[True] else change.before
        self._operations = logged
        listed = enclave.call("getEnrollments").value["enrollments"] if held else []
        assert enclave.call("isSetup").value["isSetup"] is bool(held)
        assert set(listed) == set(held)
        for credentials in held.values():
            self._signs(enclave, credentials)
        for gone in _all_of(change) - _each(held):
            code = _sign(enclave, dict(gone)).code
            assert code in ("unlock.denied", "enrollment.not.found", "setup.required"), code
        return held

    def _signs(self, enclave: EnclavePage, credentials: Credentials) -> None:
        """Sign a token after unlocking; others' code verifies it under the first public key."""
        public_key = enclave.call("getPublicKey").value["publicKey"]
        self.public_key = self.public_key or public_key
        jwt = _sign(enclave, credentials).value["jwt"]
        verify_vapid_token(
            jwt,
            public_key=self.public_key,
            expected_endpoint=ENDPOINT["url"],
            now_s=time.time(),
        )


def _sign(enclave: EnclavePage, credentials: Credentials) -> Outcome:
    status = enclave.call("getStatus").value
    claims = {
        "aud": ENDPOINT["aud"],
        "sub": "mailto:ada@example.org",
        "exp": int(time.time()) + 600,
        "jti": str(uuid.uuid4()),
    }
    return enclave.call("signJWT", status["vapidKid"] or "none", claims, credentials)


def _each(enrolled: Enrolled) -> set[tuple[tuple[str, str], ...]]:
    return {tuple(credentials.items()) for credentials in enrolled.values()}


def _all_of(change: Change) -> set[tuple[tuple[str, str], ...]]:
    return _each(change.before) | _each(change.after)
