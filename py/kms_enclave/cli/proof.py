"""The proof that one entry is in a log, collected while the log goes by.

Written as a https://c2sp.org/tlog-proof, whose extra data are the entry's bytes: with the
log's key it verifies without the rest of the log, and tells nothing about other entries.
Of the tree only the ranges are kept that the proof consists of, as complete subtrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kms_enclave.encoding import parse_json
from kms_enclave.tlog.checkpoint import parse_signed_checkpoint
from kms_enclave.tlog.merkle import (
    CompactTree,
    Range,
    covering_nodes,
    inclusion_ranges,
    leaf_hash,
)
from kms_enclave.tlog.note import format_base64

__all__ = ["ProofCollector"]

_HEADER: Final = "c2sp.org/tlog-proof@v1"
_NO_ENTRY: Final = (b'{"certificate":', b'{"entry":', b'{"note":')


class ProofCollector:
    """Give :meth:`watch` every line of a file that verifies; then :meth:`format`."""

    def __init__(self, seq_num: int) -> None:
        self._seq_num = seq_num
        self._note = ""
        self._entry: bytes | None = None
        self._next = 0
        self._ranges: Sequence[Range] = ()
        self._trees: list[CompactTree] = []

    def watch(self, line: bytes) -> None:
        """Take the next line."""
        if line.startswith(_NO_ENTRY):
            self._begin(line)
            return
        if self._next == self._seq_num:
            self._entry = line
        leaf = leaf_hash(line)
        for (start, end), tree in zip(self._ranges, self._trees, strict=True):
            if start <= self._next < end:
                tree.add(leaf)
        self._next += 1

    def format(self) -> str | None:
        """Return the proof, or ``None`` where the file has no such entry."""
        if self._entry is None:
            return None
        path = "".join(f"{format_base64(tree.root())}\n" for tree in self._trees)
        extra = format_base64(self._entry)
        return f"{_HEADER}\nextra {extra}\nindex {self._seq_num}\n{path}\n{self._note}"

    def _begin(self, line: bytes) -> None:
        value = parse_json(line.decode())
        if not isinstance(value, dict):
            return
        if "note" in value:
            self._note = str(value["note"])
            size = parse_signed_checkpoint(self._note).checkpoint.size
            if self._seq_num < size:
                self._ranges = inclusion_ranges(self._seq_num, size)
            self._trees = [CompactTree() for _ in self._ranges]
        elif "subtrees" in value:
            self._next = int(value["entry"]["details"]["first"])
            self._begin_pruned([bytes.fromhex(text) for text in value["subtrees"]])

    def _begin_pruned(self, subtrees: Sequence[bytes]) -> None:
        # A range of the proof of an entry that was kept begins where a subtree of what was
        # dropped begins, or after all of them, and takes whole ones only.
        dropped = [
            (node.index << node.height, hashed)
            for node, hashed in zip(covering_nodes((0, self._next)), subtrees, strict=True)
        ]
        self._trees = [
            CompactTree(
                max(0, min(end, self._next) - start),
                [hashed for first, hashed in dropped if start <= first < end],
            )
            for start, end in self._ranges
        ]
