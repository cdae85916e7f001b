"""The log's tree as it is kept: tiles of sixteen hashes, and what has not filled one yet.

Tile *i* of level *l* holds the roots of the complete subtrees of 16**l leaves with the
numbers 16 i to 16 i + 15. A full tile never changes; :class:`Frontier` is what stands
after the last full tile of each level. So an append needs no read, writes one tile in
fifteen appends on average, and a proof reads a tile or two a level. Whoever asks for a
proof, a root or an older frontier names nodes; :func:`tiles_of` says which tiles hold
them. Pure: reading and writing are done elsewhere. Specification: docs/spec/audit.md, Tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from kms_enclave.tlog.merkle import (
    HASH_BYTES,
    Node,
    Range,
    covering_nodes,
    fold,
    node_hash,
)

__all__ = [
    "EMPTY_FRONTIER",
    "TILE_WIDTH",
    "Frontier",
    "Hashes",
    "Tile",
    "TileName",
    "Tiles",
    "append",
    "frontier_nodes",
    "frontier_root",
    "hashes_of",
    "last_full_tiles",
    "nodes_of",
    "root_of",
    "tiles_of",
    "verify_frontier_form",
]

_TILE_HEIGHT: Final = 4
TILE_WIDTH: Final = 1 << _TILE_HEIGHT


@attrs.frozen
class TileName:
    """Which tile."""

    level: int
    index: int


@attrs.frozen
class Tile:
    """A full tile: sixteen hashes."""

    name: TileName
    hashes: Sequence[bytes]

    def root(self) -> bytes:
        """Return the hash that stands for it in the level above."""
        return _root_of(self.hashes)


Tiles = Mapping[TileName, Sequence[bytes]]
"""Full tiles that were read."""

Hashes = Mapping[Node, bytes]
"""Nodes of the tree with their hashes."""


@attrs.frozen
class Frontier:
    """A tree of ``size`` leaves: for each level the hashes after its last full tile."""

    size: int
    levels: Sequence[Sequence[bytes]]


EMPTY_FRONTIER: Final = Frontier(0, ())


def append(frontier: Frontier, leaf_hashes: Iterable[bytes]) -> tuple[Frontier, Sequence[Tile]]:
    """Return the frontier after more leaves, and the tiles that they fill."""
    size = frontier.size
    levels = [list(hashes) for hashes in frontier.levels]
    filled: list[Tile] = []
    for leaf in leaf_hashes:
        size += 1
        new, level = leaf, 0
        while True:
            if level == len(levels):
                levels.append([])
            levels[level].append(new)
            if len(levels[level]) < TILE_WIDTH:
                break
            name = TileName(level, (size >> _TILE_HEIGHT * (level + 1)) - 1)
            tile = Tile(name, tuple(levels[level]))
            filled.append(tile)
            levels[level] = []
            new, level = tile.root(), level + 1
    return Frontier(size, tuple(tuple(hashes) for hashes in levels)), filled


def verify_frontier_form(frontier: Frontier) -> None:
    """Check that each level has as many hashes as the size demands. Raises ValueError."""
    counts = [_pending(frontier.size, level) for level in range(_level_count(frontier.size))]
    if [len(hashes) for hashes in frontier.levels] != counts:
        raise ValueError("the tree's hashes are not as many as its size demands")
    if any(len(each) != HASH_BYTES for hashes in frontier.levels for each in hashes):
        raise ValueError("a hash of the tree has a wrong length")


def frontier_root(frontier: Frontier) -> bytes:
    """Return the root of the tree."""
    everything = (0, frontier.size)
    return root_of(everything, hashes_of(covering_nodes(everything), {}, frontier))


def frontier_nodes(size: int) -> Sequence[Sequence[Node]]:
    """Return the nodes whose hashes are the frontier of the first ``size`` leaves, by level."""
    levels = range(_level_count(size))
    return [
        [
            Node(level * _TILE_HEIGHT, _full_tiles(size, level) * TILE_WIDTH + place)
            for place in range(_pending(size, level))
        ]
        for level in levels
    ]


def nodes_of(ranges: Iterable[Range]) -> Sequence[Node]:
    """Return the nodes that make up some ranges of leaves."""
    return [node for leaves in ranges for node in covering_nodes(leaves)]


def root_of(leaves: Range, hashes: Hashes) -> bytes:
    """Return the root over a range of leaves, whose nodes are among ``hashes``."""
    return fold(hashes[node] for node in covering_nodes(leaves))


def hashes_of(nodes: Iterable[Node], tiles: Tiles, frontier: Frontier) -> Hashes:
    """Return the hashes of some nodes. ``tiles`` has those that :func:`tiles_of` names."""
    return {node: _hash_of(node, tiles, frontier) for node in nodes}


def tiles_of(nodes: Iterable[Node], frontier: Frontier) -> Sequence[TileName]:
    """Return the full tiles that hold some nodes; the frontier holds the others."""
    names = {_tile_of(node) for node in nodes}
    return sorted(
        (name for name in names if _is_full(name, frontier)),
        key=lambda name: (name.level, name.index),
    )


def last_full_tiles(size: int) -> Sequence[TileName]:
    """Return the last full tile of each level that has one, lowest level first."""
    counts = [_full_tiles(size, level) for level in range(_level_count(size))]
    return [TileName(level, count - 1) for level, count in enumerate(counts) if count]


def _hash_of(node: Node, tiles: Tiles, frontier: Frontier) -> bytes:
    hashes = _tile_hashes(_tile_of(node), tiles, frontier)
    height = node.height % _TILE_HEIGHT
    first = (node.index << height) % TILE_WIDTH
    return _root_of(hashes[first : first + (1 << height)])


def _tile_hashes(name: TileName, tiles: Tiles, frontier: Frontier) -> Sequence[bytes]:
    return tiles[name] if _is_full(name, frontier) else frontier.levels[name.level]


def _is_full(name: TileName, frontier: Frontier) -> bool:
    return name.index < _full_tiles(frontier.size, name.level)


def _tile_of(node: Node) -> TileName:
    level, height = divmod(node.height, _TILE_HEIGHT)
    return TileName(level, node.index << height >> _TILE_HEIGHT)


def _root_of(hashes: Sequence[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [node_hash(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


def _full_tiles(size: int, level: int) -> int:
    return size >> _TILE_HEIGHT * (level + 1)


def _pending(size: int, level: int) -> int:
    return (size >> _TILE_HEIGHT * level) % TILE_WIDTH


def _level_count(size: int) -> int:
    return -(-size.bit_length() // _TILE_HEIGHT)
