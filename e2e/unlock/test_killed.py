"""A browser that is killed while something is set up, enrolled, changed or removed.

The next browser on the same profile finds the state before or the state after, whole;
whatever was enrolled and not removed unlocks the same Master Secret, and the last one
never goes. KMS_LONG=1 kills a hundred times.
"""

from __future__ import annotations

import collections
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import attrs
import pytest
from playwright.sync_api import Playwright

from e2e.conftest import open_page_in
from e2e.driving.commits import announce_commits, expect_commit
from e2e.driving.enclave import EnclavePage, Outcome
from e2e.driving.killable import KillableChromium, killable_chromium
from e2e.driving.witness import Witness, witness_of_pages
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
from web.server.serving import LocalServer

IS_LONG = os.environ.get("KMS_LONG") == "1"
SETUPS, CHANGES = (20, 80) if IS_LONG else (3, 9)
BETWEEN_AT_LEAST = 30 if IS_LONG else 3

_GOLDEN = 0.618034
_LATEST_S = 0.012
# Five, so that each of four changes in turn meets every kind.
_KINDS = ("last commit", "request", "commit", "last commit", "reply")


@attrs.frozen
class Length:
    """What an undisturbed call takes."""

    seconds: float
    commits: int


@attrs.frozen
class Moment:
    """When to kill: some time after the request, after one of its commits, or after the reply."""

    after: Literal["request", "commit", "last commit", "reply"]
    spread: float

    def commit(self, length: Length) -> int:
        """Return the number of the commit, where it is one."""
        if self.after == "last commit":
            return length.commits
        return 1 + int(self.spread * length.commits)

    def delay_s(self, length: Length) -> float:
        """Return how long after."""
        return self.spread * (length.seconds if self.after == "request" else _LATEST_S)


def _moments() -> Iterator[Moment]:
    """Of each kind in turn, spread evenly however many are taken."""
    for number in itertools.count(1):
        spread = number * _GOLDEN % 1
        yield Moment(_KINDS[number % len(_KINDS)], spread)


@attrs.define
class Killing:
    """One browser after another on one profile, each killed during a call."""

    playwright: Playwright
    server: LocalServer
    witness: Witness
    lengths: dict[str, Length] = attrs.Factory(dict)
    moments: Iterator[Moment] = attrs.Factory(_moments)
    between: int = 0
    figures: collections.Counter[str] = attrs.Factory(collections.Counter)

    def open(self, browser: KillableChromium) -> EnclavePage:
        places = {"app_origin": self.server.app_origin, "kms_origin": self.server.kms_origin}
        enclave = open_page_in(browser.context, **places)
        assert enclave.open_sdk().code is None
        return enclave

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
        moment, length = next(self.moments), self.lengths[_name(change)]
        announce_commits(enclave)
        call = change.method, list(change.parameters)
        if "commit" in moment.after:
            with expect_commit(enclave, moment.commit(length)):
                self.witness.begin(enclave, *call)
        else:
            self.witness.begin(enclave, *call)
        if moment.after == "reply":
            self.witness.wait_for_outcomes(1)
        time.sleep(moment.delay_s(length))
        browser.kill()
        outcome = self.witness.last_words().get(0)
        self.between += outcome is None
        return outcome

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
def killing(playwright: Playwright, server: LocalServer) -> Iterator[Killing]:
    with witness_of_pages() as witness:
        yield Killing(playwright, server, witness)


def _measure(killing: Killing, profile: Path) -> tuple[History, Enrolled]:
    """Do each change once, and leave an enclave that is set up."""
    history, state = History(), {}
    with killable_chromium(killing.playwright, profile) as browser:
        enclave = killing.open(browser)
        for change in _each_change():
            killing.perform(enclave, change)
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


def _next_change(state: Enrolled, number: int) -> Change:
    """Each in its turn, as far as there is something to remove."""
    kind = number % 4
    if kind == 0:
        return removing_the_last(state) if PASSKEY_ID not in state else removing(state)
    if kind == 1:
        return changing(state, number)
    return adding(state, number) if PASSKEY_ID not in state else removing(state)


def _kill_setups(killing: Killing, profiles: Path) -> None:
    """Set up on a profile until it holds; then on the next one."""
    killed, fresh = 0, itertools.count()
    while killed < SETUPS:
        profile, history = profiles / f"setup {next(fresh)}", History()
        pending: tuple[Change, Outcome | None] | None = None
        held: Enrolled = {}
        while not held:
            with killable_chromium(killing.playwright, profile) as browser:
                enclave = killing.open(browser)
                if pending is not None:
                    held = history.verify(enclave, pending[0])
                    killing.note(*pending, held)
                if held or killed == SETUPS:
                    break
                killed += 1
                change = setting_up(killed)
                pending = change, killing.kill_during(browser, enclave, change)


def _kill_changes(killing: Killing, profile: Path, history: History, state: Enrolled) -> None:
    pending: tuple[Change, Outcome | None] | None = None
    for number in range(1, CHANGES + 2):
        with killable_chromium(killing.playwright, profile) as browser:
            enclave = killing.open(browser)
            if pending is not None:
                state = history.verify(enclave, pending[0])
                killing.note(*pending, state)
            if number <= CHANGES:
                change = _next_change(state, number)
                pending = change, killing.kill_during(browser, enclave, change)


def test_a_killed_browser_leaves_the_old_state_or_the_new_one(
    killing: Killing, tmp_path: Path
) -> None:
    history, state = _measure(killing, tmp_path / "measured")
    _kill_setups(killing, tmp_path)
    _kill_changes(killing, tmp_path / "measured", history, state)
    for what, times in sorted(killing.figures.items()):
        print(f"{times:4} {what}")  # shown by pytest -rP
    assert killing.figures.total() == SETUPS + CHANGES
    assert killing.between >= BETWEEN_AT_LEAST
