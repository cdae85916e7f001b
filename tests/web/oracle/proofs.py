"""Writes proofs of Merkle trees as JSON: true ones of others' making, and ones that are altered.

Every altered proof has to be refused, whatever was altered in it.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from independent.tree import is_included, leaf_hash, root_of

_ENTRIES = [str(number).encode() for number in range(70)]
_LEAVES = [leaf_hash(entry) for entry in _ENTRIES]
_SIZES = (1, 2, 3, 7, 8, 9, 33, 70)

Case = dict[str, Any]


def _inclusion(index: int, size: int) -> Case:
    return {
        "path": [each.hex() for each in _path(index, _LEAVES[:size])],
        "entry": _ENTRIES[index].hex(),
        "index": index,
        "size": size,
        "root": root_of(_LEAVES[:size]).hex(),
    }


def _consistency(old_size: int, size: int) -> Case:
    return {
        "path": [each.hex() for each in _subproof(old_size, _LEAVES[:size], complete=True)],
        "oldSize": old_size,
        "oldRoot": root_of(_LEAVES[:old_size]).hex(),
        "size": size,
        "root": root_of(_LEAVES[:size]).hex(),
    }


def _split(count: int) -> int:
    return 1 << ((count - 1).bit_length() - 1)


def _path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    middle = _split(len(leaves))
    if index < middle:
        return [*_path(index, leaves[:middle]), root_of(leaves[middle:])]
    return [*_path(index - middle, leaves[middle:]), root_of(leaves[:middle])]


def _subproof(old_size: int, leaves: Sequence[bytes], *, complete: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962 section 2.1.2."""
    if old_size == len(leaves):
        return [] if complete else [root_of(leaves)]
    middle = _split(len(leaves))
    if old_size <= middle:
        inner = _subproof(old_size, leaves[:middle], complete=complete)
        return [*inner, root_of(leaves[middle:])]
    inner = _subproof(old_size - middle, leaves[middle:], complete=False)
    return [*inner, root_of(leaves[:middle])]


def _altered_paths(path: Sequence[str]) -> Iterator[list[str]]:
    """Every proof that differs from this one by one hash: dropped, doubled, swapped, changed."""
    for at, step in enumerate(path):
        before, after = [*path[:at]], [*path[at + 1 :]]
        yield [*before, *after]
        yield [*before, step, step, *after]
        for bit in (0, 255):
            changed = (int(step, 16) ^ (1 << bit)).to_bytes(32, "big").hex()
            yield [*before, changed, *after]
        yield [*before, step[:-2], *after]
        yield [*before, "", *after]
        if after and after[0] != step:
            yield [*before, after[0], step, *after[1:]]
    yield [*path, "00" * 32]
    yield ["00" * 32, *path]


def _altered_inclusions() -> Iterator[Case]:
    for size in _SIZES:
        for index in sorted({0, size // 2, size - 1}):
            case = _inclusion(index, size)
            yield from ({**case, "path": path} for path in _altered_paths(case["path"]))
            yield {**case, "entry": "ff"}
            yield {**case, "root": "00" * 32}
            yield {**case, "root": ""}
            yield {**case, "size": 0}
            yield {**case, "size": 2**53}
            others = [-1, size, index + 0.5, *range(size)]
            yield from ({**case, "index": other} for other in others if other != index)


def _altered_consistencies() -> Iterator[Case]:
    for size in _SIZES:
        for old_size in sorted({1, (size + 1) // 2, max(1, size - 1), size}):
            case = _consistency(old_size, size)
            yield from ({**case, "path": path} for path in _altered_paths(case["path"]))
            yield {**case, "root": "00" * 32}
            yield {**case, "oldRoot": "00" * 32}
            yield {**case, "oldRoot": ""}
            yield {**case, "oldSize": 0}
            yield {**case, "oldSize": size + 1}
            yield {**case, "oldSize": old_size + 0.5}
            yield {**case, "size": 2**53}
            for other in range(1, size + 1):
                if other != old_size:
                    yield {**case, "oldRoot": root_of(_LEAVES[:other]).hex()}


def _inclusions_of_other_sizes() -> Iterator[Case]:
    """A size is not always covered by a proof; here both verifiers have to say the same."""
    for size in _SIZES:
        for index in sorted({0, size // 2, size - 1}):
            for other in range(1, 75):
                yield _judged({**_inclusion(index, size), "size": other})


def _judged(case: Case) -> Case:
    path = [bytes.fromhex(each) for each in case["path"]]
    leaf, root = leaf_hash(bytes.fromhex(case["entry"])), bytes.fromhex(case["root"])
    return {**case, "holds": is_included(leaf, case["index"], case["size"], path, root)}


def _beyond_32_bits() -> Case:
    """A leaf of the right edge of 2**40 + 1 leaves: its only neighbour is all the rest."""
    rest, leaf = bytes(32), leaf_hash(b"last")
    return {
        "path": [rest.hex()],
        "entry": b"last".hex(),
        "index": 2**40,
        "size": 2**40 + 1,
        "root": hashlib.sha256(b"\x01" + rest + leaf).hexdigest(),
    }


def _proofs() -> dict[str, Any]:
    return {
        "inclusions": [_inclusion(index, size) for size in range(1, 71) for index in range(size)],
        "consistencies": [
            _consistency(n, size) for size in range(1, 71) for n in range(1, size + 1)
        ],
        "alteredInclusions": [*_altered_inclusions()],
        "alteredConsistencies": [*_altered_consistencies()],
        "inclusionsOfOtherSizes": [*_inclusions_of_other_sizes()],
        "beyond32Bits": _beyond_32_bits(),
    }


json.dump(_proofs(), sys.stdout)
