"""Telling pages that the log has grown: a checkpoint once a minute at most, never one a commit.

A page that keeps what it has seen of the log moves on with it, so that what it keeps stays
small, and what happens to the log while the enclave runs is noticed before the next start.
"""

from __future__ import annotations

from kms_enclave.audit.proofs import checkpoint_of, read_log
from kms_enclave.context import Context

__all__ = ["Announcer"]


class Announcer:
    """Announces for one worker; whoever calls it decides how often."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._announced: tuple[str, int] | None = None

    async def announce(self) -> None:
        """Tell of the log's growth since the last call. What a start finds is no news.

        Raises KMSError ``storage.evicted``, ``attestation.failed``.
        """
        log = await read_log(self._context.storage, self._context.enclave_origin)
        standing = (log.origin, log.head.size)
        if self._announced not in (None, standing):
            checkpoint = await checkpoint_of(self._context.crypto, log)
            data = {"checkpoint": checkpoint, "size": log.head.size}
            self._context.events.emit("audit.checkpoint", data, origin=None)
        self._announced = standing
