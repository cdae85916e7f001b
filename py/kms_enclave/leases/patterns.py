"""Suspended users: glob patterns over ``userId``, set and lifted under authentication.

A pattern holds for the parent origin that set it. ``*`` stands for any characters, ``?``
for one; everything else for itself.
"""

from __future__ import annotations

from typing import Final

import attrs

from kms_enclave.codec import DamagedRecordError, format_record, parse_record
from kms_enclave.errors import KMSError, request_invalid
from kms_enclave.log.unit_of_work import UnitOfWork
from kms_enclave.ports.storage import Address, Record
from kms_enclave.structure import from_json
from kms_enclave.unlock.session import Session

__all__ = [
    "Patterns",
    "lift_pattern",
    "parse_patterns",
    "patterns_address",
    "read_patterns_in",
    "suspend_pattern",
]

MAX_PATTERNS: Final = 100
MAX_PATTERN_LENGTH: Final = 128


@from_json
@attrs.frozen
class Patterns:
    """The patterns of one origin, in the order they were set."""

    patterns: tuple[str, ...] = ()

    def match(self, user_id: str) -> bool:
        """Tell whether a user is suspended."""
        return any(_matches(pattern, user_id) for pattern in self.patterns)


def patterns_address(origin: str) -> Address:
    """Return where an origin's patterns are."""
    return Address("meta", f"patterns:{origin}")


def parse_patterns(record: Record | None) -> Patterns:
    """Return the patterns that a record holds; none for none.

    A damaged record suspends everybody: what it forbade is not known.
    """
    if record is None:
        return Patterns()
    try:
        return parse_record(record.value, Patterns)
    except DamagedRecordError:
        return Patterns(("*",))


async def read_patterns_in(unit: UnitOfWork, origin: str) -> Patterns:
    """Return an origin's patterns as a unit of work sees them."""
    return parse_patterns(await unit.read(patterns_address(origin)))


async def suspend_pattern(session: Session, pattern: str) -> None:
    """Refuse issuing for matching users of this origin; setting it twice changes nothing."""
    if not 1 <= len(pattern) <= MAX_PATTERN_LENGTH:
        raise request_invalid("userIdPattern", f"must be 1 to {MAX_PATTERN_LENGTH} characters")
    held = await read_patterns_in(session.unit, session.origin)
    if pattern in held.patterns:
        return
    if len(held.patterns) >= MAX_PATTERNS:
        raise KMSError("lease.limit", f"At most {MAX_PATTERNS} patterns are kept")
    await _write(session, Patterns((*held.patterns, pattern)))
    session.log("pattern.suspend", details={"userIdPattern": pattern})


async def lift_pattern(session: Session, pattern: str) -> None:
    """Lift a pattern, named exactly as it was set; lifting none changes nothing."""
    held = await read_patterns_in(session.unit, session.origin)
    if pattern not in held.patterns:
        return
    await _write(session, Patterns(tuple(one for one in held.patterns if one != pattern)))
    session.log("pattern.lift", details={"userIdPattern": pattern})


async def _write(session: Session, patterns: Patterns) -> None:
    await session.unit.write(patterns_address(session.origin), format_record(patterns))


def _matches(pattern: str, user_id: str) -> bool:
    """Match greedily with one point of return: linear in memory, never exponential in time."""
    at = star = mark = 0
    has_star = False
    for_pattern = 0
    while at < len(user_id):
        if for_pattern < len(pattern) and pattern[for_pattern] == "*":
            has_star, star, mark = True, for_pattern, at
            for_pattern += 1
        elif for_pattern < len(pattern) and pattern[for_pattern] in ("?", user_id[at]):
            for_pattern += 1
            at += 1
        elif has_star:
            mark += 1
            for_pattern, at = star + 1, mark
        else:
            return False
    return all(character == "*" for character in pattern[for_pattern:])
