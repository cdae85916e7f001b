"""Both verifiers accept the same files: those of a real enclave, and forged ones.

The forger holds every key and signs what it breaks, so that only the rule under test can
be what refuses. Where the two disagree, the document says too little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from exports import Exported, exported, pruned, unset, verdict
from forging import INSTANCE_ID, LEASE_ID, LEFT_OUT, Forger, b64, public, root
from kms_enclave.encoding import parse_canonical
from kms_enclave.log.verify.export import BadExportError
from kms_enclave.tlog.checkpoint import CheckpointError

from independent.export import verify_export_file
from independent.jcs import NotVerified, decode

_OTHER = Ed25519PrivateKey.generate()


def _file(lines: Sequence[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _opinions(lines: Sequence[bytes], older: Sequence[str] = ()) -> tuple[bool, bool]:
    """Return whether the enclave's verifier accepts a file, and whether the other one does."""
    try:
        verdict(lines, checkpoints=older)
        ours = True
    except (BadExportError, CheckpointError):
        ours = False
    try:
        verify_export_file(_file(lines), older=older)
        theirs = True
    except NotVerified:
        theirs = False
    return ours, theirs


@pytest.mark.parametrize("make", [exported, pruned, unset])
def test_a_real_export_verifies_from_the_document_alone(make: Callable[[], Exported]) -> None:
    file = make()
    found = verify_export_file(_file(file.lines), public_key=file.key)
    summary = verdict(file.lines, key=file.key)
    assert (found.size, found.first) == (summary.size, summary.first)
    assert found.root.hex() == summary.root_hash
    assert found.chain_hash == summary.chain_hash
    assert found.is_pinned
    with pytest.raises(NotVerified):
        verify_export_file(_file(file.lines), public_key=b64(public(_OTHER)))


def _log() -> Forger:
    log = Forger()
    log.genesis()
    log.setup()
    log.add("lease.create", "UAK", leaseId=LEASE_ID)
    log.token()
    log.denial()
    return log


def _denial(log: Forger, **changes: Any) -> None:
    log.denial(cert=log.certificate("KIAK", **changes))


def _token(log: Forger, **changes: Any) -> None:
    log.token(cert=log.certificate("LAK", **changes))


_GOOD: dict[str, Callable[[Forger], object]] = {
    "nothing more": lambda log: None,
    "at the certificate's first millisecond": lambda log: _token(log, notBefore=1000),
    "at the certificate's last millisecond": lambda log: _token(log, notAfter=1000),
    "a clock that was set back": lambda log: log.add("clock.adjust", "UAK", timestamp=900),
    "text outside ASCII": lambda log: log.add("generate", "UAK", userId="Zoë \u202e\x7f\u2028"),
    "every short escape": lambda log: log.add("generate", "UAK", userId='"\\\b\t\n\f\r\x1f/'),
    "members of every type": lambda log: log.add(
        "generate", "UAK", details={"a": [1, True, {"b": ""}], "b": -5, "c": {}, "d": None}
    ),
    "keys that UTF-16 sorts otherwise": lambda log: log.add(
        "generate", "UAK", details={"\ufb33": 1, "\U0001f600": 2}
    ),
    "the largest integer": lambda log: log.add("generate", "UAK", duration=2**53 - 1),
    "a subscription under a lease": lambda log: log.add(
        "subscription.set", "KIAK", cert=log.certificate("KIAK", scope=["subscription.set"])
    ),
    "a user's own token": lambda log: log.add("sign", "UAK"),
    "a user's reset at the end": lambda log: log.add("reset", "UAK"),
    "a confirmed reset at the end": lambda log: log.add(
        "reset", "KIAK", cert=log.certificate("KIAK", scope=["reset"])
    ),
}  # fmt: skip

