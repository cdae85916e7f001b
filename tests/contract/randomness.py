"""Random bytes and UUIDs."""

from __future__ import annotations

import re

from .expect import equal, holds
from .subject import Subject

_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


async def random_bytes_have_the_length_asked_for(subject: Subject) -> None:
    for length in (1, 12, 65_536):
        equal(len(subject.crypto.random_bytes(length)), length)


async def random_bytes_differ_from_call_to_call(subject: Subject) -> None:
    equal(len({subject.crypto.random_bytes(16) for _ in range(50)}), 50)


async def random_uuids_are_version_4_in_lower_case_and_differ(subject: Subject) -> None:
    uuids = {subject.crypto.random_uuid() for _ in range(50)}
    equal(len(uuids), 50)
    holds(all(_UUID4.fullmatch(uuid) for uuid in uuids), "RFC 9562, version 4")
