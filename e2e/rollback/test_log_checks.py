"""Which log the SDK takes for the one that it has seen, check by check."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

import attrs
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from independent.tree import leaf_hash, root_of
from playwright.sync_api import Page

HOST = "kms.example"

Wire = Mapping[str, Any]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@attrs.frozen
class Key:
    private: Ed25519PrivateKey = attrs.field(factory=Ed25519PrivateKey.generate)

    @property
    def raw(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def text(self) -> str:
        return _text(self.raw)


@attrs.frozen
class Log:
    """A log as it is shown: of two entries, so that its proofs can be written by hand."""

    entries: tuple[bytes, ...] = (b'{"seqNum":0}', b'{"seqNum":1}')
    instance: Key = attrs.field(factory=Key)
    user: Key | None = attrs.field(factory=Key)
    instance_id: str = "3f0e8a52"
    host: str = HOST
    consistency: tuple[bytes, ...] | None = ()
    inclusion: tuple[tuple[bytes, ...] | None, ...] = ()
    certified: Mapping[str, object] = attrs.field(factory=dict)
    certified_by: Key | None = None
    signed_by: Key | None = None

    @property
    def name(self) -> str:
        return f"{self.host}/{self.instance_id}"

    @property
    def leaves(self) -> list[bytes]:
        return [leaf_hash(entry) for entry in self.entries]

    def shown(self) -> Wire:
        return {
            "checkpoint": self._note(),
            "auditPublicKey": self.user.text if self.user else None,
            "instancePublicKey": self.instance.text,
            "instanceCert": self._certificate(),
            "consistency": None if self.consistency is None else _hex(self.consistency),
            "inclusion": [None if path is None else _hex(path) for path in self.inclusion],
        }

    def _note(self) -> str:
        root = base64.b64encode(root_of(self.leaves)).decode()
        text = f"{self.name}\n{len(self.entries)}\n{root}\n"
        named = f"{self.name}\n".encode() + b"\x01" + self.instance.raw
        signature = (self.signed_by or self.instance).private.sign(text.encode())
        signed = base64.b64encode(hashlib.sha256(named).digest()[:4] + signature).decode()
        return f"{text}\n\u2014 {self.name} {signed}\n"

    def _certificate(self) -> Wire | None:
        if self.user is None:
            return None
        certificate = {
            "type": "audit-delegation",
            "version": 1,
            "signerKind": "KIAK",
            "delegatePub": self.instance.text,
            "scope": ["instance.start"],
            "notBefore": 1_700_000_000_000,
            "notAfter": None,
            "codeHash": "c",
            "manifestHash": "m",
            "kmsVersion": "1",
            "instanceId": self.instance_id,
            **self.certified,
        }
        signature = (self.certified_by or self.user).private.sign(rfc8785.dumps(certificate))
        return {**certificate, "sig": _text(signature)}


def _hex(hashes: tuple[bytes, ...]) -> list[str]:
    return [each.hex() for each in hashes]


_LOOK = """async ({ pin, shown, entries }) => findingOf((async () => {
  const expected = { expectedHost: "kms.example" };
  const pinned = pin && (await verifyStanding(pin, expected));
  const found = await verifyStanding(shown, expected);
  if (pinned) await verifyGrowth(found, pinned, shown.consistency);
  await verifyEntries(found, entries, shown.inclusion);
})())"""


def finding(
    page: Page, shown: Log, *, pinned: Log | None = None, entries: Mapping[int, bytes] | None = None
) -> str | None:
    """Return which check fails, None where none does."""
    kept = [{"seqNum": n, "text": text.decode()} for n, text in (entries or {}).items()]
    argument = {"pin": pinned and pinned.shown(), "shown": shown.shown(), "entries": kept}
    found: str | None = page.evaluate(_LOOK, argument)
    return found


def test_the_first_log_is_believed(verifier: Page):
    assert finding(verifier, Log()) is None
    assert finding(verifier, Log(user=None)) is None


def test_the_same_log_is_the_same(verifier: Page):
    log = Log()
    assert finding(verifier, log, pinned=log) is None


def test_a_log_that_grew_is_the_same(verifier: Page):
    log = Log()
    last = leaf_hash(b"2")
    grown = attrs.evolve(log, entries=(*log.entries, b"2"), consistency=(last,))
    assert finding(verifier, grown, pinned=log) is None


def test_a_log_that_was_set_up_since_is_the_same(verifier: Page):
    log = Log(user=None)
    assert finding(verifier, attrs.evolve(log, user=Key()), pinned=log) is None


def test_a_renewed_certificate_changes_nothing(verifier: Page):
    log = Log()
    renewed = attrs.evolve(log, certified={"codeHash": "another build"})
    assert finding(verifier, renewed, pinned=log) is None


def test_what_another_key_signs_is_no_checkpoint(verifier: Page):
    assert finding(verifier, Log(signed_by=Key())) == "checkpoint"


def test_another_enclaves_log_is_no_checkpoint_of_this_one(verifier: Page):
    for host in ("evil.example", "kms.example:8501", "x.kms.example", "kms.example/x", ""):
        assert finding(verifier, Log(host=host)) == "checkpoint"


@pytest.mark.parametrize(
    "certified",
    [
        {"delegatePub": Key().text},
        {"signerKind": "LAK"},
        {"instanceId": "another"},
    ],
)
def test_a_key_that_the_user_has_not_certified_is_none(verifier: Page, certified: Wire):
    assert finding(verifier, Log(certified=certified)) == "auditCertificate"


def test_a_certificate_by_another_key_is_none(verifier: Page):
    assert finding(verifier, Log(certified_by=Key())) == "auditCertificate"


def test_another_instance_is_another_log(verifier: Page):
    log = Log()
    assert finding(verifier, attrs.evolve(log, instance_id="4"), pinned=log) == "log"


def test_another_instance_key_is_another_log(verifier: Page):
    log = Log()
    assert finding(verifier, attrs.evolve(log, instance=Key()), pinned=log) == "instanceKey"


def test_another_audit_key_is_another_log(verifier: Page):
    log = Log()
    assert finding(verifier, attrs.evolve(log, user=Key()), pinned=log) == "auditKey"


def test_an_audit_key_that_is_gone_is_another_log(verifier: Page):
    log = Log()
    assert finding(verifier, attrs.evolve(log, user=None), pinned=log) == "auditKey"


def test_a_shorter_log_is_an_older_one(verifier: Page):
    log = Log()
    older = attrs.evolve(log, entries=log.entries[:1])
    assert finding(verifier, older, pinned=log) == "size"


def test_a_log_of_the_same_size_with_another_root_is_a_fork(verifier: Page):
    log = Log()
    fork = attrs.evolve(log, entries=(log.entries[0], b"x"))
    assert finding(verifier, fork, pinned=log) == "consistency"


@pytest.mark.parametrize("proof", [None, (), (leaf_hash(b"1"), leaf_hash(b"2"))])
def test_a_longer_log_without_the_pinned_beginning_is_a_fork(
    verifier: Page, proof: tuple[bytes, ...] | None
):
    log = Log()
    fork = attrs.evolve(log, entries=(log.entries[0], b"x", b"y"), consistency=proof)
    assert finding(verifier, fork, pinned=log) == "consistency"


def test_an_entry_that_is_there_is_found(verifier: Page):
    log = Log()
    both = attrs.evolve(log, inclusion=((log.leaves[1],), (log.leaves[0],)))
    assert finding(verifier, both, entries=dict(enumerate(log.entries))) is None


@pytest.mark.parametrize("entry", [b'{"seqNum":1,"x":0}', b'{"seqNum":0}', b""])
def test_another_entry_of_its_number_is_not_it(verifier: Page, entry: bytes):
    log = Log()
    shown = attrs.evolve(log, inclusion=((log.leaves[0],),))
    assert finding(verifier, shown, entries={1: entry}) == "entry"


@pytest.mark.parametrize("inclusion", [(), (None,), ((),), ((b"",),), ((bytes(32),),)])
def test_an_entry_without_its_proof_is_not_there(
    verifier: Page, inclusion: tuple[tuple[bytes, ...] | None, ...]
):
    log = Log()
    shown = attrs.evolve(log, inclusion=inclusion)
    assert finding(verifier, shown, entries={1: log.entries[1]}) == "entry"


def test_an_entry_beyond_the_log_is_not_there(verifier: Page):
    log = Log()
    shown = attrs.evolve(log, inclusion=((log.leaves[0],),))
    assert finding(verifier, shown, entries={2: log.entries[1]}) == "entry"


# Runs of entries

_RUNS = """([entries, settled]) => {
  const runs = new EntryRuns("log");
  for (const entry of entries.slice(0, settled)) runs.add(entry);
  runs.settle(runs.ends);
  for (const entry of entries.slice(settled)) runs.add(entry);
  const changes = runs.takeChanges();
  const numbers = (list) => list.map(({ seqNum }) => seqNum);
  const again = runs.takeChanges();
  return { ends: numbers(runs.ends), puts: numbers(changes?.puts ?? []), again };
}"""


def _chain(*numbers: int, fork: str = "") -> list[Wire]:
    return [
        {"seqNum": n, "chainHash": f"hash {n}{fork}", "previousHash": f"hash {n - 1}{fork}"}
        for n in numbers
    ]


def _runs(page: Page, entries: list[Wire], *, settled: int = 0) -> Wire:
    found: Wire = page.evaluate(_RUNS, [entries, settled])
    return found


def test_a_run_of_entries_is_its_last(verifier: Page):
    runs = _runs(verifier, _chain(*range(5, 1005)))
    assert runs == {"ends": [1004], "puts": [1004], "again": None}


def test_entries_with_others_between_are_kept_each(verifier: Page):
    assert _runs(verifier, _chain(1, 3, 4, 7))["ends"] == [1, 4, 7]


def test_entries_out_of_order_are_kept_each(verifier: Page):
    assert _runs(verifier, _chain(2, 1))["ends"] == [2, 1]


def test_entries_of_a_fork_are_both_kept(verifier: Page):
    assert _runs(verifier, [*_chain(1, 2), *_chain(2, fork="'")])["ends"] == [2, 2]


def test_what_only_claims_to_follow_is_kept_apart(verifier: Page):
    claimed = {"seqNum": 9, "chainHash": "x", "previousHash": "hash 1"}
    assert _runs(verifier, [*_chain(1), claimed])["ends"] == [1, 9]


def test_an_entry_after_proved_ones_begins_a_run(verifier: Page):
    assert _runs(verifier, _chain(1, 2, 3), settled=2)["ends"] == [3]


def test_there_are_64_runs_at_most(verifier: Page):
    assert _runs(verifier, _chain(*range(0, 200, 2)))["ends"] == list(range(72, 200, 2))
