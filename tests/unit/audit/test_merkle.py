"""The tree's functions against the vectors of RFC 6962's reference implementation."""

from __future__ import annotations

import pytest
from kms_enclave.audit.merkle import (
    EMPTY_ROOT,
    ProofError,
    fold,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from kms_enclave.audit.tree import (
    EMPTY_FRONTIER,
    append,
    frontier_root,
    prove_consistency,
    prove_inclusion,
)

# github.com/google/certificate-transparency, merkletree/merkle_tree_test.cc
LEAVES = [
    leaf_hash(bytes.fromhex(text))
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
_96A2 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
_5F08 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
_6B47 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
_CA85 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
_0EBC = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
_BC1A = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
INCLUSION = {
    (0, 1): [],
    (0, 8): [_96A2, _5F08, _6B47],
    (5, 8): [_BC1A, _CA85, ROOTS[4]],
    (2, 3): [ROOTS[2]],
    (1, 5): [ROOTS[1], _5F08, _BC1A],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [_96A2, _5F08, _6B47],
    (6, 8): [_0EBC, _CA85, ROOTS[4]],
    (2, 5): [_5F08, _BC1A],
}


def _root(size: int) -> bytes:
    return bytes.fromhex(ROOTS[size])


def _hex(path: object) -> list[str]:
    assert isinstance(path, list)
    return [each.hex() for each in path]


@pytest.mark.parametrize("size", range(9))
def test_roots(size: int) -> None:
    assert frontier_root(append(EMPTY_FRONTIER, LEAVES[:size])[0]) == _root(size)


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert fold([]) == EMPTY_ROOT == _root(0)


@pytest.mark.parametrize(("place", "path"), INCLUSION.items(), ids=str)
def test_inclusion_proofs(place: tuple[int, int], path: list[str]) -> None:
    index, size = place
    frontier, _ = append(EMPTY_FRONTIER, LEAVES)
    assert _hex(prove_inclusion(index, size, {}, frontier)) == path
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
    frontier, _ = append(EMPTY_FRONTIER, LEAVES)
    assert _hex(prove_consistency(old_size, size, {}, frontier)) == path
    verify_consistency(
        [bytes.fromhex(each) for each in path],
        expected_old_size=old_size,
        expected_old_root=_root(old_size),
        expected_size=size,
        expected_root=_root(size),
    )


_PATH = [bytes.fromhex(each) for each in (_96A2, _5F08, _6B47)]


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
        ([bytes.fromhex(each) for each in (_0EBC, _CA85, ROOTS[4])], 6, _root(5), "begin with"),
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
