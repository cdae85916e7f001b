"""The Merkle tree of RFC 6962 section 2.1 and RFC 9162 section 2.1, as pure functions over hashes.

A proof is first a list of *ranges* of leaves, whose roots are its hashes. Each range that
occurs is covered by complete subtrees, and folding their roots from the right gives its
root, so that whoever holds complete subtrees (:mod:`kms_enclave.tlog.tree`) can prove.

Verifying raises :class:`ProofError`. It shows that a leaf or a smaller tree is part of a
tree with a certain root; that this root is the log's is for a checkpoint to say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "CompactTree",
    "Node",
    "ProofError",
    "Range",
    "consistency_ranges",
    "covering_nodes",
    "fold",
    "inclusion_ranges",
    "leaf_hash",
    "node_hash",
    "verify_consistency",
    "verify_inclusion",
]

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256().digest()

Range = tuple[int, int]
"""Leaves from the first number up to, and without, the second."""


class ProofError(Exception):
    """A proof does not prove what it should."""


@attrs.frozen
class Node:
    """The root of the complete subtree of leaves ``index * 2**height`` and following."""

    height: int
    index: int


class CompactTree:
    """A tree that grows by leaves and keeps nothing but its complete subtrees' roots."""

    def __init__(self, size: int = 0, subtrees: Sequence[bytes] = ()) -> None:
        """Begin with nothing, or with the subtrees of ``size`` leaves, largest first."""
        self.size = size
        self._subtrees = list(subtrees)

    def add(self, leaf: bytes) -> None:
        """Append a leaf's hash."""
        rest = self.size
        while rest & 1:
            leaf = node_hash(self._subtrees.pop(), leaf)
            rest >>= 1
        self._subtrees.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of the tree."""
        return fold(self._subtrees)


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def fold(subtrees: Iterable[bytes]) -> bytes:
    """Return the root over adjoining complete subtrees, given largest (leftmost) first."""
    root: bytes | None = None
    for subtree in reversed(list(subtrees)):
        root = subtree if root is None else node_hash(subtree, root)
    return EMPTY_ROOT if root is None else root


def covering_nodes(leaves: Range) -> Sequence[Node]:
    """Return the complete subtrees that make up a range of a proof, leftmost first."""
    start, end = leaves
    nodes: list[Node] = []
    while start < end:
        height = (end - start).bit_length() - 1
        nodes.append(Node(height, start >> height))
        start += 1 << height
    return nodes


def inclusion_ranges(index: int, size: int) -> Sequence[Range]:
    """Return what the proof of leaf ``index`` in a tree of ``size`` consists of, leaf's side first.

    RFC 9162 section 2.1.3.1. Needs ``0 <= index < size``.
    """
    start, end = 0, size
    ranges: list[Range] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(old_size: int, size: int) -> Sequence[Range]:
    """Return what the proof consists of that a tree of ``size`` begins with one of ``old_size``.

    RFC 9162 section 2.1.4.1. Needs ``1 <= old_size <= size``.
    """
    start, end = 0, size
    ranges: list[Range] = []
    while end != old_size:
        middle = start + _split(end - start)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start > 0:
        ranges.append((start, end))
    return ranges[::-1]


def verify_inclusion(
    path: Sequence[bytes],
    *,
    expected_leaf: bytes,
    expected_index: int,
    expected_size: int,
    expected_root: bytes,
) -> None:
    """Check that a leaf's hash is at its place in a tree (RFC 9162 section 2.1.3.2)."""
    if not 0 <= expected_index < expected_size:
        raise ProofError("the leaf is outside the tree")
    node, last = expected_index, expected_size - 1
    root = expected_leaf
    for sibling in path:
        if last == 0:
            raise ProofError("the proof is too long")
        if node & 1 or node == last:
            root = node_hash(sibling, root)
            while not node & 1 and node != 0:
                node, last = node >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ProofError("the proof is too short")
    if root != expected_root:
        raise ProofError("the proof leads to another root")


def verify_consistency(
    path: Sequence[bytes],
    *,
    expected_old_size: int,
    expected_old_root: bytes,
    expected_size: int,
    expected_root: bytes,
) -> None:
    """Check that a tree begins with an older one (RFC 9162 section 2.1.4.2)."""
    if not 1 <= expected_old_size <= expected_size:
        raise ProofError("the older tree is empty, or larger than the newer one")
    if expected_old_size == expected_size:
        if path or expected_old_root != expected_root:
            raise ProofError("trees of one size have different roots")
        return
    # A complete older tree is a node of the newer one, and is left out of the proof.
    is_complete = expected_old_size & (expected_old_size - 1) == 0
    hashes = [expected_old_root, *path] if is_complete else list(path)
    if not hashes:
        raise ProofError("the proof is too short")
    node, last = expected_old_size - 1, expected_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_root = root = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise ProofError("the proof is too long")
        if node & 1 or node == last:
            old_root = node_hash(sibling, old_root)
            root = node_hash(sibling, root)
            while not node & 1 and node != 0:
                node, last = node >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ProofError("the proof is too short")
    if old_root != expected_old_root:
        raise ProofError("the newer tree does not begin with the older one")
    if root != expected_root:
        raise ProofError("the proof leads to another root")


def _split(size: int) -> int:
    """Return the largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1