_BAD: dict[str, Callable[[Forger], object]] = {
    "another version": lambda log: log.denial(kmsVersion=3),
    "an unknown field": lambda log: log.denial(comment="x"),
    "a field of a wrong type": lambda log: log.denial(userId=5),
    "true for a number": lambda log: log.denial(duration=True),
    "a later number": lambda log: log.denial(seqNum=6),
    "another link": lambda log: log.denial(previousHash="0" * 64),
    "an older time": lambda log: log.denial(timestamp=999),
    "an unknown operation": lambda log: log.add("export", "UAK"),
    "an unknown signer": lambda log: log.add("generate", "UAK", signer="ROOT"),
    "a lease key's revocation": lambda log: log.add(
        "lease.revoke", "LAK", leaseId=LEASE_ID, cert=log.certificate("LAK", scope=["lease.revoke"])
    ),
    "an instance's token": lambda log: log.add(
        "sign", "KIAK", cert=log.certificate("KIAK", scope=["sign"])
    ),
    "a user's refusal": lambda log: log.add("unlock.denied", "UAK"),
    "another key under the right name": lambda log: log.add("generate", "UAK", by=_OTHER),
    "another name": lambda log: log.add("generate", "UAK", signerId="x"),
    "a second setup": lambda log: log.setup(),
    "a second start": lambda log: log.add(
        "instance.start", "KIAK", cert=log.certificate("KIAK", scope=["instance.start"]), details={}
    ),
    "a user's certificate": lambda log: log.add("generate", "UAK", cert=log.certificate("KIAK")),
    "a user's empty certificate": lambda log: log.add("generate", "UAK", cert={}),
    "a user's certificate that holds a hash": lambda log: log.add(
        "generate", "UAK", cert={"chainHash": "0" * 64}
    ),
    "no certificate": lambda log: log.denial(cert=None),
    "no certificate of a lease": lambda log: log.token(cert=None),
    "another lease": lambda log: log.token(leaseId="other"),
    "no lease": lambda log: log.token(leaseId=None),
    "a KIAK's certificate for a lease": lambda log: log.token(cert=log.certificate("KIAK")),
    "a certificate by another": lambda log: _token(log, by=_OTHER),
    "a certificate's other type": lambda log: _token(log, type="other"),
    "a certificate's other version": lambda log: _token(log, version=2),
    "a certificate whose version is true": lambda log: _token(log, version=True),
    "a certificate from later on": lambda log: _token(log, notBefore=1001),
    "a certificate from before": lambda log: _token(log, notAfter=999),
    "a certificate without an end": lambda log: _token(log, notAfter="never"),
    "a certificate without a beginning": lambda log: _token(log, notBefore=None),
    "a certificate that leaves its end out": lambda log: _token(log, notAfter=LEFT_OUT),
    "an instance's certificate that leaves its end out": lambda log: _denial(
        log, notAfter=LEFT_OUT
    ),
    "a certificate for nothing": lambda log: _token(log, scope=[]),
    "a certificate whose scope is text": lambda log: _token(log, scope="sign"),
    "a certificate whose scope has a number": lambda log: _token(log, scope=["sign", 1]),
    "a certificate with an unknown field": lambda log: _token(log, comment="x"),
    "a certificate without a build": lambda log: _token(log, codeHash=None),
    "a lease's certificate that names an instance": lambda log: _token(log, instanceId="x"),
    "an instance's certificate that names a lease": lambda log: _denial(log, leaseId="x"),
    "an instance's certificate for another": lambda log: _denial(log, instanceId="x"),
    "an instance's certificate for another key": lambda log: _denial(
        log, delegatePub=b64(public(_OTHER))
    ),
    "an instance's certificate for other operations": lambda log: _denial(log, scope=["reset"]),
    "an entry after the reset": lambda log: (log.add("reset", "UAK"), log.denial()),
    "a second reset": lambda log: (log.add("reset", "UAK"), log.add("reset", "UAK")),
    "a fraction": lambda log: log.add("generate", "UAK", details={"a": 1.5}),
}


@pytest.mark.parametrize("write", _GOOD.values(), ids=_GOOD.keys())
def test_both_accept_what_the_document_allows(write: Callable[[Forger], object]) -> None:
    log = _log()
    write(log)
    assert _opinions(log.export()) == (True, True)


@pytest.mark.parametrize("write", _BAD.values(), ids=_BAD.keys())
def test_both_refuse_a_signed_entry_that_breaks_a_rule(write: Callable[[Forger], object]) -> None:
    log = _log()
    write(log)
    assert _opinions(log.export()) == (False, False)


