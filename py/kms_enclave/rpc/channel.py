"""The worker's side of the channel to the frame: JSON texts in, JSON texts out.

The frame is of this origin and has verified whom it speaks for; what a page wrote is
inside ``params`` only. The channel also carries the enclave's own questions to the
user (:class:`~kms_enclave.ports.prompt.PromptPort`), one dialog at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import cast

from kms_enclave.encoding import format_json, parse_json
from kms_enclave.errors import ERROR_CODES, KMSError
from kms_enclave.ports.prompt import PassphraseAnswer, PromptRequest

__all__ = ["Channel", "Request"]

Send = Callable[[str], None]
Request = Mapping[str, object]


class Channel:
    """Sends replies and events, asks the user, and hands requests to ``handle``."""

    def __init__(self, *, send: Send) -> None:
        self._send = send
        self._asks: dict[int, asyncio.Future[Mapping[str, object]]] = {}
        self._next_ask = 1
        self._dialog = asyncio.Lock()
        self._running: set[asyncio.Task[None]] = set()
        self.handle: Callable[[Request], Awaitable[str]] = _refuse_all

    def receive(self, text: str) -> None:
        """Take one message of the frame; a request is answered later, exactly once."""
        message = cast("dict[str, object]", parse_json(text))
        if "method" in message:
            task = asyncio.ensure_future(self._answer(message))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            return
        waiting = self._asks.pop(cast(int, message.get("id")), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    def send_message(self, message: Mapping[str, object]) -> None:
        """Send progress, ``kms:ready`` or ``kms:refused``."""
        self._send(format_json(message))

    async def authenticate(self, request: PromptRequest) -> PassphraseAnswer:
        """Ask for the passphrase. Raises KMSError ``unlock.cancelled``."""
        return _passphrase(await self._ask("authenticate", request, None))

    async def choose_passphrase(self, request: PromptRequest) -> PassphraseAnswer:
        """Ask for a new passphrase. Raises KMSError ``unlock.cancelled``."""
        return _passphrase(await self._ask("choosePassphrase", request, None))

    async def confirm(self, request: PromptRequest, *, word: str) -> None:
        """Have the user type ``word``. Raises KMSError ``unlock.cancelled``."""
        answer = await self._ask("confirm", request, word)
        if answer.get("word") != word:
            await self.close()
            raise KMSError("unlock.cancelled")

    async def close(self) -> None:
        """Close the dialog that an answer left open."""
        self.send_message({"ask": "close"})
        self._dialog.release()

    async def _answer(self, request: Request) -> None:
        self._send(await self.handle(request))

    async def _ask(
        self, ask: str, request: PromptRequest, word: str | None
    ) -> Mapping[str, object]:
        if request.attempt == 1:
            await self._dialog.acquire()
        number = self._next_ask
        self._next_ask += 1
        reply: asyncio.Future[Mapping[str, object]] = asyncio.get_running_loop().create_future()
        self._asks[number] = reply
        self.send_message(
            {
                "id": number,
                "ask": ask,
                "operation": request.operation,
                "origin": request.origin,
                "methods": list(request.methods),
                "word": word,
                "attempt": request.attempt,
                "error": request.error.to_wire() if request.error else None,
            }
        )
        message = await reply
        answer = message.get("answer")
        if isinstance(answer, dict):
            return answer
        self._dialog.release()  # The frame closed the dialog when the user refused.
        raise _refusal(message.get("refused"))


async def _refuse_all(request: Request) -> str:
    error = KMSError("channel.not.initialized")
    return format_json({"id": request.get("id"), "error": error.to_wire()})


def _passphrase(answer: Mapping[str, object]) -> PassphraseAnswer:
    return PassphraseAnswer(str(answer.get("passphrase", "")))


def _refusal(refused: object) -> KMSError:
    code = refused.get("code") if isinstance(refused, dict) else None
    known = isinstance(code, str) and code in ERROR_CODES
    return KMSError(str(code) if known else "unlock.cancelled")
