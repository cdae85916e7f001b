"""A browser that is killed while something is set up, enrolled, changed or removed.

The next browser on the same profile finds the state before or the state after, whole;
whatever was enrolled and not removed unlocks the same Master Secret, and the last one
never goes. KMS_LONG=1 kills a hundred times.
"""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from playwright.sync_api import Playwright

from e2e.driving.commits import announce_commits
from e2e.driving.enclave import EnclavePage, Outcome
from e2e.driving.killable import KillableChromium
from e2e.driving.killing import IS_LONG, Killing, Length
from e2e.driving.witness import witness_of_pages
from e2e.unlock.enrolled import (
    PASSKEY_ID,
    Change,
    Enrolled,
    History,
    adding,
    changing,
    removing,
    removing_the_last,
    setting_up,
)
from tools.server.serving import LocalServer

SETUPS, CHANGES = (20, 80) if IS_LONG else (1, 5)
BETWEEN_AT_LEAST = 30 if IS_LONG else 2
GIVEN_UP_AT_MOST = 10 if IS_LONG else 1


@attrs.define
class KilledChanges:
    """What is known of the changes, and what became of those that a kill cut off."""

    killing: Killing
    lengths: dict[str, Length] = attrs.Factory(dict)
    figures: collections.Counter[str] = attrs.Factory(collections.Counter)

    def perform(self, enclave: EnclavePage, change: Change) -> None:
        """Undisturbed, to know how long it takes."""
        commits = announce_commits(enclave)
        outcome = enclave.call(change.method, *change.parameters)
        assert outcome.code == (None if change.logged else "enrollment.last")
        self.lengths[_name(change)] = Length(outcome.elapsed_ms / 1000, commits())

    def kill_during(
        self, browser: KillableChromium, enclave: EnclavePage, change: Change
    ) -> Outcome | None:
        """Return what the page had been answered, if it had."""
        length, call = self.lengths[_name(change)], (change.method, change.parameters)
        return self.killing.kill_during(browser, enclave, length, call).get(0)

    def note(self, change: Change, outcome: Outcome | None, held: Enrolled) -> None:
        """Hold the state that was found against what the page had been told."""
        state = "old" if held == change.before else "new"
        if outcome is not None:
            assert outcome.code == (None if change.logged else "enrollment.last")
            assert held == change.after
        told = "answered" if outcome else "unanswered"
        self.figures[f"{_name(change)}, {told}: {state}"] += 1


def _name(change: Change) -> str:
    return change.method if change.logged else f"{change.method} (the last)"


@pytest.fixture
def killed(playwright: Playwright, server: LocalServer) -> Iterator[KilledChanges]:
    with witness_of_pages() as witness:
        yield KilledChanges(Killing(playwright, server, witness))


def _measure(killed: KilledChanges, profile: Path) -> tuple[History, Enrolled]:
    """Do each change once, and leave an enclave that is set up."""
    history, state = History(), {}
    with killed.killing.opened(profile) as (_, enclave):
        for change in _each_change():
            killed.perform(enclave, change)
            state = history.verify(enclave, change)
    return history, state


def _each_change() -> Iterator[Change]:
    change = setting_up(0)
    yield change
    for make in (adding, changing):
        change = make(change.after, 0)
        yield change
    change = removing(change.after)
    yield change
    yield removing_the_last(change.after)


def _next_setup(state: Enrolled, number: int) -> Change | None:
    """Again and again until one holds."""
    return None if state else setting_up(number)


def _next_change(state: Enrolled, number: int) -> Change:
    """Each in its turn, as far as there is something to remove."""
    kind = number % 4
    if kind == 0:
        return removing_the_last(state) if PASSKEY_ID not in state else removing(state)
    if kind == 1:
        return changing(state, number)
    return adding(state, number) if PASSKEY_ID not in state else removing(state)


def _kill(
    killed: KilledChanges,
    profile: Path,
    found: tuple[History, Enrolled],
    next_change: Callable[[Enrolled, int], Change | None],
    kills: int,
) -> None:
    """Kill until there is no next change, or until so many kills are noted. Raises GivenUpError."""
    history, state = found
    pending: tuple[Change, Outcome | None] | None = None
    for number in itertools.count(1):
        with killed.killing.opened(profile) as (browser, enclave):
            if pending is not None:
                state = history.verify(enclave, pending[0])
                killed.note(*pending, state)
            change = next_change(state, number)
            if change is None or killed.figures.total() == kills:
                return
            pending = change, killed.kill_during(browser, enclave, change)


def test_a_killed_browser_leaves_the_old_state_or_the_new_one(
    killed: KilledChanges, tmp_path: Path
) -> None:
    profiles = (tmp_path / str(number) for number in itertools.count())
    while killed.figures.total() < CHANGES:
        profile = next(profiles)
        found = _measure(killed, profile)
        with killed.killing.until_given_up():
            _kill(killed, profile, found, _next_change, CHANGES)
    while killed.figures.total() < CHANGES + SETUPS:
        with killed.killing.until_given_up():
            _kill(killed, next(profiles), (History(), {}), _next_setup, CHANGES + SETUPS)
    print(f"{killed.killing.given_up} databases given up by the browser")
    for what, times in sorted(killed.figures.items()):  # shown by pytest -rP
        print(f"{times:4} {what}")
    assert killed.killing.between >= BETWEEN_AT_LEAST
    assert killed.killing.given_up <= GIVEN_UP_AT_MOST
