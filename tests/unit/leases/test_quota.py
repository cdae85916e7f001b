"""Sliding windows at their edges; the invariants are in tests/property."""

from __future__ import annotations

import pytest
from kms_enclave.leases.quota import CHUNK, GrantWindow, WindowRecord, first_chunk_needed


def _window(limit: int, times: list[int]) -> GrantWindow:
    window = GrantWindow(limit=limit, length_ms=1000, record=WindowRecord())
    for time in times:
        window.grant(1, now_ms=time)
    return window


def test_what_fits_is_granted() -> None:
    decision = _window(3, [0, 0]).decide(1, now_ms=0)
    assert (decision.granted, decision.used, decision.fits) == (True, 2, 1)


def test_one_more_than_fits_is_refused_until_one_has_left() -> None:
    window = _window(3, [0, 10, 20])
    decision = window.decide(1, now_ms=30)
    assert (decision.granted, decision.used, decision.fits) == (False, 3, 0)
    assert decision.retry_after_ms == 970
    assert not window.decide(1, now_ms=999).granted
    assert window.decide(1, now_ms=1000).granted


def test_a_batch_waits_for_as_many_as_it_needs() -> None:
    window = _window(3, [0, 10, 20])
    decision = window.decide(2, now_ms=30)
    assert decision.retry_after_ms == 980
    assert not window.decide(2, now_ms=1009).granted
    assert window.decide(2, now_ms=1010).granted


def test_a_batch_that_fits_in_part_is_told_how_many() -> None:
    decision = _window(3, [0]).decide(3, now_ms=5)
    assert (decision.granted, decision.fits, decision.retry_after_ms) == (False, 2, 995)


def test_more_than_the_limit_never_fits() -> None:
    decision = _window(3, []).decide(4, now_ms=0)
    assert (decision.granted, decision.fits, decision.retry_after_ms) == (False, 3, None)


def test_a_decision_counts_nothing() -> None:
    window = _window(1, [])
    assert window.decide(1, now_ms=0).granted
    assert window.decide(1, now_ms=0).granted


def test_a_filled_chunk_is_handed_out_once() -> None:
    window = GrantWindow(limit=1000, length_ms=1000, record=WindowRecord())
    assert window.grant(CHUNK - 1, now_ms=1) == []
    assert window.grant(1, now_ms=2) == [(0, (1,) * (CHUNK - 1) + (2,))]
    assert window.to_record() == WindowRecord(CHUNK, ())
    assert window.grant(2 * CHUNK + 1, now_ms=3) == [(1, (3,) * CHUNK), (2, (3,) * CHUNK)]
    assert window.to_record() == WindowRecord(3 * CHUNK + 1, (3,))


@pytest.mark.parametrize(
    ("granted", "limit", "chunk"),
    [
        (0, 100, 0),
        (100, 100, 0),
        (163, 100, 0),
        (164, 100, 1),
        (1000, 1, 15),
        (1_000_000, 64, 15_624),
    ],
)
def test_only_chunks_that_still_count_are_needed(granted: int, limit: int, chunk: int) -> None:
    assert first_chunk_needed(granted=granted, limit=limit) == chunk
