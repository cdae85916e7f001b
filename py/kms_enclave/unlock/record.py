"""Enrollment records: the Master Secret, wrapped for one way of unlocking it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import attrs

from kms_enclave.codec import DamagedRecordError, format_record, parse_record
from kms_enclave.encoding import canonical_json, parse_base64url
from kms_enclave.errors import KMSError
from kms_enclave.log.unit_of_work import UnitOfWork
from kms_enclave.ports.crypto import KeyHandle, WrappingKey
from kms_enclave.ports.storage import Address, Record, StoragePort
from kms_enclave.structure import from_json
from kms_enclave.unlock.passphrase import PassphraseKdf, parse_kdf

__all__ = [
    "GATE",
    "MAX_OF_A_KIND",
    "METHODS_IN_WORDS",
    "PASSPHRASE",
    "PASSPHRASE_ENROLLMENT",
    "PRF",
    "PRF_SALT_LENGTH",
    "Enrollment",
    "EnrollmentRecord",
    "Method",
    "PasskeyData",
    "Via",
    "enrollment_address",
    "enrollment_id_for",
    "generic_method",
    "has_form",
    "in_words",
    "is_credential_id",
    "is_enrollment_id",
    "list_enrollments",
    "master_secret_aad",
    "parse_enrollment",
    "read_enrollment",
    "readable_enrollments",
    "write_enrollment",
]

Method = Literal["passphrase", "passkey-prf", "passkey-gate"]
PASSPHRASE: Final = "passphrase"
PRF: Final = "passkey-prf"
GATE: Final = "passkey-gate"
PASSPHRASE_ENROLLMENT: Final = "enrollment:passphrase:v2"
"""There is one passphrase: it is changed, not added to."""

METHODS_IN_WORDS: Final[Mapping[Method, str]] = {
    PASSPHRASE: "a passphrase",
    PRF: "a passkey",
    GATE: "a passkey with lower protection",
}
"""What a prompt calls a method that a page asks to enroll."""

MAX_OF_A_KIND: Final = 8
_MAX_ENROLLMENTS: Final = 64
_GATE_KEY: Final = "gate"
_ENCRYPTED_MS_LENGTH: Final = 48
_IV_LENGTH: Final = 12
PRF_SALT_LENGTH: Final = 32
_MAX_CREDENTIAL: Final = 1023
_ENROLLMENT_ID: Final = re.compile(
    rf"enrollment:(?:{PASSPHRASE}:v2|(?:{PRF}|{GATE}):v2(?::[2-{MAX_OF_A_KIND}])?)"
)

Via = Literal["page", "enclave"]
"""Who saw the credentials: the embedding page, or only the enclave."""


@attrs.frozen
class PasskeyData:
    """Bytes are base64url. ``app_salt`` is the PRF input, ``kek_salt`` HKDF's salt.

    ``public_key`` is a SubjectPublicKeyInfo; there is none for a passkey that the page
    created (``page_only``), whose assertions nobody here can verify.
    """

    credential_id: str
    rp_id: str
    page_only: bool
    sign_count: int
    public_key: str | None = None
    algorithm: int | None = None
    app_salt: str | None = None
    kek_salt: str | None = None


@from_json
@attrs.frozen
class EnrollmentRecord:
    """Bytes are base64url; ``created_at`` is in milliseconds.

    A passphrase that is changed is created anew, later than the one it replaces; one that is
    recalibrated is not.
    """

    enrollment_id: str
    method: Method
    created_at: int
    via: Via
    encrypted_ms: str
    ms_iv: str
    kdf: PassphraseKdf | None = None
    passkey: PasskeyData | None = None

    @property
    def page_only(self) -> bool:
        """Whether only the page that created the passkey can unlock with it."""
        return self.passkey is not None and self.passkey.page_only

    def is_same_secret(self, earlier: EnrollmentRecord) -> bool:
        """Tell whether what opened an ``earlier`` state of the record still opens this one."""
        recalibrated = self.kdf is not None and self.created_at == earlier.created_at
        return recalibrated or self.encrypted_ms == earlier.encrypted_ms

    def unlocks_here(self, *, allow_gate: bool) -> bool:
        """Tell whether the enclave's own dialog can unlock with it; one such must remain."""
        return not self.page_only and (allow_gate or self.method != GATE)


@attrs.frozen
class Enrollment:
    """A record with the gate's key, where it has one."""

    record: EnrollmentRecord
    gate_key: WrappingKey | None = None


def enrollment_address(enrollment_id: str) -> Address:
    """Return where an enrollment's record is."""
    return Address("enrollments", enrollment_id)


def enrollment_id_for(method: Method, *, taken: Sequence[str]) -> str:
    """Return the id of the next enrollment of a method. Raises KMSError where there is none.

    There is one passphrase (it is changed, not added to); passkeys of a kind are
    ``enrollment:passkey-prf:v2``, ``…:v2:2`` and so on.
    """
    first = f"enrollment:{method}:v2"
    if first not in taken:
        return first
    if method == PASSPHRASE:
        raise KMSError("enrollment.exists", details={"enrollmentId": first})
    for number in range(2, MAX_OF_A_KIND + 1):
        if f"{first}:{number}" not in taken:
            return f"{first}:{number}"
    raise KMSError("enrollment.exists", f"At most {MAX_OF_A_KIND} passkeys of a kind")


