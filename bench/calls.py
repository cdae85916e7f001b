"""How long calls take, as a page sees them, beside the same work in plain JavaScript."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import attrs
from playwright.sync_api import Page

from bench.figures import Figure, single, summarise

READ_RECORDS = Path(__file__).parents[1] / "e2e" / "origin_scripts" / "read_records.js"


@attrs.frozen
class Counts:
    """How often each thing is measured."""

    starts: int = 10
    unlocks: int = 10
    calls: int = 300
    rounds: int = 10
    parallel: int = 300
    log_entries: int = 1000


QUICK = Counts(starts=2, unlocks=2, calls=20, rounds=2, parallel=50, log_entries=100)


@attrs.frozen
class CallBench:
    """A page whose enclave has started."""

    page: Page
    kms_origin: str
    counts: Counts

    def run(self) -> Iterator[Figure]:
        yield from self._unlocks()
        yield from self._issuing()
        yield from self._round_trip_and_log()

    def _measure(self, function: str, *arguments: object):
        expression = f"(a) => {function}(...a)"
        return self.page.evaluate(expression, list(arguments))

    def _unlocks(self) -> Iterator[Figure]:
        unlocks = self.counts.unlocks
        setup = summarise(
            "setupPassphrase",
            self._measure("measureSetup", unlocks),
            target="PBKDF2 + 20, and the calibration",
        )
        lease = summarise(
            "createLease", self._measure("measureCreateLease", unlocks), target="PBKDF2 + 20"
        )
        iterations = self._iterations()
        pbkdf2 = summarise("PBKDF2 alone", self._measure("measurePbkdf2", unlocks, iterations))
        yield from (pbkdf2, setup, lease)
        yield single("createLease − PBKDF2", lease.median - pbkdf2.median, unit="ms", target="20")
        yield single("PBKDF2 iterations", iterations, unit="")

    def _issuing(self) -> Iterator[Figure]:
        calls = self.counts.calls
        empty = summarise(
            "issueVAPIDJWT, short log",
            self._measure("measureIssue", calls),
            target="5, p99 15",
        )
        baseline = summarise("baseline: plain JavaScript", self._measure("measureBaseline", calls))
        entries = self._measure("fillLog", self.counts.log_entries)
        filled = summarise(
            f"issueVAPIDJWT, {entries} entries",
            self._measure("measureIssue", calls),
            target="5, p99 15",
        )
        yield from (empty, filled, baseline)
        yield single("issueVAPIDJWT / baseline", empty.median / baseline.median, unit="×", n=calls)
        parallel = self.counts.parallel
        rounds = self._measure("measureParallel", self.counts.rounds, parallel)
        together = summarise(f"{parallel} calls in parallel", rounds)
        yield together
        rate = parallel / together.median * 1000
        yield single("tokens a second in parallel", rate, unit="/s", n=len(rounds), target="600")

    def _round_trip_and_log(self) -> Iterator[Figure]:
        yield summarise("getStatus", self._measure("measureStatus", self.counts.calls))
        verified = self._measure("measureVerify", 3)
        per_entry = [duration / verified["entries"] for duration in verified["durations"]]
        name = f"verifyAuditChain, an entry of {verified['entries']}"
        yield summarise(name, per_entry, target="0.30")

    def _iterations(self) -> int:
        frame = next(f for f in self.page.frames if f.url.startswith(self.kms_origin))
        records = frame.evaluate(READ_RECORDS.read_text("utf-8"))
        (enrollment,) = [each for each in records if each["store"] == "enrollments"]
        return json.loads(enrollment["value"])["kdf"]["iterations"]
