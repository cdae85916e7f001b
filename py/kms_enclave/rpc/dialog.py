"""The enclave's dialog over the wire: questions as JSON, bytes as base64url."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping

import attrs

from kms_enclave.encoding import format_base64url, parse_base64url
from kms_enclave.errors import ERROR_CODES, KMSError
from kms_enclave.ports.prompt import (
    AssertionAnswer,
    Ceremony,
    NewChallenge,
    PassphraseAnswer,
    PromptRequest,
    Recognition,
    RegistrationAnswer,
    RegistrationOptions,
)

__all__ = ["WireDialog"]

Ask = Callable[[Mapping[str, object], NewChallenge | None], Awaitable[Mapping[str, object]]]
"""Sends a question; makes a challenge each time that the frame begins a ceremony for it."""


@attrs.frozen
class _Answered:
    """An answer's fields, and the last challenge that was made for its question."""

    fields: Mapping[str, object]
    challenge: bytes


class WireDialog:
    """:class:`~kms_enclave.ports.prompt.Dialog` through the frame."""

    def __init__(self, *, ask: Ask) -> None:
        self._ask = ask
        self.is_open = False
        self._asked = 0

    async def authenticate(
        self, request: PromptRequest, ceremony: Ceremony | None
    ) -> PassphraseAnswer | AssertionAnswer:
        """Ask for one of the methods that unlock."""
        fields = {"ceremony": _ceremony_json(ceremony) if ceremony else None}
        new_challenge = ceremony.new_challenge if ceremony else None
        answer = await self._question("authenticate", request, fields, new_challenge)
        return _passphrase(answer) if "passphrase" in answer.fields else _assertion(answer)

    async def choose_passphrase(self, request: PromptRequest) -> PassphraseAnswer:
        """Ask for a new passphrase, typed twice."""
        return _passphrase(await self._question("choosePassphrase", request, {}))

    async def register(
        self, request: PromptRequest, options: RegistrationOptions
    ) -> RegistrationAnswer:
        """Have the user create a passkey."""
        fields = {"registration": _options_json(options)}
        answer = await self._question("register", request, fields, options.new_challenge)
        return _registration(answer)

    async def set_up(
        self, request: PromptRequest, options: RegistrationOptions
    ) -> PassphraseAnswer | RegistrationAnswer:
        """Show the wizard."""
        fields = {"registration": _options_json(options)}
        answer = await self._question("setUp", request, fields, options.new_challenge)
        return _passphrase(answer) if "passphrase" in answer.fields else _registration(answer)

    async def confirm(self, request: PromptRequest, *, word: str | None) -> None:
        """Have the user agree, by typing ``word`` where one is given."""
        answer = await self._question("confirm", request, {"word": word})
        if word is not None and answer.fields.get("word") != word:
            raise KMSError("unlock.cancelled")

    async def introduce(self, request: PromptRequest) -> None:
        """Show what the user will recognise prompts by, until it is read."""
        with contextlib.suppress(KMSError):  # Turning away from it refuses nothing.
            await self._question("introduce", request, {})

    async def _question(
        self,
        ask: str,
        request: PromptRequest,
        fields: Mapping[str, object],
        new_challenge: NewChallenge | None = None,
    ) -> _Answered:
        challenge = b""

        def begin() -> bytes:
            nonlocal challenge
            challenge = new_challenge() if new_challenge else b""
            return challenge

        self.is_open = True
        self._asked += 1
        message = await self._ask(
            {
                "ask": ask,
                "operation": request.operation,
                "origin": request.origin,
                "methods": list(request.methods),
                "attempt": self._asked,
                "error": request.error.to_wire() if request.error else None,
                "recognition": _recognition_json(request.recognition),
                **fields,
            },
            begin if new_challenge else None,
        )
        answer = message.get("answer")
        if isinstance(answer, dict):
            return _Answered(answer, challenge)
        self.is_open = False  # The frame closed it when the user refused.
        raise _refusal(message.get("refused"))


def _recognition_json(recognition: Recognition | None) -> Mapping[str, object] | None:
    if recognition is None:
        return None
    return {"phrase": recognition.phrase, "colour": recognition.colour}


def _ceremony_json(ceremony: Ceremony) -> Mapping[str, object]:
    return {
        "rpId": ceremony.rp_id,
        "passkeys": [
            {
                "credentialId": format_base64url(option.credential_id),
                "appSalt": format_base64url(option.app_salt) if option.app_salt else None,
            }
            for option in ceremony.passkeys
        ],
    }


def _options_json(options: RegistrationOptions) -> Mapping[str, object]:
    return {
        "rpId": options.rp_id,
        "userHandle": format_base64url(options.user_handle),
        "userName": options.user_name,
        "appSalt": format_base64url(options.app_salt),
        "exclude": [format_base64url(credential_id) for credential_id in options.exclude],
    }


def _passphrase(answer: _Answered) -> PassphraseAnswer:
    return PassphraseAnswer(str(answer.fields.get("passphrase", "")))


def _assertion(answered: _Answered) -> AssertionAnswer:
    answer = answered.fields
    return AssertionAnswer(
        challenge=answered.challenge,
        credential_id=_bytes(answer, "credentialId"),
        client_data_json=_bytes(answer, "clientDataJSON"),
        authenticator_data=_bytes(answer, "authenticatorData"),
        signature=_bytes(answer, "signature"),
        prf_output=_optional_bytes(answer, "prfOutput"),
    )


def _registration(answered: _Answered) -> RegistrationAnswer:
    answer = answered.fields
    algorithm = answer.get("algorithm")
    return RegistrationAnswer(
        challenge=answered.challenge,
        credential_id=_bytes(answer, "credentialId"),
        client_data_json=_bytes(answer, "clientDataJSON"),
        authenticator_data=_bytes(answer, "authenticatorData"),
        public_key=_bytes(answer, "publicKey"),
        algorithm=algorithm if isinstance(algorithm, int) else 0,
        prf_enabled=answer.get("prfEnabled") is True,
        prf_output=_optional_bytes(answer, "prfOutput"),
    )


def _bytes(answer: Mapping[str, object], name: str) -> bytes:
    value = answer.get(name)
    try:
        if isinstance(value, str):
            return parse_base64url(value)
    except ValueError:
        pass
    raise KMSError("unlock.denied", "The authenticator's answer is malformed")


def _optional_bytes(answer: Mapping[str, object], name: str) -> bytes | None:
    return _bytes(answer, name) if answer.get(name) is not None else None


def _refusal(refused: object) -> KMSError:
    code = refused.get("code") if isinstance(refused, dict) else None
    if not isinstance(code, str) or code not in ERROR_CODES or not isinstance(refused, dict):
        return KMSError("unlock.cancelled")
    message, details = refused.get("message"), refused.get("details")
    wait_ms = refused.get("retryAfterMs")
    return KMSError(
        code,
        message if isinstance(message, str) else None,
        retry_after_ms=wait_ms if isinstance(wait_ms, int) else None,
        details=details if isinstance(details, dict) else None,
    )
