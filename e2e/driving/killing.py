"""Browsers on one profile, each killed while calls are under way.

Moments are spread over what undisturbed calls take: after the request, after one of their
commits has begun, after a reply.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import attrs
from playwright.sync_api import Playwright

from e2e.conftest import open_page_in
from e2e.driving.commits import announce_commits, expect_commit
from e2e.driving.enclave import EnclavePage, Outcome
from e2e.driving.killable import KillableChromium, killable_chromium
from e2e.driving.leveldb import is_begun_anew
from e2e.driving.witness import Call, Witness
from tools.server.serving import LocalServer

IS_LONG = os.environ.get("KMS_LONG") == "1"

_GOLDEN = 0.618034
_LATEST_S = 0.012
# Five, so that each of four kinds of call in turn meets every kind of moment.
_KINDS = ("last commit", "request", "commit", "last commit", "reply")


@attrs.frozen
class Length:
    """What undisturbed calls take."""

    seconds: float
    commits: int


@attrs.frozen
class Moment:
    """When to kill: some time after the request, after one of its commits, or after a reply."""

    after: Literal["request", "commit", "last commit", "reply"]
    spread: float

    def commit(self, length: Length) -> int:
        """Return the number of the commit, where it is one."""
        if self.after == "last commit":
            return length.commits
        return 1 + int(self.spread * length.commits)

    def replies(self, calls: int) -> int:
        """Return how many replies to wait for, where it is after one."""
        return 1 + int(self.spread * calls)

    def delay_s(self, length: Length) -> float:
        """Return how long after."""
        return self.spread * (length.seconds if self.after == "request" else _LATEST_S)


def _moments() -> Iterator[Moment]:
    """Of each kind in turn, spread evenly however many are taken."""
    for number in itertools.count(1):
        spread = number * _GOLDEN % 1
        yield Moment(_KINDS[number % len(_KINDS)], spread)


class GivenUpError(Exception):
    """The browser itself has begun an empty database in place of the enclave's.

    A kill can tear the last record of LevelDB's log. Chromium's next start writes on behind it, and
    the start after that takes the database for damaged. No page can keep it from that; what the
    page's `init()` says of it is ``e2e/rollback/test_given_up.py``'s matter.
    """


@attrs.define
class Killing:
    """`between` counts the kills that left a call without an answer, `given_up` the databases
    that Chromium lost after one.
    """

    playwright: Playwright
    server: LocalServer
    witness: Witness
    between: int = 0
    given_up: int = 0
    _moments: Iterator[Moment] = attrs.Factory(_moments)

    @contextlib.contextmanager
    def browsing(self, profile: Path) -> Iterator[tuple[KillableChromium, EnclavePage]]:
        """Run a browser on a profile, with a page without its enclave, while the block runs."""
        places = {"app_origin": self.server.app_origin, "kms_origin": self.server.kms_origin}
        with killable_chromium(self.playwright, profile) as browser:
            yield browser, open_page_in(browser.context, **places)

    @contextlib.contextmanager
    def opened(self, profile: Path) -> Iterator[tuple[KillableChromium, EnclavePage]]:
        """The same, with the page's enclave. Raises GivenUpError."""
        with self.browsing(profile) as (browser, enclave):
            opened = enclave.open_sdk()
            if opened.code == "audit.rollback" and is_begun_anew(profile, self.server.kms_origin):
                raise GivenUpError
            assert opened.code is None, opened.error
            yield browser, enclave

    @contextlib.contextmanager
    def until_given_up(self) -> Iterator[None]:
        """Leave the block where the browser gives a profile's database up, and count that."""
        try:
            yield
        except GivenUpError:
            self.given_up += 1

    def kill_during(
        self,
        browser: KillableChromium,
        enclave: EnclavePage,
        length: Length,
        *calls: Call,
    ) -> Mapping[int, Outcome]:
        """Begin the calls in one turn; return what the page had been answered, by their number."""
        moment = next(self._moments)
        announce_commits(enclave)
        if "commit" in moment.after:
            with expect_commit(enclave, moment.commit(length)):
                self.witness.begin(enclave, *calls)
        else:
            self.witness.begin(enclave, *calls)
        if moment.after == "reply":
            self.witness.wait_for_outcomes(moment.replies(len(calls)))
        time.sleep(moment.delay_s(length))
        browser.kill()
        outcomes = self.witness.last_words()
        self.between += len(outcomes) < len(calls)
        return outcomes
