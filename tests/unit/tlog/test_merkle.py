"""The tree's functions against the vectors of RFC 6962's reference implementation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from kms_enclave.tlog.merkle import (
    EMPTY_ROOT,
    ProofError,
    Range,
    consistency_ranges,
    fold,
    inclusion_ranges,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from kms_enclave.tlog.tree import (
    EMPTY_FRONTIER,
    append,
    frontier_root,
    hashes_of,
    nodes_of,
    root_of,
)

_VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "merkle.json").read_text("utf-8"))
LEAVES = [leaf_hash(bytes.fromhex(entry)) for entry in _VECTORS["entries"]]
ROOTS: list[str] = _VECTORS["roots"]
INCLUSION: dict[tuple[int, int], list[str]] = {
    (each["index"], each["size"]): each["path"] for each in _VECTORS["inclusion"]
}
CONSISTENCY: dict[tuple[int, int], list[str]] = {
    (each["oldSize"], each["size"]): each["path"] for each in _VECTORS["consistency"]
}


def _root(size: int) -> bytes:
    return bytes.fromhex(ROOTS[size])


def _roots(ranges: Sequence[Range]) -> list[str]:
    frontier, _ = append(EMPTY_FRONTIER, LEAVES)
    hashes = hashes_of(nodes_of(ranges), {}, frontier)
    return [root_of(leaves, hashes).hex() for leaves in ranges]


@pytest.mark.parametrize("size", range(9))
def test_roots(size: int) -> None:
    assert frontier_root(append(EMPTY_FRONTIER, LEAVES[:size])[0]) == _root(size)


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert fold([]) == EMPTY_ROOT == _root(0)


@pytest.mark.parametrize(("place", "path"), INCLUSION.items(), ids=str)
def test_inclusion_proofs(place: tuple[int, int], path: list[str]) -> None:
    index, size = place
    assert _roots(inclusion_ranges(index, size)) == path
    verify_inclusion(
        [bytes.fromhex(each) for each in path],
        expected_leaf=LEAVES[index],
        expected_index=index,
        expected_size=size,
        expected_root=_root(size),
    )


@pytest.mark.parametrize(("sizes", "path"), CONSISTENCY.items(), ids=str)
def test_consistency_proofs(sizes: tuple[int, int], path: list[str]) -> None:
    old_size, size = sizes
    assert _roots(consistency_ranges(old_size, size)) == path
    verify_consistency(
        [bytes.fromhex(each) for each in path],
        expected_old_size=old_size,
        expected_old_root=_root(old_size),
        expected_size=size,
        expected_root=_root(size),
    )


_PATH = [bytes.fromhex(each) for each in INCLUSION[0, 8]]
_FROM_6 = [bytes.fromhex(each) for each in CONSISTENCY[6, 8]]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (_PATH[:2], "too short"),
        ([*_PATH, _PATH[0]], "too long"),
        ([_PATH[1], _PATH[0], _PATH[2]], "another root"),
    ],
)
def test_a_wrong_inclusion_proof_is_refused(path: list[bytes], reason: str) -> None:
    with pytest.raises(ProofError, match=reason):
        verify_inclusion(
            path,
            expected_leaf=LEAVES[0],
            expected_index=0,
            expected_size=8,
            expected_root=_root(8),
        )


@pytest.mark.parametrize("index", [-1, 8])
def test_a_leaf_outside_the_tree_is_refused(index: int) -> None:
    with pytest.raises(ProofError, match="outside"):
        verify_inclusion(
            _PATH,
            expected_leaf=LEAVES[0],
            expected_index=index,
            expected_size=8,
            expected_root=_root(8),
        )


@pytest.mark.parametrize(
    ("path", "old_size", "old_root", "reason"),
    [
        ([], 1, _root(1), "too short"),
        ([], 6, _root(6), "too short"),
        (_PATH[:2], 1, _root(1), "too short"),
        ([*_PATH, _PATH[0]], 1, _root(1), "too long"),
        ([_PATH[1], _PATH[0], _PATH[2]], 1, _root(1), "another root"),
        (_FROM_6, 6, _root(5), "begin with"),
        (_PATH, 0, _root(0), "empty"),
        (_PATH, 9, _root(8), "larger"),
        ([], 8, _root(7), "different roots"),
        (_PATH, 8, _root(8), "different roots"),
    ],
)
def test_a_wrong_consistency_proof_is_refused(
    path: list[bytes], old_size: int, old_root: bytes, reason: str
) -> None:
    with pytest.raises(ProofError, match=reason):
        verify_consistency(
            path,
            expected_old_size=old_size,
            expected_old_root=old_root,
            expected_size=8,
            expected_root=_root(8),
        )
