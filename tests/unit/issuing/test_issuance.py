"""Issuing: who may, what is counted, and that a token and its entry exist together or not."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import Counter
from typing import Any

import attrs
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from doubles import CrashError
from enclave import APP, CREDENTIALS, ENDPOINT, ENDPOINT_2, OTHER_APP, Refusal, Worker, World
from forging import unb64
from kms_enclave.ports.storage import Record, StorageError
from oracles.vapid import verify_vapid_token

_HOUR_MS = 3_600_000
_ALL_THAT_FITS = {"granted": 100, "quota.exceeded.lease": 11, "quota.suspended": 189}
"""Of 300 calls on a lease of 100: the eleventh refusal suspends it."""


async def _refused(worker: Worker, lease_id: str, **changes: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await worker.issue(lease_id, **changes)
    return caught.value


async def _flood(workers: list[Worker], lease_id: str, count: int) -> Counter[str]:
    """Issue in parallel, by turns; return how often each outcome came."""
    results = await asyncio.gather(
        *(workers[number % len(workers)].issue(lease_id) for number in range(count)),
        return_exceptions=True,
    )
    return Counter(r.code if isinstance(r, Refusal) else "granted" for r in results)


def _claims(jwt: str) -> dict[str, Any]:
    payload = jwt.split(".")[1]
    claims: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return claims


async def _signs(world: World) -> list[dict[str, Any]]:
    found = await world.memory.scan("audit", after=None, limit=100_000)
    entries = [json.loads(record.value) for _, record in found]
    return [entry for entry in entries if entry["op"] == "sign"]


async def test_a_token_verifies_with_the_public_key_by_another_library(world: World) -> None:
    worker = await world.ready()
    token = await worker.issue(await worker.create_lease())
    signed, _, signature = token["jwt"].rpartition(".")
    raw = unb64(signature)
    assert len(raw) == 64
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    point = unb64(token["vapidPublicKey"])
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    key.verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))


async def test_its_claims_are_the_endpoints_the_operators_and_the_clocks(world: World) -> None:
    worker = await world.ready()
    token = await worker.issue(await worker.create_lease(), relayId="relay-1")
    now_s = world.clock.now_ms() // 1000
    assert _claims(token["jwt"]) == {
        "aud": "https://push.example",
        "sub": "mailto:operator@app.example",
        "iat": now_s,
        "nbf": now_s,
        "exp": now_s + 900,
        "jti": token["jti"],
        "eid": "one",
        "rid": "relay-1",
    }
    assert (token["exp"], token["nbf"]) == (now_s + 900, now_s)


async def test_its_entry_is_the_leases_and_says_what_was_issued(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    token = await worker.issue(lease_id)
    (entry,) = await _signs(world)
    assert token["auditEntry"] == entry
    assert (entry["signer"], entry["leaseId"], entry["origin"]) == ("LAK", lease_id, APP)
    assert (entry["userId"], entry["kid"]) == ("user-1", token["kid"])
    details = entry["details"]
    assert {name: details[name] for name in ("jti", "aud", "eid", "exp", "nbf")} == {
        "jti": token["jti"],
        "aud": "https://push.example",
        "eid": "one",
        "exp": token["exp"],
        "nbf": token["nbf"],
    }
    assert details["quotas"]["tokensPerHour"] == {"limit": 100, "used": 1}
    assert token["jwt"] not in str(entry)
    assert ENDPOINT["url"] not in str(entry)


async def test_a_real_token_is_shorter_than_1000_bytes(world: World) -> None:
    worker = await world.ready()
    endpoint = {**ENDPOINT, "eid": "e" * 64}
    token = await worker.issue(
        await worker.create_lease(subs=[endpoint]), endpoint=endpoint, relayId="r" * 64
    )
    assert len(token["jwt"]) < 1000


async def test_its_id_is_recorded_until_it_expires(world: World) -> None:
    worker = await world.ready()
    token = await worker.issue(await worker.create_lease())
    record = await world.record("tokens", token["jti"])
    assert record.expires_ms == token["exp"] * 1000


async def test_a_lease_that_is_not_found_is_named(world: World) -> None:
    worker = await world.ready()
    refusal = await _refused(worker, "lease-unknown")
    assert refusal.message == "Lease not found: lease-unknown"
    assert refusal.details == {"leaseId": "lease-unknown"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"endpoint": {**ENDPOINT, "eid": "three"}}, "endpoint.not.in.lease"),
        ({"endpoint": {**ENDPOINT, "url": ENDPOINT_2["url"]}}, "endpoint.not.in.lease"),
        ({"endpoint": {**ENDPOINT, "url": ENDPOINT["url"] + "/"}}, "endpoint.not.in.lease"),
        ({"endpoint": {**ENDPOINT, "aud": "https://x.example"}}, "aud.mismatch"),
        ({"kid": "another"}, "key.not.found"),
        ({"relayId": "ünder"}, "request.invalid"),
        ({"leaseId": "lease-unknown"}, "lease.not.found"),
    ],
)
async def test_what_is_not_the_leases_is_refused_and_counts_nothing(
    world: World, changes: dict[str, Any], code: str
) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    before = world.storage.commits
    assert (await _refused(worker, lease_id, **changes)).code == code
    assert world.storage.commits == before
    token = await worker.issue(lease_id)
    assert token["auditEntry"]["details"]["quotas"]["tokensPerHour"]["used"] == 1


async def test_an_endpoint_that_is_not_the_leases_is_told_with_those_that_are(
    world: World,
) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    refusal = await _refused(worker, lease_id, endpoint={**ENDPOINT, "eid": "three"})
    assert refusal.details == {
        "leaseId": lease_id,
        "requestedEid": "three",
        "authorizedEids": ["one", "two"],
    }


async def test_a_lease_of_a_second_issues_nothing_and_then_is_over(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(ttlHours=1 / 3600)
    refusal = await _refused(worker, lease_id)
    assert (refusal.code, refusal.details["fits"]) == ("lease.limit", 0)
    world.clock.advance(1000)
    assert (await _refused(worker, lease_id)).code == "lease.expired"


async def test_a_lease_of_another_origin_is_out_of_reach(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    with pytest.raises(Refusal) as caught:
        await worker.call("issueVAPIDJWT", origin=OTHER_APP, leaseId=lease_id, endpoint=ENDPOINT)
    assert caught.value.code == "origin.denied"
    entry = (await worker.log())[-1]
    assert (entry["op"], entry["origin"], entry["leaseId"]) == (
        "issue.refused",
        OTHER_APP,
        lease_id,
    )


async def test_a_lease_ends_to_the_millisecond(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(ttlHours=1)
    world.clock.advance(_HOUR_MS)
    assert (await _refused(worker, lease_id)).code == "lease.expired"


async def test_a_token_ends_with_its_lease(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(ttlHours=1)
    world.clock.advance(_HOUR_MS - 60_000)
    token = await worker.issue(lease_id)
    assert token["exp"] * 1000 == world.clock.now_ms() + 60_000
    world.clock.advance(1000)
    refusal = await _refused(worker, lease_id)
    assert (refusal.code, refusal.details["fits"]) == ("lease.limit", 0)


async def test_a_revoked_lease_issues_nothing(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    await world.tamper("leases", lease_id, revokedAt=1)
    assert (await _refused(worker, lease_id)).code == "lease.revoked"


async def test_the_quota_is_exact_and_says_when(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"tokensPerHour": 3})
    for _ in range(3):
        await worker.issue(lease_id)
        world.clock.advance(1000)
    refusal = await _refused(worker, lease_id)
    assert refusal.code == "quota.exceeded.lease"
    assert refusal.retry_after_ms == _HOUR_MS - 3000
    assert {name: refusal.details[name] for name in ("used", "limit")} == {"used": 3, "limit": 3}
    world.clock.advance(_HOUR_MS - 3001)
    assert (await _refused(worker, lease_id)).retry_after_ms == 1
    world.clock.advance(1)
    await worker.issue(lease_id)
    assert (await _refused(worker, lease_id)).retry_after_ms == 1000


async def test_300_calls_at_once_on_100_tokens_grant_exactly_100(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    assert await _flood([worker], lease_id, 300) == _ALL_THAT_FITS
    assert len(await _signs(world)) == await world.memory.count("tokens") == 100
    assert (await worker.call("verifyAuditChain"))["valid"]


@pytest.mark.parametrize("tabs", [2, 5])
async def test_tabs_at_once_share_the_quota_exactly(world: World, tabs: int) -> None:
    workers = [await world.ready(), *[await world.worker() for _ in range(tabs - 1)]]
    lease_id = await workers[0].create_lease()
    outcome = await _flood(workers, lease_id, 300)
    assert outcome == _ALL_THAT_FITS
    assert len(await _signs(world)) == 100
    assert (await workers[-1].call("verifyAuditChain"))["valid"]


async def test_the_quota_outlives_the_worker(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"tokensPerHour": 130})
    assert (await _flood([worker], lease_id, 129))["granted"] == 129
    again = await world.worker()
    assert (await _flood([again], lease_id, 2)) == {"granted": 1, "quota.exceeded.lease": 1}
    last = await world.worker()
    assert (await _refused(last, lease_id)).code == "quota.exceeded.lease"


async def test_calls_that_wait_share_a_commit(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    before = world.storage.commits
    await _flood([worker], lease_id, 65)
    assert world.storage.commits - before <= 3


async def test_two_leases_issue_interleaved_each_with_its_own_key(world: World) -> None:
    worker = await world.ready()
    one, two = await worker.create_lease(), await worker.create_lease(userId="user-2")
    results = await asyncio.gather(
        *(worker.issue(lease) for _ in range(10) for lease in (one, two)), worker.create_lease()
    )
    for lease, token in zip([one, two] * 10, results[:-1], strict=True):
        entry = token["auditEntry"]
        record = await world.value("leases", lease)
        assert entry["leaseId"] == lease
        assert entry["cert"]["delegatePub"] == record["lakPublic"]
    assert (await worker.call("verifyAuditChain"))["valid"]


async def test_interleaved_leases_of_two_keys_sign_every_token_with_their_own(
    world: World,
) -> None:
    worker = await world.ready()
    first = (await worker.call("getStatus"))["vapidKid"]
    old = await worker.create_lease()
    second = (await worker.call("generateVAPID", credentials=CREDENTIALS))["kid"]
    new = await worker.create_lease()
    kids = {old: first, new: second, await worker.create_lease(kid=first): first}
    tokens = await asyncio.gather(*(worker.issue(lease) for _ in range(10) for lease in kids))
    for lease, token in zip([*kids] * 10, tokens, strict=True):
        public = (await worker.call("getPublicKey", kid=kids[lease]))["publicKey"]
        read = verify_vapid_token(
            token["jwt"],
            public_key=public,
            expected_endpoint=ENDPOINT["url"],
            now_s=world.clock.now_ms() / 1000,
        )
        assert read.header["kid"] == token["kid"] == token["auditEntry"]["kid"] == kids[lease]


@pytest.mark.parametrize("operation", ["sign_es256_many", "sign_ed25519_chain"])
async def test_when_signing_fails_nothing_was_counted(world: World, operation: str) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"tokensPerHour": 2})
    await worker.issue(lease_id)
    world.crypto.failing[operation] = RuntimeError("")
    assert await _flood([worker], lease_id, 5) == {"internal": 5}
    world.crypto.failing.clear()
    assert await _flood([worker], lease_id, 2) == {"granted": 1, "quota.exceeded.lease": 1}


@pytest.mark.parametrize("failure", ["full", "unavailable", "evicted"])
async def test_when_the_commit_fails_nothing_was_issued(world: World, failure: str) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"tokensPerHour": 2})

    def fail(_: object) -> None:
        raise StorageError(failure, "")

    world.storage.before_commit = fail
    assert await _flood([worker], lease_id, 3) == {f"storage.{failure}": 3}
    world.storage.before_commit = None
    assert await _signs(world) == []
    quota = await worker.call("getQuota", leaseId=lease_id)
    assert quota["tokensPerHour"]["used"] == 0
    assert await _flood([worker], lease_id, 3) == {"granted": 2, "quota.exceeded.lease": 1}


async def test_a_reply_that_was_lost_after_the_commit_was_counted(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"tokensPerHour": 2})

    def crash(_: object) -> None:
        raise CrashError

    world.storage.after_commit = crash
    assert (await _refused(worker, lease_id)).code == "internal"
    world.storage.after_commit = None
    assert len(await _signs(world)) == 1
    assert await _flood([worker], lease_id, 2) == {"granted": 1, "quota.exceeded.lease": 1}
    assert (await worker.call("verifyAuditChain"))["valid"]


async def test_a_token_id_that_is_taken_is_not_issued_again(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    token = await worker.issue(lease_id)
    world.crypto.uuid = token["jti"]
    refusal = await _refused(worker, lease_id)
    assert (refusal.code, refusal.retry_after_ms) == ("jti.collision", 0)
    world.crypto.uuid = None
    assert len(await _signs(world)) == 1
    assert (await worker.issue(lease_id))["jti"] != token["jti"]


async def test_a_refusal_never_comes_from_what_a_worker_remembers(world: World) -> None:
    first, second = await world.ready(), await world.worker()
    lease_id = await first.create_lease(quotas={"tokensPerHour": 1})
    await first.issue(lease_id)
    assert (await _refused(first, lease_id)).code == "quota.exceeded.lease"
    lease = await world.record("leases", lease_id)
    quotas = {**json.loads(lease.value)["quotas"], "tokensPerHour": 2}
    value = json.dumps({**json.loads(lease.value), "quotas": quotas})
    # As another tab does that raises the quota: the lease's revision moves, and the log's head.
    head = await world.record("meta", "head")
    await world.put("meta", "head", attrs.evolve(head, revision=head.revision + 1))
    await world.put(
        "leases", lease_id, Record(lease.revision + 1, value, lease.handles, lease.expires_ms)
    )
    assert (await first.issue(lease_id))["jwt"]
    assert (await _refused(second, lease_id)).code == "quota.exceeded.lease"


async def test_a_grant_never_comes_from_what_a_worker_remembers(world: World) -> None:
    first, second = await world.ready(), await world.worker()
    lease_id = await first.create_lease(quotas={"tokensPerHour": 2})
    await first.issue(lease_id)
    await second.issue(lease_id)
    assert (await _refused(first, lease_id)).code == "quota.exceeded.lease"


async def test_a_clock_that_steps_back_stretches_no_quota(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"tokensPerHour": 2})
    await worker.issue(lease_id)
    world.clock.advance(-120_000)
    await worker.issue(lease_id)
    refusal = await _refused(worker, lease_id)
    assert refusal.code == "quota.exceeded.lease"
    # By the clock, which has to come back first.
    assert refusal.retry_after_ms == _HOUR_MS + 120_000
    assert (await worker.call("verifyAuditChain"))["valid"]