def is_enrollment_id(text: str) -> bool:
    """Tell whether :func:`enrollment_id_for` could have made an id."""
    return _ENROLLMENT_ID.fullmatch(text) is not None


def in_words(enrollment_id: str) -> str:
    """Return what a user calls an enrollment with an id of :func:`enrollment_id_for`."""
    if enrollment_id == PASSPHRASE_ENROLLMENT:
        return "the passphrase"
    _, method, _, *number = enrollment_id.split(":")
    passkey = f"passkey {number[0] if number else 1}"
    return passkey if method == PRF else f"{passkey} of those with lower protection"


def master_secret_aad(
    *, enrollment_id: str, method: Method, instance_id: str, credential_id: str | None = None
) -> bytes:
    """Return the AAD of ``encryptedMS``, recomputed from what is expected."""
    value: dict[str, object] = {
        "algVersion": 1,
        "enrollmentId": enrollment_id,
        "instanceId": instance_id,
        "kmsVersion": 2,
        "method": method,
        "purpose": "master-secret",
    }
    if credential_id is not None:
        value["credentialId"] = credential_id
    return canonical_json(value)


def parse_enrollment(stored: Record, *, expected_id: str) -> Enrollment:
    """Return the enrollment that a record holds. Raises KMSError ``enrollment.damaged``."""
    try:
        record = parse_record(stored.value, EnrollmentRecord)
        sound = record.enrollment_id == expected_id and (
            record.kdf is not None if record.method == PASSPHRASE else record.passkey is not None
        )
    except DamagedRecordError:
        sound = False
    gate_key = stored.handles.get(_GATE_KEY)
    if not sound or (record.method == GATE) != isinstance(gate_key, WrappingKey):
        raise KMSError("enrollment.damaged", details={"enrollmentId": expected_id})
    return Enrollment(record, gate_key if isinstance(gate_key, WrappingKey) else None)


def has_form(record: EnrollmentRecord) -> bool:
    """Tell whether every part of a record can be what was written.

    One that has not is asked for all the same, and its user is told that it is damaged; but
    it is no way in that could remain.
    """
    try:
        _verify_form(record)
    except ValueError:
        return False
    return True


def _verify_form(record: EnrollmentRecord) -> None:
    _require_bytes(record.encrypted_ms, _ENCRYPTED_MS_LENGTH)
    _require_bytes(record.ms_iv, _IV_LENGTH)
    kdf, passkey = record.kdf, record.passkey
    if record.method == PASSPHRASE:
        if kdf is None:
            raise ValueError("a passphrase without its derivation")
        parse_kdf(kdf)
        return
    if passkey is None or not is_credential_id(parse_base64url(passkey.credential_id)):
        raise ValueError("a passkey without an id")
    if record.method == PRF:
        _require_bytes(passkey.kek_salt, PRF_SALT_LENGTH)
    if record.method == PRF and not passkey.page_only:
        _require_bytes(passkey.app_salt, PRF_SALT_LENGTH)


def is_credential_id(data: bytes) -> bool:
    """Tell whether bytes can be a credential's id (WebAuthn, section 4)."""
    return 1 <= len(data) <= _MAX_CREDENTIAL


def _require_bytes(text: str | None, length: int) -> None:
    if text is None or len(parse_base64url(text)) != length:
        raise ValueError(f"not {length} bytes")


async def read_enrollment(storage: StoragePort, enrollment_id: str) -> Enrollment:
    """Return an enrollment. Raises KMSError ``enrollment.not.found`` or ``enrollment.damaged``."""
    (stored,) = await storage.read([enrollment_address(enrollment_id)])
    if stored is None:
        raise KMSError("enrollment.not.found", details={"enrollmentId": enrollment_id})
    return parse_enrollment(stored, expected_id=enrollment_id)


async def write_enrollment(unit: UnitOfWork, enrollment: Enrollment) -> None:
    """Store an enrollment."""
    handles: Mapping[str, KeyHandle] = (
        {_GATE_KEY: enrollment.gate_key} if enrollment.gate_key else {}
    )
    await unit.write(
        enrollment_address(enrollment.record.enrollment_id),
        format_record(enrollment.record),
        handles=handles,
    )


async def list_enrollments(storage: StoragePort) -> list[str]:
    """Return the ids of all enrollments, damaged ones included, in their own order."""
    found = await storage.scan("enrollments", after=None, limit=_MAX_ENROLLMENTS)
    return [str(key) for key, _ in found]


async def readable_enrollments(storage: StoragePort) -> list[Enrollment]:
    """Return the enrollments that are not damaged."""
    enrollments: list[Enrollment] = []
    for key, stored in await storage.scan("enrollments", after=None, limit=_MAX_ENROLLMENTS):
        try:
            enrollments.append(parse_enrollment(stored, expected_id=str(key)))
        except KMSError:
            continue  # The others must still unlock.
    return enrollments


def generic_method(enrollment_id: str) -> str:
    """Return the kind of method that pages see: ``passphrase`` or ``passkey``."""
    return "passphrase" if enrollment_id.startswith("enrollment:passphrase:") else "passkey"
