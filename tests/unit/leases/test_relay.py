"""Relay binding: one relay's word for each call, once; every kind of fault is refused.

The relay is ``cryptography`` and ``rfc8785`` alone, not a line of the enclave.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
import rfc8785
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from doubles import START_MS, FakeClock
from enclave import CREDENTIALS, ENCLAVE, ENDPOINT, ENDPOINT_2, Refusal, Worker, World
from kms_enclave.ports.storage import Record
from kms_enclave.rpc.contract import GetLeasesResult
from kms_enclave.structure import structure

_EXAMPLE = Path(__file__).parents[3] / "examples" / "relay_proof.py"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@attrs.frozen
class Relay:
    """A relay's key; ``alg`` as in the binding."""

    alg: str
    key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls, alg: str = "Ed25519") -> Relay:
        if alg == "ES256":
            return cls(alg, ec.generate_private_key(ec.SECP256R1()))
        return cls(alg, Ed25519PrivateKey.generate())

    @property
    def public_raw(self) -> bytes:
        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.public_key().public_bytes_raw()
        return self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    @property
    def binding(self) -> dict[str, str]:
        return {"alg": self.alg, "key": _base64url(self.public_raw)}

    @property
    def rid(self) -> str:
        return _base64url(hashlib.sha256(self.public_raw).digest())

    def prove(self, world: World, lease_id: str, **changes: Any) -> dict[str, Any]:
        """Return the proof for one token of the first endpoint now; ``changes`` are signed too."""
        signed = {
            "v": "ATS/KMS/relay-proof/v1",
            "origin": ENCLAVE,
            "method": "issueVAPIDJWT",
            "leaseId": lease_id,
            "eid": "one",
            "count": 1,
            "nonce": _base64url(hashlib.sha256(repr(changes).encode()).digest()[:16]),
            "timestamp": world.clock.now_ms(),
            **changes,
        }
        return {
            "nonce": signed["nonce"],
            "timestamp": signed["timestamp"],
            "signature": _base64url(self._sign(rfc8785.dumps(signed))),
        }

    def _sign(self, message: bytes) -> bytes:
        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.sign(message)
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _nonce(number: int) -> str:
    return _base64url(number.to_bytes(16, "big"))


async def _bound(world: World, relay: Relay, **changes: Any) -> tuple[Worker, str]:
    worker = await world.ready()
    return worker, await worker.create_lease(relayBinding=relay.binding, **changes)


async def _fault(worker: Worker, lease_id: str, **changes: Any) -> str:
    """Issue; return what is said to be wrong with the proof."""
    with pytest.raises(Refusal) as caught:
        await worker.issue(lease_id, **changes)
    assert caught.value.code == "relay.proof.invalid"
    return str(caught.value.details["fault"])


def _claims(jwt: str) -> Mapping[str, Any]:
    payload = jwt.split(".")[1]
    claims: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return claims


@pytest.mark.parametrize("alg", ["Ed25519", "ES256"])
async def test_a_bound_lease_issues_with_its_relays_proof(world: World, alg: str) -> None:
    relay = Relay.make(alg)
    worker, lease_id = await _bound(world, relay)
    token = await worker.issue(lease_id, relayProof=relay.prove(world, lease_id))
    assert _claims(token["jwt"])["rid"] == relay.rid
    assert token["auditEntry"]["details"]["rid"] == relay.rid


async def test_a_batch_is_proven_by_its_method_and_count(world: World) -> None:
    relay = Relay.make()
    worker, lease_id = await _bound(world, relay)
    proof = relay.prove(world, lease_id, method="issueVAPIDJWTs", count=3)
    issued = await worker.call(
        "issueVAPIDJWTs", leaseId=lease_id, endpoint=ENDPOINT, count=3, relayProof=proof
    )
    assert {_claims(token["jwt"])["rid"] for token in issued["tokens"]} == {relay.rid}


