"""How long calls take, as a page sees them, beside the same work in plain JavaScript."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import attrs
from playwright.sync_api import Page

from bench.figures import Figure, single, summarise
from bench.offline import measure_offline

READ_RECORDS = Path(__file__).parents[1] / "e2e" / "origin_scripts" / "read_records.js"


@attrs.frozen
class Counts:
    """How often each thing is measured."""

    starts: int = 10
    unlocks: int = 10
    calls: int = 300
    rounds: int = 10
    parallel: int = 300
    log_sizes: tuple[int, ...] = (1000, 10_000, 100_000)


QUICK = Counts(starts=2, unlocks=2, calls=20, rounds=2, parallel=50, log_sizes=(600, 700))


@attrs.frozen
class CallBench:
    """A page whose enclave has started."""

    page: Page
    kms_origin: str
    counts: Counts

    def run(self) -> Iterator[Figure]:
        yield from self._unlocks()
        short = self._short_log()
        yield from short.values()
        yield from self._compared(short["issue"])
        yield from self._together()
        yield from self._grown_log(short["issue"])

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
        sign = summarise("signJWT", self._measure("measureSignJWT", unlocks), target="PBKDF2 + 20")
        yield from (pbkdf2, setup, lease, sign)
        for figure in (lease, sign):
            more = figure.median - pbkdf2.median
            yield single(f"{figure.name} − PBKDF2", more, unit="ms", n=unlocks, target="20")
        yield single("PBKDF2 iterations", iterations, unit="")

    def _short_log(self) -> dict[str, Figure]:
        """What one call costs, one after the other."""
        calls = self.counts.calls
        rows = {
            "issue": ("issueVAPIDJWT, short log", "measureIssue", "5, p99 15"),
            "batch": ("issueVAPIDJWTs, batch of 10", "measureBatch", "15, p99 60"),
            "quota": ("getQuota", "measureQuota", "p99 10"),
            "lease": ("verifyLease", "measureLease", "p99 5"),
            "status": ("getStatus", "measureStatus", ""),
        }
        return {
            key: summarise(name, self._measure(function, calls), target=target)
            for key, (name, function, target) in rows.items()
        }

    def _compared(self, issue: Figure) -> Iterator[Figure]:
        calls = self.counts.calls
        baseline = summarise("baseline: plain JavaScript", self._measure("measureBaseline", calls))
        yield baseline
        yield single("issueVAPIDJWT / baseline", issue.median / baseline.median, unit="×", n=calls)

    def _together(self) -> Iterator[Figure]:
        parallel = self.counts.parallel
        rounds = self._measure("measureParallel", self.counts.rounds, parallel)
        together = summarise(f"{parallel} calls in parallel", rounds)
        yield together
        rate = parallel / together.median * 1000
        yield single("tokens a second in parallel", rate, unit="/s", n=len(rounds), target="600")

    def _grown_log(self, short: Figure) -> Iterator[Figure]:
        """The same calls when the log is longer."""
        calls = self.counts.calls
        for size in self.counts.log_sizes:
            entries = self._measure("fillLog", size)
            grown = summarise(
                f"issueVAPIDJWT, {entries} entries",
                self._measure("measureIssue", calls),
                target="5, p99 15",
            )
            yield grown
            yield single(
                f"issueVAPIDJWT, {entries} entries / short log",
                grown.median / short.median,
                unit="×",
                n=calls,
                target="1.2",
            )
            verified = self._measure("measureVerify", 1)
            per_entry = [duration / verified["entries"] for duration in verified["durations"]]
            name = f"verifyAuditChain, an entry of {verified['entries']}"
            yield summarise(name, per_entry, target="0.30")
            yield from measure_offline(self.page, entries=entries)

    def _iterations(self) -> int:
        frame = next(f for f in self.page.frames if f.url.startswith(self.kms_origin))
        records = frame.evaluate(READ_RECORDS.read_text("utf-8"))
        (enrollment,) = [each for each in records if each["store"] == "enrollments"]
        return json.loads(enrollment["value"])["kdf"]["iterations"]
