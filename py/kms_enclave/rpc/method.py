"""A row of the method table, and what each of its columns can say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Final, Never, Protocol

import attrs

from kms_enclave.context import Context
from kms_enclave.issuing.issuance import Issuer
from kms_enclave.issuing.ledger import Ledger

__all__ = [
    "CHOOSES_PASSPHRASE_MS",
    "DERIVES_KEY_MS",
    "Access",
    "Authorisation",
    "Enclave",
    "Handler",
    "Method",
    "Rate",
    "Severity",
    "Wire",
]

Wire = Mapping[str, object]
"""A result as JSON."""

Handler = Callable[[Never, str], Awaitable[Wire]]
"""Called with its method's structured parameters and the verified parent origin."""

DERIVES_KEY_MS: Final = 30_000
"""The deadline of a method that derives a key from a passphrase, or reads the log."""

CHOOSES_PASSPHRASE_MS: Final = 60_000
"""The deadline of a method for which a passphrase may be chosen, and stretched again."""


class Authorisation(Enum):
    """What must be shown before a method does anything."""

    NONE = "nothing"
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
class Enclave:
    """What methods are bound to, when the enclave starts. No handler is given it."""

    context: Context
    issuer: Issuer
    ledger: Ledger
    methods: Mapping[str, Method]


class Access(Protocol):
    """A handler, with what authorises it. :mod:`kms_enclave.rpc.access` has the kinds."""

    @property
    def authorisation(self) -> Authorisation:
        """What must be shown before the handler does anything."""

    def bind(self, name: str, enclave: Enclave) -> Handler:
        """Return what dispatch calls: it authorises, then gives the handler what that allows."""


@attrs.frozen
class Method:
    """One row.

    ``params`` and ``result`` are classes of :mod:`kms_enclave.rpc.contract`. ``purpose`` is its
    sentence in ``docs/methods.md``. ``deadline_ms`` is how long the SDK waits for the reply.
    ``when_locked``: whether the method answers after a failed check at start.
    """

    params: type
    result: type
    access: Access
    purpose: str
    rate: Rate = attrs.field(default=Rate.FREE, kw_only=True)
    severity: Severity = attrs.field(default=Severity.NONE, kw_only=True)
    deadline_ms: int = attrs.field(default=10_000, kw_only=True)
    when_locked: bool = attrs.field(default=False, kw_only=True)

    @property
    def authorisation(self) -> Authorisation:
        """What must be shown before the method does anything."""
        return self.access.authorisation
