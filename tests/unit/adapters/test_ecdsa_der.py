"""Authenticators' ECDSA signatures: one encoding only, and the one that ``cryptography`` reads."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from hypothesis import example, given
from hypothesis import strategies as st
from kms_enclave.adapters.browser.ecdsa_der import parse_ecdsa_der

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
scalars = (
    st.integers(1, ORDER - 1)
    | st.integers(1, 2**16)
    | st.integers(0, 255).map(lambda bits: 2**bits)
)


def _ours(der: bytes) -> tuple[int, int] | None:
    try:
        raw = parse_ecdsa_der(der)
    except ValueError:
        return None
    assert len(raw) == 64
    return int.from_bytes(raw[:32]), int.from_bytes(raw[32:])


def _theirs(der: bytes) -> tuple[int, int] | None:
    try:
        return decode_dss_signature(der)
    except ValueError:
        return None


@given(r=scalars, s=scalars)
def test_every_signature_is_read_as_it_was_written(r: int, s: int) -> None:
    assert _ours(encode_dss_signature(r, s)) == (r, s)


@given(
    r=scalars,
    s=scalars,
    place=st.integers(0, 80),
    change=st.sampled_from(["flip", "drop", "insert", "cut"]),
    byte=st.integers(0, 255),
)
def test_a_mutation_is_read_as_cryptography_reads_it_or_refused(
    r: int, s: int, place: int, change: str, byte: int
) -> None:
    der = encode_dss_signature(r, s)
    place %= len(der)
    mutated = {
        "flip": der[:place] + bytes([der[place] ^ (byte or 1)]) + der[place + 1 :],
        "drop": der[:place] + der[place + 1 :],
        "insert": der[:place] + bytes([byte]) + der[place:],
        "cut": der[:place],
    }[change]
    ours, theirs = _ours(mutated), _theirs(mutated)
    in_range = theirs is not None and all(0 <= scalar < 2**256 for scalar in theirs)
    assert ours == (theirs if in_range else None)


@given(der=st.binary(max_size=80))
@example(b"\x30\x06\x02\x01\x00\x02\x01\x00")
def test_any_bytes_are_read_as_cryptography_reads_them_or_refused(der: bytes) -> None:
    ours = _ours(der)
    assert ours is None or ours == _theirs(der)


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x30",
        b"\x30\x00",
        b"\x30\x80\x02\x01\x01\x02\x01\x01\x00\x00",
        b"\x30\x81\x06\x02\x01\x01\x02\x01\x01",
        b"\x31\x06\x02\x01\x01\x02\x01\x01",
        b"\x30\x06\x02\x01\x01\x03\x01\x01",
        b"\x30\x07\x02\x02\x00\x01\x02\x01\x01",
        b"\x30\x06\x02\x01\x81\x02\x01\x01",
        b"\x30\x05\x02\x00\x02\x01\x01",
        b"\x30\x09\x02\x01\x01\x02\x01\x01\x02\x01\x01",
        b"\x30\x06\x02\x01\x01\x02\x01\x01\x00",
        b"\x30\x26\x02\x21\x01" + bytes(32) + b"\x02\x01\x01",
        bytes(64),
    ],
    ids=[
        "empty",
        "tag alone",
        "no integers",
        "indefinite length",
        "long form of a short length",
        "another tag",
        "another inner tag",
        "over-long integer",
        "negative integer",
        "empty integer",
        "three integers",
        "a byte after",
        "33 bytes",
        "raw",
    ],
)
def test_every_other_encoding_is_refused(der: bytes) -> None:
    assert _ours(der) is None
