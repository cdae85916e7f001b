"""The worker's side of the channel to the frame: JSON texts in, JSON texts out.

The frame is of this origin and has verified whom it speaks for; what a page wrote is
inside ``params`` only. The channel also carries the enclave's own questions to the
user (:class:`~kms_enclave.ports.prompt.PromptPort`), one dialog at a time, each named
after the call that it is for, so that the frame asks nothing for a call that nobody waits
for any more; and events
(:class:`~kms_enclave.ports.events.EventsPort`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Final, cast

import attrs

from kms_enclave.encoding import format_base64url, format_json, parse_json
from kms_enclave.errors import KMSError, request_invalid
from kms_enclave.ports.prompt import Dialog, NewChallenge
from kms_enclave.rpc.dialog import WireDialog

__all__ = ["Channel", "Request"]

Send = Callable[[str], None]
Request = Mapping[str, object]
_CALL: Final[ContextVar[object]] = ContextVar("call")
"""The id of the request that a task answers."""
_NUMBER: Final = re.compile(r'\{"id": ?(?P<id>[0-9]{1,15}),')


@attrs.frozen
class _Question:
    """Asked and not answered; ``new_challenge`` where a ceremony can answer it."""

    answer: asyncio.Future[Mapping[str, object]]
    new_challenge: NewChallenge | None


class Channel:
    """Sends replies and events, asks the user, and hands requests to ``handle``."""

    def __init__(self, *, send: Send) -> None:
        self._send = send
        self._asks: dict[int, _Question] = {}
        self._next_ask = 1
        self._attention = asyncio.Lock()
        self._running: set[asyncio.Task[None]] = set()
        self.handle: Callable[[Request], Awaitable[str]] = _refuse_all

    def receive(self, text: str) -> None:
        """Take one message of the frame; a request is answered later, exactly once."""
        try:
            message = cast(dict[str, object], parse_json(text))
        except ValueError:
            self._refuse_unreadable(text)
            return
        if "method" in message:
            self.run_beside(self._answer(message))
            return
        number = cast(int, message.get("id"))
        if message.get("begin") is True:
            self._begin(number)
            return
        question = self._asks.pop(number, None)
        if question is not None and not question.answer.done():
            question.answer.set_result(message)

    def run_beside(self, work: Coroutine[object, object, None]) -> None:
        """Run something for as long as the channel lives."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def send_message(self, message: Mapping[str, object]) -> None:
        """Send progress, ``kms:ready`` or ``kms:refused``."""
        self._send(format_json(message))

    def emit(self, event: str, data: Mapping[str, object], *, origin: str | None) -> None:
        """Send an event to the pages of one parent origin, or of all."""
        self.send_message({"type": "kms:event", "event": event, "data": data, "origin": origin})

    @asynccontextmanager
    async def dialog(self) -> AsyncIterator[Dialog]:
        """Wait for the user's attention; close the dialog at the end of the block."""
        async with self._attention:
            dialog = WireDialog(ask=self._ask)
            try:
                yield dialog
            finally:
                if dialog.is_open:
                    self.send_message({"ask": "close"})

    def _refuse_unreadable(self, text: str) -> None:
        """A request begins with its number, so that even one that cannot be read is answered."""
        numbered = _NUMBER.match(text)
        if numbered is not None:
            error = request_invalid("params", "cannot be read, or nested too deeply")
            self.send_message({"id": int(numbered["id"]), "error": error.to_wire()})

    def discard_passkey(self, *, rp_id: str, credential_id: bytes) -> None:
        """Have the browser forget a passkey that was made and is not enrolled."""
        named = {"rpId": rp_id, "credentialId": format_base64url(credential_id)}
        self.send_message({"discard": named})

    def _begin(self, number: int) -> None:
        """The user begins a ceremony: now it gets its challenge."""
        question = self._asks.get(number)
        if question is not None and question.new_challenge is not None:
            challenge = format_base64url(question.new_challenge())
            self.send_message({"id": number, "challenge": challenge})

    async def _answer(self, request: Request) -> None:
        _CALL.set(request.get("id"))
        self._send(await self.handle(request))

    async def _ask(
        self, question: Mapping[str, object], new_challenge: NewChallenge | None
    ) -> Mapping[str, object]:
        number = self._next_ask
        self._next_ask += 1
        answer: asyncio.Future[Mapping[str, object]] = asyncio.get_running_loop().create_future()
        self._asks[number] = _Question(answer, new_challenge)
        self.send_message({"id": number, "call": _CALL.get(), **question})
        return await answer


async def _refuse_all(request: Request) -> str:
    error = KMSError("channel.not.initialized")
    return format_json({"id": request.get("id"), "error": error.to_wire()})
