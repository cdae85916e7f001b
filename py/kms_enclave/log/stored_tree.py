"""Tiles of the log's tree in storage, and what is computed from them."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from kms_enclave.codec import DamagedRecordError, format_record, parse_record
from kms_enclave.log.head import format_hashes, parse_hashes
from kms_enclave.ports.storage import Address, Put, Record, StoragePort
from kms_enclave.structure import from_json
from kms_enclave.tlog.merkle import fold
from kms_enclave.tlog.tree import (
    TILE_WIDTH,
    Frontier,
    Tile,
    TileName,
    Tiles,
    frontier_at,
    leaf_at,
    prove_consistency,
    prove_inclusion,
    subtrees_at,
    tiles_of_consistency,
    tiles_of_frontier,
    tiles_of_inclusion,
    tiles_of_subtrees,
)

__all__ = [
    "Growth",
    "read_consistency",
    "read_frontier",
    "read_growth",
    "read_inclusion",
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


async def read_inclusion(
    storage: StoragePort, frontier: Frontier, *, index: int, size: int
) -> tuple[bytes, Sequence[bytes]]:
    """Return an entry's hash, and the proof that it is in the tree of the first ``size``.

    Raises DamagedRecordError.
    """
    tiles = await read_tiles(storage, tiles_of_inclusion(index, size, frontier))
    return leaf_at(index, tiles, frontier), prove_inclusion(index, size, tiles, frontier)


async def read_consistency(
    storage: StoragePort, frontier: Frontier, *, old_size: int, size: int
) -> Sequence[bytes]:
    """Return the proof that one tree begins with another. Raises DamagedRecordError."""
    tiles = await read_tiles(storage, tiles_of_consistency(old_size, size, frontier))
    return prove_consistency(old_size, size, tiles, frontier)


async def read_growth(
    storage: StoragePort, frontier: Frontier, *, old_size: int | None, indices: Sequence[int]
) -> Growth:
    """Return what proves that the tree begins with a smaller one and has some entries.

    However many there are, tiles are read once. Raises DamagedRecordError.
    """
    size = frontier.size
    grown_from = old_size if old_size is not None and old_size <= size else None
    present = [index for index in indices if index < size]
    names = {name for index in present for name in tiles_of_inclusion(index, size, frontier)}
    if grown_from is not None:
        names.update(tiles_of_consistency(grown_from, size, frontier))
    tiles = await read_tiles(storage, list(names))
    return Growth(
        None if grown_from is None else prove_consistency(grown_from, size, tiles, frontier),
        [
            prove_inclusion(index, size, tiles, frontier) if index < size else None
            for index in indices
        ],
    )


async def read_subtrees(storage: StoragePort, frontier: Frontier, size: int) -> Sequence[bytes]:
    """Return the subtrees of the first ``size`` entries. Raises DamagedRecordError."""
    tiles = await read_tiles(storage, tiles_of_subtrees(size, frontier))
    return subtrees_at(size, tiles, frontier)


async def read_frontier(storage: StoragePort, frontier: Frontier, size: int) -> Frontier:
    """Return the frontier that the tree had at a smaller size. Raises DamagedRecordError."""
    tiles = await read_tiles(storage, tiles_of_frontier(size, frontier))
    return frontier_at(size, tiles, frontier)


async def read_root(storage: StoragePort, frontier: Frontier, size: int) -> bytes:
    """Return the root of the first ``size`` entries. Raises DamagedRecordError."""
    return fold(await read_subtrees(storage, frontier, size))


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