_BAD_BEGINNINGS: dict[str, Callable[[Forger], object]] = {
    "a genesis before 1970": lambda log: (setattr(log, "timestamp", -1), log.genesis()),
    "no genesis": lambda log: log.denial(cert=None),
    "a genesis without a key": lambda log: log.genesis(instancePublicKey="x"),
    "a genesis without an id": lambda log: log.genesis(instanceId=5),
    "a certificate before the setup": lambda log: (log.genesis(), log.denial()),
    "a user before the setup": lambda log: (log.genesis(), log.add("generate", "UAK")),
    "a setup without a certificate": lambda log: (log.genesis(), log.setup(instanceCert=None)),
    "a setup without a key": lambda log: (log.genesis(), log.setup(auditPublicKey=None)),
    "a setup that begins late": lambda log: (
        log.genesis(), log.setup(instanceCert=log.certificate("KIAK", notBefore=1001))
    ),
    "a setup that ends early": lambda log: (
        log.genesis(), log.setup(instanceCert=log.certificate("KIAK", notAfter=999))
    ),
    "a setup that does not cover the genesis": lambda log: (
        log.genesis(), log.setup(instanceCert=log.certificate("KIAK", scope=["unlock.denied"]))
    ),
    "a setup that does not cover a denial before it": lambda log: (
        log.genesis(), log.denial(cert=None),
        log.setup(instanceCert=log.certificate("KIAK", scope=["instance.start"]))
    ),
    "a setup that ends before what precedes it": lambda log: (
        log.genesis(), log.denial(cert=None, timestamp=1500),
        setattr(log, "timestamp", 1500),
        log.setup(instanceCert=log.certificate("KIAK", notAfter=1499))
    ),
    "a setup for another instance": lambda log: (
        log.genesis(), log.setup(instanceCert=log.certificate("KIAK", instanceId="x"))
    ),
}  # fmt: skip


@pytest.mark.parametrize("write", _BAD_BEGINNINGS.values(), ids=_BAD_BEGINNINGS.keys())
def test_both_refuse_a_bad_beginning(write: Callable[[Forger], object]) -> None:
    log = Forger()
    write(log)
    assert _opinions(log.export()) == (False, False)


def test_both_accept_a_setup_that_covers_just_what_precedes_it() -> None:
    log = Forger()
    log.genesis()
    log.denial(cert=None, timestamp=1500)
    log.timestamp = 1500
    scope = ["instance.start", "unlock.denied"]
    log.setup(instanceCert=log.certificate("KIAK", notBefore=1000, notAfter=1500, scope=scope))
    assert _opinions(log.export()) == (True, True)


_BAD_ENDS: dict[str, Callable[[Forger], list[bytes]]] = {
    "a larger tree": lambda log: log.export(size=6),
    "a smaller tree": lambda log: log.export(size=4),
    "another root": lambda log: log.export(root=b"\1" * 32),
    "another origin": lambda log: log.export(origin="kms.example/other"),
    "another signer": lambda log: log.export(by=_OTHER),
    "another certificate": lambda log: log.export(certificate=log.certificate("LAK")),
    "a certificate by another": lambda log: log.export(
        certificate=log.certificate("KIAK", by=_OTHER)
    ),
    "a certificate of another instance": lambda log: log.export(
        certificate=log.certificate("KIAK", instanceId="other")
    ),
    "no certificate": lambda log: [line for line in log.export() if b'"certificate":' not in line],
    **{
        f"a name with U+{ord(character):04X}": lambda log, character=character: log.export(
            origin=f"kms{character}example/{INSTANCE_ID}"
        )
        for character in " +\x7f\x85\xa0\u2028\u3000ü"
    },
}


@pytest.mark.parametrize("write", _BAD_ENDS.values(), ids=_BAD_ENDS.keys())
def test_both_refuse_a_checkpoint_or_certificate_that_does_not_fit(
    write: Callable[[Forger], list[bytes]],
) -> None:
    assert _opinions(write(_log())) == (False, False)


def test_both_refuse_a_certificate_in_a_log_without_a_setup() -> None:
    log = Forger()
    log.genesis()
    assert _opinions(log.export()) == (True, True)
    assert _opinions(log.export(certificate=log.certificate("KIAK"))) == (False, False)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_both_accept_an_older_checkpoint_of_every_size(size: int) -> None:
    log = _log()
    assert _opinions(log.export(), [log.note(size)]) == (True, True)


