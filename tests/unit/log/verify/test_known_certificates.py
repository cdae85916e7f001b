"""A certificate met before is known by its bytes; nothing else slips through with it."""

from __future__ import annotations

import hashlib

import pytest
import rfc8785
from forging import LEASE_ID, Forger, b64
from kms_enclave.log.verify.chain import BadEntryError, ChainVerifier

_NOT_JSON = "is not JSON"
_NOT_CANONICAL = "is not canonical JSON"
_END = b',"chainHash":"'


def _log() -> tuple[Forger, ChainVerifier]:
    """Return a log with one token, and a verifier that has seen all of it."""
    log = Forger()
    log.genesis()
    log.setup()
    log.token()
    verifier = ChainVerifier()
    for entry in log.entries:
        verifier.check(rfc8785.dumps(entry))
    return log, verifier


def _signed(log: Forger, data: bytes) -> bytes:
    """Return other bytes for the last entry, with the hash and the signature that they need."""
    entry = log.entries[-1]
    old_hash, old_sig = entry["chainHash"].encode(), entry["sig"].encode()
    covered = data.replace(b'"chainHash":"' + old_hash + b'",', b"")
    covered = covered.replace(b',"sig":"' + old_sig + b'"', b"")
    digest = hashlib.sha256(covered).digest()
    changed = data.replace(old_hash, digest.hex().encode())
    return changed.replace(old_sig, b64(log.lak.sign(digest)).encode())


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'{"cert":', b'{"card":', "has an unknown field"),
        (b'{"cert":', b'{ "cert":', _NOT_CANONICAL),
        (b'{"cert":', b'{"cert": ', _NOT_CANONICAL),
        (_END, b" " + _END, _NOT_CANONICAL),
        (_END, b';"chainHash":"', _NOT_JSON),
        (_END, b"," + _END, _NOT_JSON),
        (_END, b',"cert":{}' + _END, _NOT_CANONICAL),
        (b',"kid":', b',"cert":{},"kid":', _NOT_CANONICAL),
        (b',"kid":', b' ,"kid":', _NOT_CANONICAL),
        (b'"seqNum":3', b'"seqNum":3.0', _NOT_JSON),
    ],
)
def test_around_a_known_certificate_an_entry_has_one_spelling(
    old: bytes, new: bytes, reason: str
) -> None:
    log, verifier = _log()
    log.token()
    data = rfc8785.dumps(log.entries[-1])
    assert data.count(old) == 1
    with pytest.raises(BadEntryError) as caught:
        verifier.check(_signed(log, data.replace(old, new)))
    assert (caught.value.seq_num, caught.value.reason) == (3, reason)


def test_a_known_certificate_of_another_kind_of_key_is_bad() -> None:
    log, verifier = _log()
    log.denial(cert=log.certificate("LAK"))
    with pytest.raises(BadEntryError, match="for another kind of key"):
        verifier.check(rfc8785.dumps(log.entries[-1]))


def test_a_known_certificate_is_bad_in_an_entry_of_another_lease() -> None:
    log, verifier = _log()
    log.token(leaseId=LEASE_ID + "x")
    with pytest.raises(BadEntryError, match="another lease's"):
        verifier.check(rfc8785.dumps(log.entries[-1]))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"timestamp": 2001}, "the certificate was not valid at that time"),
        ({"op": "lease.create", "by": "UAK"}, "a certificate of a key that needs none"),
    ],
)
def test_a_known_certificate_covers_no_more_than_a_new_one(
    changes: dict[str, object], reason: str
) -> None:
    log, verifier = _log()
    op, signer = str(changes.pop("op", "sign")), str(changes.pop("by", "LAK"))
    log.add(op, signer, **{"leaseId": LEASE_ID, "cert": log.certificate("LAK"), **changes})
    with pytest.raises(BadEntryError, match=reason):
        verifier.check(rfc8785.dumps(log.entries[-1]))


def test_a_known_certificates_signature_is_verified_once() -> None:
    log, verifier = _log()
    log.token()
    assert len(verifier.check(rfc8785.dumps(log.entries[-1])).signatures) == 1


def test_a_long_certificate_is_verified_wherever_it_is_met() -> None:
    log, verifier = _log()
    cert = log.certificate("LAK", scope=["sign", "x" * 5000])
    for _ in range(2):
        log.token(cert=cert)
        assert len(verifier.check(rfc8785.dumps(log.entries[-1])).signatures) == 2
