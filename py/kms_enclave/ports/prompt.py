"""Asking the user, on the enclave's own origin.

The page never sees what passes here. A user who refuses is a
:class:`~kms_enclave.errors.KMSError` with ``unlock.cancelled``; a ceremony that the
browser cannot perform is one with ``unsupported``.

Bytes are ``bytes`` here and base64url on the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import attrs

from kms_enclave.errors import KMSError

__all__ = [
    "AssertionAnswer",
    "Ceremony",
    "Dialog",
    "NewChallenge",
    "PasskeyOption",
    "PassphraseAnswer",
    "PromptPort",
    "PromptRequest",
    "Recognition",
    "RegistrationAnswer",
    "RegistrationOptions",
]


@attrs.frozen
class Recognition:
    """What the user recognises a real prompt by; ``colour`` is ``#rrggbb``."""

    phrase: str
    colour: str


@attrs.frozen
class PasskeyOption:
    """A passkey that can answer; ``app_salt`` is the PRF input, ``None`` for a gate."""

    credential_id: bytes
    app_salt: bytes | None


NewChallenge = Callable[[], bytes]
"""Called when the user begins a ceremony, and each time that they begin it again."""


@attrs.frozen
class Ceremony:
    """Challenges of the worker's own making, and the relying party they are for."""

    new_challenge: NewChallenge
    rp_id: str
    passkeys: Sequence[PasskeyOption] = ()


@attrs.frozen
class RegistrationOptions:
    """What a new passkey is made with. PRF is always asked for, with ``app_salt``.

    ``user_handle`` is random; ``exclude`` are credentials that are enrolled already.
    """

    new_challenge: NewChallenge
    rp_id: str
    user_handle: bytes
    user_name: str
    app_salt: bytes
    exclude: Sequence[bytes] = ()


@attrs.frozen
class PromptRequest:
    """What the user is asked to authorise.

    ``operation`` is a sentence in words; ``origin`` the verified parent origin that
    asks; ``methods`` those that can answer; ``error`` what was wrong with the last answer.
    """

    operation: str
    origin: str
    methods: Sequence[str] = ()
    error: KMSError | None = None
    recognition: Recognition | None = None


@attrs.frozen
class PassphraseAnswer:
    """What the user typed."""

    passphrase: str = attrs.field(repr=False)


@attrs.frozen
class AssertionAnswer:
    """What an authenticator signed (WebAuthn section 6.3.3); ``prf_output`` is 32 bytes.

    ``challenge`` is the last that was made for the question, empty where none was.
    """

    challenge: bytes
    credential_id: bytes
    client_data_json: bytes
    authenticator_data: bytes
    signature: bytes
    prf_output: bytes | None = attrs.field(repr=False)


@attrs.frozen
class RegistrationAnswer:
    """A new credential (WebAuthn section 5.2.1); ``public_key`` is a SubjectPublicKeyInfo.

    ``algorithm`` is a COSE number. ``prf_enabled`` says that the credential may have PRF;
    ``prf_output`` is there where the authenticator evaluates it at creation;
    ``challenge`` as in :class:`AssertionAnswer`.
    """

    challenge: bytes
    credential_id: bytes
    client_data_json: bytes
    authenticator_data: bytes
    public_key: bytes
    algorithm: int
    prf_enabled: bool
    prf_output: bytes | None = attrs.field(repr=False)


class Dialog(Protocol):
    """One dialog of the enclave's own. It opens with the first question.

    Each question waits until the user has answered and leaves the dialog open, so that
    what was wrong can be said in it. A user who refuses has closed it.
    """

    async def authenticate(
        self, request: PromptRequest, ceremony: Ceremony | None
    ) -> PassphraseAnswer | AssertionAnswer:
        """Ask for one of the methods that unlock."""

    async def choose_passphrase(self, request: PromptRequest) -> PassphraseAnswer:
        """Ask for a new passphrase, typed twice."""

    async def register(
        self, request: PromptRequest, options: RegistrationOptions
    ) -> RegistrationAnswer:
        """Have the user create a passkey."""

    async def set_up(
        self, request: PromptRequest, options: RegistrationOptions
    ) -> PassphraseAnswer | RegistrationAnswer:
        """Show the wizard: the user picks one of ``request.methods`` and completes it."""

    async def confirm(self, request: PromptRequest, *, word: str | None) -> None:
        """Have the user agree, by typing ``word`` where one is given."""

    async def introduce(self, request: PromptRequest) -> None:
        """Show ``request.recognition``, new to the user, until it is read."""


class PromptPort(Protocol):
    """The user, for one operation at a time."""

    def dialog(self) -> AbstractAsyncContextManager[Dialog]:
        """Return a context manager that waits for its turn and closes the dialog at its end."""

    def discard_passkey(self, *, rp_id: str, credential_id: bytes) -> None:
        """Have the browser forget a passkey that was made and is not enrolled, if it can."""
