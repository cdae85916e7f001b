"""Setting up, and the ways of unlocking."""

from __future__ import annotations

from typing import Literal

import attrs

from kms_enclave.fields import line, text
from kms_enclave.rpc.contract.credentials import Credentials

__all__ = [
    "AddEnrollmentParams",
    "AddEnrollmentResult",
    "ChangePassphraseParams",
    "EnrollmentInfo",
    "GetEnrollmentsResult",
    "IsSetupResult",
    "NewCredentials",
    "RemoveEnrollmentParams",
    "SetupPasskeyParams",
    "SetupPassphraseParams",
    "SetupResult",
    "Success",
]


@attrs.frozen
class SetupPassphraseParams:
    """``passphrase`` 8 to 1024 characters; without it the enclave asks the user itself."""

    passphrase: str | None = attrs.field(
        default=None, repr=False, validator=attrs.validators.optional(text(4096, empty=True))
    )


@attrs.frozen
class SetupPasskeyParams:
    """``name`` is what the authenticator shows; ``rp_id``, if given, is the enclave's host."""

    name: str = attrs.field(validator=line(64))
    user_id: str = attrs.field(validator=line(128))
    rp_id: str | None = attrs.field(default=None, validator=attrs.validators.optional(text(253)))


@attrs.frozen
class SetupResult:
    """``vapid_public_key`` is base64url of the 65-byte uncompressed point."""

    success: Literal[True]
    enrollment_id: str
    vapid_public_key: str
    vapid_kid: str


@attrs.frozen
class IsSetupResult:
    """``methods`` are generic: ``passphrase``, ``passkey``, in this order."""

    is_setup: bool
    methods: tuple[str, ...]


@attrs.frozen
class NewCredentials:
    """What the page passes for a new enrollment: a passphrase, or a passkey it created."""

    passphrase: str | None = attrs.field(
        default=None, repr=False, validator=attrs.validators.optional(text(4096, empty=True))
    )
    credential_id: str | None = attrs.field(
        default=None, validator=attrs.validators.optional(text(1364))
    )
    prf_output: str | None = attrs.field(
        default=None, repr=False, validator=attrs.validators.optional(text(64))
    )
    rp_id: str | None = attrs.field(default=None, validator=attrs.validators.optional(text(253)))


@attrs.frozen
class AddEnrollmentParams:
    """Without ``new_credentials`` the enclave asks the user itself."""

    method: Literal["passphrase", "passkey-prf", "passkey-gate"]
    credentials: Credentials | None = None
    new_credentials: NewCredentials | None = None


@attrs.frozen
class AddEnrollmentResult:
    """The id of what was enrolled; a gate where a passkey turned out to have no PRF."""

    success: Literal[True]
    enrollment_id: str


@attrs.frozen
class RemoveEnrollmentParams:
    """An id of ``getEnrollments``; the last one that must remain is refused."""

    enrollment_id: str = attrs.field(validator=text(64))
    credentials: Credentials | None = None


@attrs.frozen
class ChangePassphraseParams:
    """Without ``new_passphrase`` the enclave asks for it."""

    credentials: Credentials | None = None
    new_passphrase: str | None = attrs.field(
        default=None, repr=False, validator=attrs.validators.optional(text(4096, empty=True))
    )


@attrs.frozen
class Success:
    """It is done."""

    success: Literal[True]


@attrs.frozen
class EnrollmentInfo:
    """What is enrolled. ``assurance`` is low for a gate; ``page_only`` for a page's passkey."""

    enrollment_id: str
    method: str
    created_at: int
    via: Literal["page", "enclave"]
    assurance: Literal["high", "low"]
    page_only: bool
    damaged: bool


@attrs.frozen
class GetEnrollmentsResult:
    """``enrollments`` are the ids, the oldest first; ``details`` says more of each, in that order.

    Times in milliseconds. Those that are damaged come last.
    """

    enrollments: tuple[str, ...]
    details: tuple[EnrollmentInfo, ...]
