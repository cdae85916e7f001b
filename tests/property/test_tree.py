"""The tree as it is kept, against the recursive definitions of RFC 6962 section 2.1."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st
from kms_enclave.tlog.merkle import (
    Node,
    Range,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from kms_enclave.tlog.tree import (
    EMPTY_FRONTIER,
    TILE_WIDTH,
    Frontier,
    Hashes,
    TileName,
    append,
    frontier_nodes,
    frontier_root,
    hashes_of,
    last_full_tiles,
    nodes_of,
    root_of,
    tiles_of,
    verify_frontier_form,
)

_MOST = 10_000
_LEAVES = [leaf_hash(str(number).encode()) for number in range(_MOST)]


@cache
def _mth(start: int, end: int) -> bytes:
    """MTH of RFC 6962, over already hashed leaves."""
    count = end - start
    if count == 0:
        return hashlib.sha256(b"").digest()
    if count == 1:
        return _LEAVES[start]
    middle = start + _k(count)
    return hashlib.sha256(b"\1" + _mth(start, middle) + _mth(middle, end)).digest()


def _k(count: int) -> int:
    k = 1
    while 2 * k < count:
        k *= 2
    return k


def _path(index: int, start: int, end: int) -> list[bytes]:
    """PATH of RFC 6962 section 2.1.1."""
    if end - start == 1:
        return []
    middle = start + _k(end - start)
    if index < middle:
        return [*_path(index, start, middle), _mth(middle, end)]
    return [*_path(index, middle, end), _mth(start, middle)]


def _subproof(old_end: int, start: int, end: int, *, complete: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962 section 2.1.2."""
    if old_end == end:
        return [] if complete else [_mth(start, end)]
    middle = start + _k(end - start)
    if old_end <= middle:
        return [*_subproof(old_end, start, middle, complete=complete), _mth(middle, end)]
    return [*_subproof(old_end, middle, end, complete=False), _mth(start, middle)]


@cache
def _kept() -> tuple[tuple[Frontier, ...], dict[TileName, tuple[bytes, ...]]]:
    """Return the frontier at every size, and every tile."""
    frontiers = [EMPTY_FRONTIER]
    tiles: dict[TileName, tuple[bytes, ...]] = {}
    for leaf in _LEAVES:
        frontier, filled = append(frontiers[-1], [leaf])
        frontiers.append(frontier)
        tiles |= {tile.name: tuple(tile.hashes) for tile in filled}
    return tuple(frontiers), tiles


def _read(nodes: Sequence[Node], total: int) -> tuple[Hashes, int]:
    """Return the hashes of nodes out of the tiles that hold them, and how many tiles these are."""
    frontiers, tiles = _kept()
    needed = {name: tiles[name] for name in tiles_of(nodes, frontiers[total])}
    return hashes_of(nodes, needed, frontiers[total]), len(needed)


def _roots(ranges: Sequence[Range], total: int) -> tuple[list[bytes], int]:
    hashes, tile_count = _read(nodes_of(ranges), total)
    return [root_of(leaves, hashes) for leaves in ranges], tile_count


_sizes = st.integers(1, _MOST) | st.integers(1, 70)


def test_every_size_has_the_root_and_the_form_of_its_definition() -> None:
    frontiers, _ = _kept()
    for size, frontier in enumerate(frontiers):
        verify_frontier_form(frontier)
        assert frontier_root(frontier) == _mth(0, size), size


@given(st.lists(st.integers(0, 300), max_size=12))
def test_appending_many_is_appending_each(counts: list[int]) -> None:
    frontiers, tiles = _kept()
    frontier, size = EMPTY_FRONTIER, 0
    written: dict[TileName, tuple[bytes, ...]] = {}
    for count in counts:
        frontier, filled = append(frontier, _LEAVES[size : size + count])
        size += count
        # 15 hashes can be there already; then one tile in 15 leaves, and one more a level.
        assert len(filled) <= (count + TILE_WIDTH - 1) // (TILE_WIDTH - 1) + 3
        written |= {tile.name: tuple(tile.hashes) for tile in filled}
    assert frontier == frontiers[size]
    assert all(tiles[name] == hashes for name, hashes in written.items())


@settings(max_examples=200)
@given(st.data(), _sizes)
def test_proofs_of_any_size_from_any_larger_tree(data: st.DataObject, total: int) -> None:
    levels = len(_kept()[0][total].levels)
    size = data.draw(st.integers(1, total))
    index = data.draw(st.integers(0, size - 1))
    (leaf, *path), tile_count = _roots([(index, index + 1), *inclusion_ranges(index, size)], total)
    assert leaf == _LEAVES[index]
    assert path == _path(index, 0, size)
    verify_inclusion(
        path,
        expected_leaf=_LEAVES[index],
        expected_index=index,
        expected_size=size,
        expected_root=_mth(0, size),
    )
    # At most the tile of the leaf's side and the one beside it, for each level.
    assert tile_count <= 2 * levels

    old_size = data.draw(st.integers(1, size))
    path, tile_count = _roots(consistency_ranges(old_size, size), total)
    assert path == _subproof(old_size, 0, size, complete=True)
    verify_consistency(
        path,
        expected_old_size=old_size,
        expected_old_root=_mth(0, old_size),
        expected_size=size,
        expected_root=_mth(0, size),
    )
    assert tile_count <= 2 * levels


@given(st.data(), _sizes)
def test_the_root_of_any_smaller_tree(data: st.DataObject, total: int) -> None:
    size = data.draw(st.integers(0, total))
    assert _roots([(0, size)], total)[0] == [_mth(0, size)]


@given(st.data(), _sizes)
def test_the_frontier_of_any_smaller_tree(data: st.DataObject, total: int) -> None:
    size = data.draw(st.integers(0, total))
    levels = frontier_nodes(size)
    hashes, _ = _read([node for level in levels for node in level], total)
    assert [[hashes[node] for node in level] for level in levels] == [
        list(level) for level in _kept()[0][size].levels
    ]


@given(_sizes)
def test_the_last_full_tiles_are_the_last(total: int) -> None:
    frontiers, tiles = _kept()
    within = [name for name in tiles if (name.index + 1) * TILE_WIDTH ** (name.level + 1) <= total]
    last = {
        level: max(n.index for n in within if n.level == level)
        for level in {n.level for n in within}
    }
    assert {name.level: name.index for name in last_full_tiles(total)} == last
    assert len(frontiers[total].levels) <= len(last) + 1
