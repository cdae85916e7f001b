"""The Merkle tree of RFC 6962 section 2.1, and the proofs of RFC 9162 section 2.1, as defined."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

__all__ = ["is_included", "leaf_hash", "root_of", "root_of_subtrees"]


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """MTH of section 2.1.1, over the leaves' hashes."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return _node(root_of(leaves[:split]), root_of(leaves[split:]))


def root_of_subtrees(size: int, subtrees: Sequence[bytes], leaves: Sequence[bytes]) -> bytes:
    """The root where the first ``size`` leaves are known by their complete subtrees only."""
    stack = list(subtrees)
    for number, leaf in enumerate(leaves, start=size):
        stack.append(leaf)
        # As many subtrees end here, and become one, as the number ends in one bits.
        while number & 1:
            right = stack.pop()
            stack.append(_node(stack.pop(), right))
            number >>= 1
    root = stack.pop() if stack else root_of([])
    while stack:
        root = _node(stack.pop(), root)
    return root


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Section 2.1.3.2, step by step."""
    if index >= size:
        return False
    fn, sn, r = index, size - 1, leaf
    for p in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = _node(p, r)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = _node(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root
