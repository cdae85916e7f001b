"""Whatever is changed in one stored entry, verification names that entry."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from functools import cache
from typing import Any

from enclave import CREDENTIALS, Refusal, World
from forging import verify_signature
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from kms_enclave.log.verify.chain import BadEntryError, ChainVerifier

_thoroughly = settings(max_examples=4 * settings.default.max_examples)


@cache
def _log() -> tuple[str, ...]:
    """Return the stored texts of a log with entries of every signer."""

    async def write() -> tuple[str, ...]:
        world = World()
        worker = await world.ready()
        lease = await worker.create_lease()
        with suppress(Refusal):
            await worker.create_lease(credentials={**CREDENTIALS, "passphrase": "x" * 9})
        await worker.issue(lease)
        await worker.issue(lease, relayId="relay")
        found = await world.memory.scan("audit", after=None, limit=100)
        return tuple(record.value for _, record in found)

    return asyncio.run(write())


def _first_fault(texts: list[str]) -> int | None:
    verifier = ChainVerifier()
    for number, text in enumerate(texts):
        try:
            checks = verifier.check(text.encode()).signatures
        except BadEntryError as error:
            return error.seq_num
        if not all(verify_signature(c.public_raw, c.signature, c.message) for c in checks):
            return number
    return None


def test_the_log_verifies_as_it_is() -> None:
    assert len(_log()) == 6
    assert _first_fault(list(_log())) is None


_ANY_CHARACTER = st.characters(exclude_categories=["Cs"]) | st.sampled_from(
    '0123456789abcdef"{},:-'
)


@_thoroughly
@given(st.data())
def test_a_changed_character_shows(data: st.DataObject) -> None:
    texts = list(_log())
    number = data.draw(st.integers(0, len(texts) - 1))
    text = texts[number]
    place = data.draw(st.integers(0, len(text) - 1))
    texts[number] = text[:place] + data.draw(_ANY_CHARACTER) + text[place + 1 :]
    assume(texts[number] != text)
    assert _first_fault(texts) == number


def _paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the way to every member of a JSON value, at any depth."""
    members: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        members = list(value.items())
    elif isinstance(value, list):
        members = list(enumerate(value))
    return [
        found
        for name, member in members
        for found in [(*path, name), *_paths(member, (*path, name))]
    ]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@_thoroughly
@given(st.data())
def test_a_changed_added_or_removed_member_shows(data: st.DataObject) -> None:
    texts = list(_log())
    number = data.draw(st.integers(0, len(texts) - 1))
    entry = json.loads(texts[number])
    path = data.draw(st.sampled_from(_paths(entry)))
    holder = entry
    for step in path[:-1]:
        holder = holder[step]
    how = data.draw(st.sampled_from(["replace", "remove", "rename", "add"]))
    if how == "replace":
        holder[path[-1]] = data.draw(_JSON)
    elif how == "remove":
        del holder[path[-1]]
    elif isinstance(holder, dict):
        member = holder.pop(path[-1]) if how == "rename" else data.draw(_JSON)
        holder[data.draw(st.text(max_size=10))] = member
    else:
        holder.append(data.draw(_JSON))
    # In the one accepted spelling, so that a rule about what it says must refuse it.
    texts[number] = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assume(json.loads(texts[number]) != json.loads(_log()[number]))
    assert _first_fault(texts) == number


@_thoroughly
@given(st.data())
def test_entries_left_out_repeated_or_out_of_order_show(data: st.DataObject) -> None:
    texts = list(_log())
    order = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=8))
    assume(order != list(range(len(order))))
    first_wrong = next(place for place, number in enumerate(order) if place != number)
    assert _first_fault([texts[number] for number in order]) == first_wrong
