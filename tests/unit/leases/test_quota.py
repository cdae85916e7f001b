"""Sliding windows at their edges; the invariants are in tests/property."""

from __future__ import annotations

import attrs
import pytest
from kms_enclave.leases.quota import (
    CHUNK,
    ChunkNeededError,
    Decision,
    GrantWindow,
    WindowRecord,
    empty_window,
)


def _window(*times: int) -> GrantWindow:
    window = GrantWindow(empty_window("sends"), length_ms=1000)
    for time in times:
        window.grant(1, now_ms=time)
    return window


def _decide(window: GrantWindow, count: int, now_ms: int, *, limit: int = 3) -> Decision:
    return window.decide(count, limit=limit, now_ms=now_ms)


def test_what_fits_is_granted() -> None:
    assert _decide(_window(0, 0), 1, 0) == Decision(granted=True, used=2, fits=1)


def test_one_more_than_fits_is_refused_until_one_has_left() -> None:
    window = _window(0, 10, 20)
    refused = _decide(window, 1, 30)
    assert refused == Decision(granted=False, used=3, fits=0, retry_at_ms=1000)
    assert not _decide(window, 1, 999).granted
    assert _decide(window, 1, 1000).granted


def test_a_batch_waits_for_as_many_as_it_needs() -> None:
    window = _window(0, 10, 20)
    assert _decide(window, 2, 30).retry_at_ms == 1010
    assert not _decide(window, 2, 1009).granted
    assert _decide(window, 2, 1010).granted


def test_a_batch_that_fits_in_part_is_told_how_many() -> None:
    refused = _decide(_window(0), 3, 5)
    assert (refused.granted, refused.fits, refused.retry_at_ms) == (False, 2, 1000)


def test_more_than_the_limit_never_fits() -> None:
    assert _decide(_window(), 4, 0) == Decision(granted=False, used=0, fits=3, retry_at_ms=None)


def test_a_decision_counts_nothing() -> None:
    window = _window()
    assert _decide(window, 1, 0, limit=1).granted
    assert _decide(window, 1, 0, limit=1).granted


def test_a_limit_that_was_lowered_refuses_without_a_negative_rest() -> None:
    assert _decide(_window(0, 0, 0), 1, 0, limit=2).fits == 0


def test_grants_of_one_moment_are_one_entry() -> None:
    window = _window(1, 1, 1)
    assert window.to_record() == attrs.evolve(empty_window("sends"), used=3, newest=1, tail=(1, 3))


def test_a_filled_chunk_is_handed_out_once() -> None:
    window = _window(*range(CHUNK - 1))
    filled = window.grant(2, now_ms=500)
    assert filled is not None
    index, entries = filled
    assert index == 0
    assert entries[-2:] == (500, 2)
    assert window.to_record() == attrs.evolve(
        empty_window("sends"), used=CHUNK + 1, newest=500, next_chunk=1
    )
    assert window.grant(1, now_ms=501) is None


def test_a_chunk_in_storage_is_asked_for_when_its_turn_comes() -> None:
    record = WindowRecord(
        "sends", used=3, newest=50, skipped=1, first_chunk=7, next_chunk=8, tail=(50, 1)
    )
    window = GrantWindow(record, length_ms=1000)
    with pytest.raises(ChunkNeededError) as needed:
        _decide(window, 1, 60)
    assert needed.value.index == 7
    window.load(7, (1, 1, 40, 2))
    assert _decide(window, 1, 60).retry_at_ms == 1040
    assert _decide(window, 1, 1040).used == 1


def test_what_has_left_is_stored_no_longer() -> None:
    window = _window(0, 10)
    _decide(window, 1, 1005)
    assert window.to_record() == attrs.evolve(
        empty_window("sends"), used=1, newest=10, tail=(10, 1)
    )
