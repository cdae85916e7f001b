"""Tiles of the log's tree in storage, and what is computed from them."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from kms_enclave.codec import DamagedRecordError, format_record, parse_record
from kms_enclave.log.head import format_hashes, parse_hashes
from kms_enclave.ports.storage import Address, Put, Record, StoragePort
from kms_enclave.structure import from_json
from kms_enclave.tlog.merkle import (
    Node,
    Range,
    consistency_ranges,
    covering_nodes,
    inclusion_ranges,
)
from kms_enclave.tlog.tree import (
    TILE_WIDTH,
    Frontier,
    Hashes,
    Tile,
    TileName,
    Tiles,
    frontier_nodes,
    hashes_of,
    nodes_of,
    root_of,
    tiles_of,
)

__all__ = [
    "Growth",
    "read_consistency",
    "read_frontier",
    "read_growth",
    "read_inclusion",
    "read_nodes",
    "read_root",
    "read_subtrees",
    "read_tiles",
    "tile_put",
    "verify_full_tiles",
]


@from_json
@attrs.frozen
class _TileRecord:
    hashes: str


@attrs.frozen
class Growth:
    """Proofs towards the tree as it stands; ``None`` where it is too small for one."""

    consistency: Sequence[bytes] | None
    inclusion: Sequence[Sequence[bytes] | None]


def tile_put(tile: Tile) -> Put:
    """Return what writes a tile; it is never written again."""
    record = _TileRecord(format_hashes(tile.hashes))
    return Put(_address(tile.name), Record(1, format_record(record)))


async def read_tiles(storage: StoragePort, names: Sequence[TileName]) -> Tiles:
    """Read full tiles. Raises DamagedRecordError where one is not there."""
    records = await storage.read([_address(name) for name in names])
    return {name: _parse_tile(name, record) for name, record in zip(names, records, strict=True)}


async def read_nodes(storage: StoragePort, frontier: Frontier, nodes: Sequence[Node]) -> Hashes:
    """Read the hashes of some nodes, each tile once. Raises DamagedRecordError."""
    return hashes_of(nodes, await read_tiles(storage, tiles_of(nodes, frontier)), frontier)


async def read_inclusion(
    storage: StoragePort, frontier: Frontier, *, index: int, size: int
) -> tuple[bytes, Sequence[bytes]]:
    """Return an entry's hash, and the proof that it is in the tree of the first ``size``.

    Raises DamagedRecordError.
    """
    ranges = [(index, index + 1), *inclusion_ranges(index, size)]
    leaf, *path = await _read_roots(storage, frontier, ranges)
    return leaf, path


async def read_consistency(
    storage: StoragePort, frontier: Frontier, *, old_size: int, size: int
) -> Sequence[bytes]:
    """Return the proof that one tree begins with another. Raises DamagedRecordError."""
    return await _read_roots(storage, frontier, consistency_ranges(old_size, size))


async def read_growth(
    storage: StoragePort, frontier: Frontier, *, old_size: int | None, indices: Sequence[int]
) -> Growth:
    """Return what proves that the tree begins with a smaller one and has some entries.

    However many there are, tiles are read once. Raises DamagedRecordError.
    """
    size = frontier.size
    consistency = (
        None if old_size is None or old_size > size else consistency_ranges(old_size, size)
    )
    inclusion = [inclusion_ranges(index, size) if index < size else None for index in indices]
    proofs = [ranges for ranges in (consistency, *inclusion) if ranges is not None]
    nodes = nodes_of(leaves for ranges in proofs for leaves in ranges)
    hashes = await read_nodes(storage, frontier, nodes)
    return Growth(
        None if consistency is None else _roots_of(consistency, hashes),
        [None if ranges is None else _roots_of(ranges, hashes) for ranges in inclusion],
    )


async def read_subtrees(storage: StoragePort, frontier: Frontier, size: int) -> Sequence[bytes]:
    """Return the subtrees of the first ``size`` entries. Raises DamagedRecordError."""
    nodes = covering_nodes((0, size))
    hashes = await read_nodes(storage, frontier, nodes)
    return [hashes[node] for node in nodes]


async def read_frontier(storage: StoragePort, frontier: Frontier, size: int) -> Frontier:
    """Return the frontier that the tree had at a smaller size. Raises DamagedRecordError."""
    levels = frontier_nodes(size)
    hashes = await read_nodes(storage, frontier, [node for level in levels for node in level])
    return Frontier(size, tuple(tuple(hashes[node] for node in level) for level in levels))


async def read_root(storage: StoragePort, frontier: Frontier, size: int) -> bytes:
    """Return the root of the first ``size`` entries. Raises DamagedRecordError."""
    (root,) = await _read_roots(storage, frontier, [(0, size)])
    return root


async def verify_full_tiles(storage: StoragePort, frontier: Frontier) -> None:
    """Check every full tile below a frontier against the one above. Raises DamagedRecordError.

    With the frontier they are the tree of entries that are not there any more. Reads as
    many tiles at once as one above them has hashes.
    """
    for level in range(len(frontier.levels) - 1):
        count = frontier.size // TILE_WIDTH ** (level + 1)
        for start in range(0, count, TILE_WIDTH):
            above = TileName(level + 1, start // TILE_WIDTH)
            is_full = start + TILE_WIDTH <= count
            names = [TileName(level, index) for index in range(start, count)[:TILE_WIDTH]]
            tiles = await read_tiles(storage, [*names, above] if is_full else names)
            expected = tiles[above] if is_full else frontier.levels[level + 1]
            if [Tile(name, tiles[name]).root() for name in names] != list(expected):
                raise DamagedRecordError(f"the tree's level {level} is not that of the next")


async def _read_roots(
    storage: StoragePort, frontier: Frontier, ranges: Sequence[Range]
) -> Sequence[bytes]:
    return _roots_of(ranges, await read_nodes(storage, frontier, nodes_of(ranges)))


def _roots_of(ranges: Sequence[Range], hashes: Hashes) -> Sequence[bytes]:
    return [root_of(leaves, hashes) for leaves in ranges]


def _address(name: TileName) -> Address:
    return Address("tree", f"{name.level}/{name.index:010d}")


def _parse_tile(name: TileName, record: Record | None) -> Sequence[bytes]:
    if record is None:
        raise DamagedRecordError(f"tile {name.index} of level {name.level} is missing")
    try:
        hashes = parse_hashes(parse_record(record.value, _TileRecord).hashes)
    except ValueError as error:
        raise DamagedRecordError(str(error)) from None
    if len(hashes) != TILE_WIDTH:
        raise DamagedRecordError("a tile is not full")
    return hashes
