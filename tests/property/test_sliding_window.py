"""Sliding windows against a naive oracle that remembers every grant."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from kms_enclave.leases.quota import (
    CHUNK,
    ChunkNeededError,
    Decision,
    GrantWindow,
    WindowRecord,
    empty_window,
)

_LENGTH_MS = 1000

# Pure and fast: many examples cost little.
_thoroughly = settings(max_examples=3 * settings.default.max_examples)


@attrs.define
class Oracle:
    """Every grant ever made, and the definition of the rule."""

    limit: int
    times: list[int] = attrs.field(factory=list)

    def used(self, now_ms: int) -> int:
        return len(self.times) - bisect_right(self.times, now_ms - _LENGTH_MS)

    def allows(self, count: int, now_ms: int) -> bool:
        return self.used(now_ms) + count <= self.limit

    def most_in_any_interval(self) -> int:
        return max(
            (
                bisect_left(self.times, start + _LENGTH_MS) - bisect_left(self.times, start)
                for start in set(self.times)
            ),
            default=0,
        )


@attrs.define
class Stored:
    """What a window leaves in storage, and the window that somebody else makes of it."""

    limit: int
    record: WindowRecord = attrs.field(factory=lambda: empty_window("sends"))
    chunks: dict[int, Sequence[int]] = attrs.field(factory=dict)
    reads: int = 0

    def load(self) -> GrantWindow:
        return GrantWindow(self.record, length_ms=_LENGTH_MS)

    def decide(self, window: GrantWindow, count: int, now_ms: int) -> Decision:
        while True:
            try:
                return window.decide(count, limit=self.limit, now_ms=now_ms)
            except ChunkNeededError as needed:
                self.reads += 1
                window.load(needed.index, self.chunks[needed.index])

    def grant(self, window: GrantWindow, count: int, now_ms: int) -> None:
        filled = window.grant(count, now_ms=now_ms)
        if filled is not None:
            index, entries = filled
            assert index not in self.chunks, "a full chunk never changes"
            assert len(entries) == 2 * CHUNK
            self.chunks[index] = entries
        self.record = window.to_record()
        assert len(self.record.tail) < 2 * CHUNK


_STEPS = st.lists(
    st.tuples(
        st.integers(0, 400) | st.integers(0, 3000),
        st.integers(1, 12) | st.integers(1, 150),
        st.booleans(),
    ),
    max_size=40,
)
_LIMITS = st.integers(1, 20) | st.integers(1, 200)
_DENSE_STEPS = st.lists(
    st.tuples(st.integers(1, 9), st.integers(1, 3), st.integers(0, 9).map(lambda n: n == 0)),
    min_size=CHUNK,
    max_size=4 * CHUNK,
)


@_thoroughly
@given(limit=_LIMITS | st.integers(64, 400), steps=_STEPS | _DENSE_STEPS)
def test_grants_are_those_of_the_definition_also_across_reloads(
    limit: int, steps: list[tuple[int, int, bool]]
) -> None:
    oracle, stored, now_ms = Oracle(limit), Stored(limit), 0
    window = stored.load()
    for step_ms, count, reload in steps:
        now_ms += step_ms
        if reload:
            window = stored.load()
        decision = stored.decide(window, count, now_ms)
        assert decision.granted == oracle.allows(count, now_ms)
        assert decision.used == oracle.used(now_ms)
        assert decision.fits == limit - decision.used
        if decision.granted:
            stored.grant(window, count, now_ms)
            oracle.times.extend([now_ms] * count)
    assert oracle.most_in_any_interval() <= limit


@_thoroughly
@given(limit=_LIMITS, steps=_STEPS | _DENSE_STEPS, asked=st.integers(1, 250))
def test_the_moment_of_a_refused_call_is_exact_to_the_millisecond(
    limit: int, steps: list[tuple[int, int, bool]], asked: int
) -> None:
    oracle, stored, now_ms = Oracle(limit), Stored(limit), 0
    window = stored.load()
    for step_ms, count, _ in steps:
        now_ms += step_ms
        if stored.decide(window, count, now_ms).granted:
            stored.grant(window, count, now_ms)
            oracle.times.extend([now_ms] * count)
    moment = stored.decide(stored.load(), asked, now_ms).retry_at_ms
    if asked > limit or oracle.allows(asked, now_ms):
        assert moment is None
    else:
        assert moment is not None
        assert moment > now_ms
        assert not oracle.allows(asked, moment - 1)
        assert not stored.decide(window, asked, moment - 1).granted
        assert stored.decide(window, asked, moment).granted


@_thoroughly
@given(limit=_LIMITS, count=st.integers(0, 500))
def test_a_decision_reads_and_writes_the_same_however_large_the_limit(
    limit: int, count: int
) -> None:
    stored = Stored(limit)
    for number in range(count):
        window = stored.load()
        stored.reads = 0
        if stored.decide(window, 1, number * 50).granted:
            assert stored.reads <= 2
            stored.grant(window, 1, number * 50)


@given(steps=_DENSE_STEPS, back_ms=st.integers(0, 10_000), asked=st.integers(1, 60))
def test_what_counts_is_counted_from_the_new_time_on_after_a_restamp(
    steps: list[tuple[int, int, bool]], back_ms: int, asked: int
) -> None:
    limit = 60
    stored, now_ms = Stored(limit), 10_000
    window = stored.load()
    for step_ms, count, _ in steps:
        now_ms += step_ms
        if stored.decide(window, count, now_ms).granted:
            stored.grant(window, count, now_ms)
    used = stored.decide(window, 1, now_ms).used
    anchored_ms = now_ms - back_ms
    window.restamp(anchored_ms)
    stored.record = window.to_record()
    again = stored.load()
    assert stored.decide(again, asked, anchored_ms + _LENGTH_MS - 1).used == used
    assert stored.decide(again, asked, anchored_ms + _LENGTH_MS).used == 0