async def test_the_binding_is_listed_and_stands_in_the_users_entry(world: World) -> None:
    relay = Relay.make()
    worker, _ = await _bound(world, relay)
    listed = await worker.call("getLeases")
    structure(listed, GetLeasesResult)
    (lease,) = listed["leases"]
    assert lease["relayBinding"] == relay.binding
    entry = (await worker.log())[-1]
    assert (entry["signer"], entry["details"]["relayBinding"]) == ("UAK", relay.binding)


async def test_revoked_tokens_are_listed_with_their_relay(world: World) -> None:
    relay = Relay.make()
    worker, lease_id = await _bound(world, relay)
    await worker.issue(lease_id, relayProof=relay.prove(world, lease_id))
    await worker.call("revokeLease", leaseId=lease_id)
    (listed,) = (await worker.call("revokedTokens"))["tokens"]
    assert listed["rid"] == relay.rid


async def test_a_lease_without_a_relay_takes_no_proof(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    with pytest.raises(Refusal) as caught:
        await worker.issue(lease_id, relayProof=Relay.make().prove(world, lease_id))
    assert (caught.value.code, caught.value.details["field"]) == ("request.invalid", "relayProof")


async def test_without_a_proof_a_bound_lease_issues_nothing(world: World) -> None:
    worker, lease_id = await _bound(world, Relay.make())
    assert await _fault(worker, lease_id) == "missing"


async def test_another_relays_signature_is_refused(world: World) -> None:
    worker, lease_id = await _bound(world, Relay.make())
    proof = Relay.make().prove(world, lease_id)
    assert await _fault(worker, lease_id, relayProof=proof) == "signature"


@pytest.mark.parametrize(
    "signed",
    [
        {"v": "ATS/KMS/relay-proof/v2"},
        {"origin": "https://other-kms.example"},
        {"method": "issueVAPIDJWTs"},
        {"leaseId": "lease-another"},
        {"eid": "two"},
        {"count": 2},
    ],
    ids=lambda signed: next(iter(signed)),
)
async def test_a_proof_for_another_call_is_refused(world: World, signed: Any) -> None:
    relay = Relay.make()
    worker, lease_id = await _bound(world, relay)
    proof = relay.prove(world, lease_id, **signed)
    assert await _fault(worker, lease_id, relayProof=proof) == "signature"


@pytest.mark.parametrize("changed", [{"nonce": _nonce(7)}, {"timestamp": START_MS + 1}])
async def test_nonce_and_time_are_signed(world: World, changed: Any) -> None:
    relay = Relay.make()
    worker, lease_id = await _bound(world, relay)
    proof = relay.prove(world, lease_id) | changed
    assert await _fault(worker, lease_id, relayProof=proof) == "signature"


@pytest.mark.parametrize(
    ("late_ms", "fault"), [(60_000, None), (60_001, "stale"), (-60_000, None), (-60_001, "future")]
)
async def test_a_proof_is_good_for_a_minute_before_and_after(
    world: World, late_ms: int, fault: str | None
) -> None:
    relay = Relay.make()
    worker, lease_id = await _bound(world, relay)
    proof = relay.prove(world, lease_id, timestamp=world.clock.now_ms() - late_ms)
    if fault is None:
        assert (await worker.issue(lease_id, relayProof=proof))["jwt"]
    else:
        assert await _fault(worker, lease_id, relayProof=proof) == fault


@pytest.mark.parametrize(
    "changed",
    [
        {"nonce": _base64url(bytes(15))},
        {"nonce": _base64url(bytes(65))},
        {"nonce": _base64url(bytes(16)) + "="},
        {"signature": _base64url(bytes(63))},
        {"signature": "not base64url"},
    ],
)
async def test_a_malformed_proof_is_refused(world: World, changed: Any) -> None:
    relay = Relay.make()
    worker, lease_id = await _bound(world, relay)
    proof = relay.prove(world, lease_id) | changed
    assert await _fault(worker, lease_id, relayProof=proof) == "malformed"


async def test_a_nonce_is_taken_once_by_every_tab_and_after_a_restart(world: World) -> None:
    relay = Relay.make()
    worker, lease_id = await _bound(world, relay)
    second = await world.worker()
    proof = relay.prove(world, lease_id)
    await worker.issue(lease_id, relayProof=proof)
    assert await _fault(worker, lease_id, relayProof=proof) == "reused"
    assert await _fault(second, lease_id, relayProof=proof) == "reused"
    assert await _fault(await world.worker(), lease_id, relayProof=proof) == "reused"


async def test_a_nonce_signed_anew_for_another_endpoint_is_refused(world: World) -> None:
    relay = Relay.make()
    worker, lease_id = await _bound(world, relay)
    await worker.issue(lease_id, relayProof=relay.prove(world, lease_id, nonce=_nonce(1)))
    again = relay.prove(world, lease_id, nonce=_nonce(1), eid="two")
    assert await _fault(worker, lease_id, endpoint=ENDPOINT_2, relayProof=again) == "reused"


@pytest.mark.parametrize("tabs", [1, 2])
async def test_calls_at_once_with_one_proof_are_one_token(world: World, tabs: int) -> None:
    relay = Relay.make()
    worker, lease_id = await _bound(world, relay)
    workers = [worker, *[await world.worker() for _ in range(tabs - 1)]]
    proof = relay.prove(world, lease_id)
    results = await asyncio.gather(
        *(workers[n % tabs].issue(lease_id, relayProof=proof) for n in range(6)),
        return_exceptions=True,
    )
    outcomes = Counter(r.code if isinstance(r, Refusal) else "granted" for r in results)
    assert outcomes == {"granted": 1, "relay.proof.invalid": 5}


async def test_what_was_refused_for_the_quota_has_not_used_its_nonce(world: World) -> None:
    relay = Relay.make()
    worker, lease_id = await _bound(world, relay, quotas={"tokensPerHour": 1})
    await worker.issue(lease_id, relayProof=relay.prove(world, lease_id, nonce=_nonce(1)))
    kept = relay.prove(world, lease_id, nonce=_nonce(2), timestamp=world.clock.now_ms() + 60_000)
    with pytest.raises(Refusal, match=r"quota\.exceeded\.lease"):
        await worker.issue(lease_id, relayProof=kept)
    prefix = f"{lease_id}/proofs/{_nonce(2)}"
    assert not await world.memory.scan_prefix("grants", prefix=prefix, after=None, limit=1)


async def test_a_nonce_is_forgotten_when_no_such_proof_could_be_in_time(world: World) -> None:
    relay = Relay.make()
    worker, lease_id = await _bound(world, relay)
    proof = relay.prove(world, lease_id)
    await worker.issue(lease_id, relayProof=proof)
    record = await world.record("grants", f"{lease_id}/proofs/{proof['nonce']}")
    assert record.expires_ms == proof["timestamp"] + 60_000


@pytest.mark.parametrize("minutes", [0, 10])
async def test_a_nonce_outlives_a_clock_that_was_ahead_for_a_moment(
    world: World, minutes: int
) -> None:
    relay = Relay.make()
    worker = await world.ready(config={"revokedListedMinutes": minutes})
    lease_id = await worker.create_lease(relayBinding=relay.binding)
    proof = relay.prove(world, lease_id)
    await worker.issue(lease_id, relayProof=proof)
    world.clock.advance(240_000)
    await worker.issue(await worker.create_lease())  # With this the log's time is ahead too.
    again = await world.worker(config={"revokedListedMinutes": minutes})
    for _ in range(200):
        await asyncio.sleep(0)
    world.clock.advance(-240_000)
    assert await _fault(again, lease_id, relayProof=proof) == "reused"


async def test_a_proof_whose_nonce_a_clock_ahead_had_swept_is_stale_once_it_is_back(
    world: World,
) -> None:
    relay = Relay.make()
    worker, lease_id = await _bound(world, relay)
    other = await worker.create_lease()
    proof = relay.prove(world, lease_id)
    await worker.issue(lease_id, relayProof=proof)
    world.clock.advance(3_600_000)
    await worker.issue(other)  # With this the log's time is ahead too.
    await world.worker()
    for _ in range(200):
        await asyncio.sleep(0)
    assert await world.memory.scan_prefix("grants", prefix=lease_id, after=None, limit=1) == []
    world.clock.advance(-3_599_000)
    await worker.call("generateVAPID", credentials=CREDENTIALS)
    assert await _fault(worker, lease_id, relayProof=proof) == "stale"
    world.clock.advance(60_000)
    await worker.issue(lease_id, relayProof=relay.prove(world, lease_id, nonce=_nonce(2)))


async def test_the_relay_is_the_bound_one_whatever_the_page_calls_it(world: World) -> None:
    relay = Relay.make()
    worker, lease_id = await _bound(world, relay)
    proof = relay.prove(world, lease_id)
    assert await _fault(worker, lease_id, relayId="relay-1", relayProof=proof) == "relay"
    token = await worker.issue(lease_id, relayId=relay.rid, relayProof=proof)
    assert _claims(token["jwt"])["rid"] == relay.rid


async def test_proofs_from_before_nonces_were_forgotten_are_stale(world: World) -> None:
    relay = Relay.make()
    worker, lease_id = await _bound(world, relay)
    lease = await world.record("leases", lease_id)
    value = json.dumps({**json.loads(lease.value), "proofsAfter": world.clock.now_ms() + 1})
    await world.put(
        "leases", lease_id, Record(lease.revision, value, lease.handles, lease.expires_ms)
    )
    proof = relay.prove(world, lease_id)
    assert await _fault(worker, lease_id, relayProof=proof) == "stale"


@pytest.mark.parametrize(
    ("binding", "field"),
    [
        ({"alg": "Ed25519", "key": _base64url(bytes(31))}, "relayBinding.key"),
        ({"alg": "ES256", "key": _base64url(bytes(65))}, "relayBinding.key"),
        ({"alg": "ES256", "key": _base64url(b"\x04" + bytes(63))}, "relayBinding.key"),
        ({"alg": "ES256", "key": _base64url(b"\x04" + b"\x01" * 64)}, "relayBinding.key"),
        ({"alg": "Ed25519", "key": _base64url(b"\x02" + bytes(31))}, "relayBinding.key"),
        ({"alg": "Ed25519", "key": "?"}, "relayBinding.key"),
        ({"alg": "RS256", "key": _base64url(bytes(32))}, "relayBinding.alg"),
        ({"key": _base64url(bytes(32))}, "relayBinding.alg"),
    ],
)
async def test_a_key_that_is_none_binds_no_lease(world: World, binding: Any, field: str) -> None:
    worker = await world.ready()
    before = world.storage.commits, world.crypto.stretchings
    with pytest.raises(Refusal) as caught:
        await worker.create_lease(relayBinding=binding)
    assert (caught.value.code, caught.value.details["field"]) == ("request.invalid", field)
    assert (world.storage.commits, world.crypto.stretchings) == before


async def test_the_example_for_relays_makes_proofs_that_are_taken(tmp_path: Path) -> None:
    def run(*arguments: str) -> Any:
        command = [sys.executable, str(_EXAMPLE), *arguments]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

    pem = str(tmp_path / "relay.pem")
    made = run("key", pem)
    assert run("key", pem) == made
    world = World(clock=FakeClock(time.time_ns() // 1_000_000))
    worker = await world.ready()
    lease_id = await worker.create_lease(relayBinding=made["relayBinding"])
    proof = run("prove", pem, ENCLAVE, "issueVAPIDJWT", lease_id, "one", "1")
    token = await worker.issue(lease_id, relayProof=proof)
    assert _claims(token["jwt"])["rid"] == made["rid"]