_OLDER: dict[str, Callable[[Forger], str]] = {
    "another root": lambda log: log.note(3, root=b"\1" * 32),
    "another root of no entries": lambda log: log.note(0, root=b"\1" * 32),
    "another signer": lambda log: log.note(3, by=_OTHER),
    "another origin": lambda log: log.note(3, origin="kms.example/other"),
    "a larger tree": lambda log: log.note(6),
    "nonsense": lambda _: "nonsense",
    "a size with a zero before it": lambda log: log.note(3).replace("\n3\n", "\n03\n"),
    "no line feed at its end": lambda log: log.note(3).removesuffix("\n"),
    "an extension line": lambda log: log.note(3).replace("\n\n", "\nmore\n\n"),
    "two signatures": lambda log: log.note(3) + log.note(3).rpartition("\n\n")[2],
    "a long one": lambda log: log.note(3, origin="x" * 1024),
}


@pytest.mark.parametrize("older", _OLDER.values(), ids=_OLDER.keys())
def test_both_refuse_an_older_checkpoint_that_does_not_fit(older: Callable[[Forger], str]) -> None:
    log = _log()
    assert _opinions(log.export(), [older(log)]) == (False, False)


def _pruned(**more: object) -> Forger:
    log = _log()
    log.prune(3, **more)
    return log


def test_both_accept_a_pruned_file_whatever_its_details_hold() -> None:
    log = _pruned(**{"\ufb33": 1, "\U0001f600": 2})
    assert _opinions(log.export_pruned(3)) == (True, True)


def test_both_refuse_a_pruning_that_is_not_the_one_in_its_place() -> None:
    log = _pruned()
    there = log.entries.pop()
    log.prune(3, via="prompt")
    other = log.entries[-1]
    assert _opinions(log.export_pruned(3, entry=other)) == (True, True)
    assert _opinions(log.export_pruned(3, entry=there)) == (False, False)


def _folded(log: Forger) -> list[str]:
    leaves = [rfc8785.dumps(entry) for entry in log.entries[:3]]
    return [root(leaves).hex()]


_BAD_PRUNINGS: dict[str, Callable[[], list[bytes]]] = {
    "that drops nothing": lambda: _pruned(
        first=0, rootHash=root([]).hex(), chainHash="0" * 64
    ).export_pruned(0),
    "that drops itself": lambda: _pruned(first=6).export_pruned(6),
    "that says true for a number": lambda: _pruned(first=True).export_pruned(3),
    "that drops fewer": lambda: _pruned(first=2).export_pruned(2),
    "that drops what is later than what was kept": lambda: _pruned(timestamp=10**12).export_pruned(
        3
    ),
    "with another link": lambda: _pruned(chainHash="0" * 64).export_pruned(3),
    "with another root": lambda: _pruned(rootHash="0" * 64).export_pruned(3),
    "with another's certificate": lambda: _pruned(
        instanceCert=Forger().certificate("KIAK")
    ).export_pruned(3),
    "by another user": lambda: _pruned(auditPublicKey=b64(public(_OTHER))).export_pruned(3),
    "whose subtrees are folded": lambda: (log := _pruned()).export_pruned(3, subtrees=_folded(log)),
    "whose hash is another": lambda: (log := _pruned()).export_pruned(
        3, entry={**log.entries[-1], "chainHash": "0" * 64}
    ),
    "whose signature is another": lambda: (log := _pruned()).export_pruned(
        3, entry={**log.entries[-1], "sig": log.entries[0]["sig"]}
    ),
}


@pytest.mark.parametrize("write", _BAD_PRUNINGS.values(), ids=_BAD_PRUNINGS.keys())
def test_both_refuse_a_pruning(write: Callable[[], list[bytes]]) -> None:
    assert _opinions(write()) == (False, False)


@pytest.mark.parametrize(("changed", "expected"), [({}, True), ({"root": b"\1" * 32}, False)])
def test_both_compare_an_older_checkpoint_of_exactly_what_was_dropped(
    changed: dict[str, bytes], expected: bool
) -> None:
    log = _pruned()
    assert _opinions(log.export_pruned(3), [log.note(3, **changed)]) == (expected, expected)


def test_both_refuse_an_integer_that_javascript_would_round() -> None:
    log = _log()
    log.add("generate", "UAK", duration=2**53 - 1)
    lines = log.export()
    lines[-1] = lines[-1].replace(b"9007199254740991", b"9007199254740992")
    assert _opinions(lines) == (False, False)
    with pytest.raises(NotVerified, match="a value that no log holds"):
        decode(lines[-1])
    with pytest.raises(ValueError, match="is not JSON"):
        parse_canonical(lines[-1])
