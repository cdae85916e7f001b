"""Sliding windows against a naive oracle that remembers every grant."""

from __future__ import annotations

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from kms_enclave.leases.quota import CHUNK, GrantWindow, WindowRecord, first_chunk_needed

_LENGTH_MS = 1000

# Pure and fast: many examples cost little.
_thoroughly = settings(max_examples=10 * settings.default.max_examples)


@attrs.define
class Oracle:
    """Every grant ever made, and the definition of the rule."""

    limit: int
    times: list[int] = attrs.field(factory=list)

    def used(self, now_ms: int) -> int:
        return sum(1 for time in self.times if time > now_ms - _LENGTH_MS)

    def allows(self, count: int, now_ms: int) -> bool:
        return self.used(now_ms) + count <= self.limit

    def most_in_any_interval(self) -> int:
        return max(
            (
                sum(1 for time in self.times if start <= time < start + _LENGTH_MS)
                for start in set(self.times)
            ),
            default=0,
        )


@attrs.define
class Stored:
    """What a window leaves in storage, and the window that somebody else makes of it."""

    limit: int
    record: WindowRecord = attrs.field(factory=WindowRecord)
    chunks: dict[int, tuple[int, ...]] = attrs.field(factory=dict)

    def load(self) -> GrantWindow:
        first = first_chunk_needed(granted=self.record.granted, limit=self.limit)
        older = [
            time
            for index in range(first, self.record.granted // CHUNK)
            for time in self.chunks[index]
        ]
        return GrantWindow(limit=self.limit, length_ms=_LENGTH_MS, record=self.record, older=older)

    def save(self, window: GrantWindow, filled: list[tuple[int, tuple[int, ...]]]) -> None:
        for index, times in filled:
            assert index not in self.chunks, "a full chunk never changes"
            assert len(times) == CHUNK
            self.chunks[index] = times
        self.record = window.to_record()


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
    st.tuples(st.integers(0, 150), st.integers(1, 100), st.just(True)), min_size=4, max_size=40
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
        decision = window.decide(count, now_ms=now_ms)
        assert decision.granted == oracle.allows(count, now_ms)
        assert decision.used == oracle.used(now_ms)
        assert decision.fits == limit - decision.used
        if decision.granted:
            stored.save(window, window.grant(count, now_ms=now_ms))
            oracle.times.extend([now_ms] * count)
    assert oracle.most_in_any_interval() <= limit
    assert stored.record.granted == len(oracle.times)


@_thoroughly
@given(limit=_LIMITS, steps=_STEPS, asked=st.integers(1, 250))
def test_the_wait_is_exact_to_the_millisecond(
    limit: int, steps: list[tuple[int, int, bool]], asked: int
) -> None:
    oracle, now_ms = Oracle(limit), 0
    window = Stored(limit).load()
    for step_ms, count, _ in steps:
        now_ms += step_ms
        if window.decide(count, now_ms=now_ms).granted:
            window.grant(count, now_ms=now_ms)
            oracle.times.extend([now_ms] * count)
    wait_ms = window.decide(asked, now_ms=now_ms).retry_after_ms
    if asked > limit:
        assert wait_ms is None
    elif oracle.allows(asked, now_ms):
        assert wait_ms == 0
    else:
        assert wait_ms is not None
        assert wait_ms > 0
        assert not oracle.allows(asked, now_ms + wait_ms - 1)
        assert not window.decide(asked, now_ms=now_ms + wait_ms - 1).granted
        assert window.decide(asked, now_ms=now_ms + wait_ms).granted


@_thoroughly
@given(limit=_LIMITS, count=st.integers(0, 500))
def test_what_is_written_for_a_grant_does_not_grow_with_the_limit(limit: int, count: int) -> None:
    stored = Stored(limit)
    window = stored.load()
    for now_ms in range(count):
        if window.decide(1, now_ms=now_ms * 50).granted:
            filled = window.grant(1, now_ms=now_ms * 50)
            stored.save(window, filled)
            assert len(filled) <= 1
            assert len(stored.record.tail) < CHUNK
