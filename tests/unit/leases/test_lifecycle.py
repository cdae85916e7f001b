"""A lease's life: longer, resumed, suspended, revoked, expired, and what its origin sees."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from enclave import CREDENTIALS, ENDPOINT, OTHER_APP, Refusal, Worker, World
from kms_enclave.rpc.contract import GetLeasesResult
from kms_enclave.structure import structure

HOUR = 3_600_000


async def refused(worker: Worker, method: str, **params: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await worker.call(method, **params)
    return caught.value


async def authenticated(worker: Worker, method: str, **params: object) -> Any:
    return await worker.call(method, credentials=CREDENTIALS, **params)


async def ops(worker: Worker) -> list[str]:
    return [entry["op"] for entry in await worker.log()]


async def verified(worker: Worker) -> bool:
    return bool((await worker.call("verifyAuditChain"))["valid"])


# --- extending ---------------------------------------------------------------------------------


async def test_an_extension_moves_the_end_and_renews_the_certificate(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(ttlHours=1)
    before = await worker.issue(lease_id)
    exp = (await world.value("leases", lease_id))["exp"]
    result = await authenticated(worker, "extendLease", leaseId=lease_id, addHours=2)
    assert result["exp"] == exp + 2 * HOUR
    world.clock.advance(2 * HOUR)
    after = await worker.issue(lease_id)
    old, new = before["auditEntry"]["cert"], after["auditEntry"]["cert"]
    assert (old["notAfter"], new["notAfter"]) == (exp, result["exp"])
    # Nothing else of it is new: the same key, for the same lease, from the same moment on.
    assert {name for name in new if new[name] != old[name]} == {"notAfter", "sig"}
    assert (after["kid"], after["vapidPublicKey"]) == (before["kid"], before["vapidPublicKey"])
    assert await verified(worker)


async def test_an_extension_after_a_restart_is_signed_by_the_right_key(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(ttlHours=1)
    again = await world.worker()
    await authenticated(again, "extendLease", leaseId=lease_id, addHours=1)
    await again.issue(lease_id)
    by = {entry["op"]: (entry["signer"], entry["signerId"]) for entry in await again.log()}
    assert by["lease.extend"] == by["setup"] == by["lease.create"]
    assert by["setup"][0] == "UAK"
    assert await verified(again)


async def test_an_extension_leaves_other_leases_alone(world: World) -> None:
    worker = await world.ready()
    lease_id, other = await worker.create_lease(ttlHours=1), await worker.create_lease(ttlHours=1)
    before = await world.record("leases", other)
    await authenticated(worker, "extendLease", leaseId=lease_id, addHours=2)
    assert await world.record("leases", other) == before
    certificate = (await worker.issue(other))["auditEntry"]["cert"]
    assert certificate["notAfter"] == (await world.value("leases", other))["exp"]


@pytest.mark.parametrize("hours", [0, -1, 1e-300, 0.9 / 3600, 12.01, 1e300])
async def test_an_extension_under_a_second_or_beyond_the_cap_changes_nothing(
    world: World, hours: float
) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(ttlHours=12)
    before = await world.value("leases", lease_id)
    refusal = await refused(
        worker, "extendLease", leaseId=lease_id, addHours=hours, credentials=CREDENTIALS
    )
    assert refusal.code == "lease.limit"
    assert "Lease TTL" in refusal.message
    assert await world.value("leases", lease_id) == before


async def test_the_cap_counts_from_the_creation(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(ttlHours=12)
    world.clock.advance(6 * HOUR)
    await authenticated(worker, "extendLease", leaseId=lease_id, addHours=12)
    refusal = await refused(
        worker, "extendLease", leaseId=lease_id, addHours=0.01, credentials=CREDENTIALS
    )
    assert refusal.code == "lease.limit"


async def test_a_refresh_goes_as_far_as_the_cap(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(ttlHours=1)
    created = (await world.value("leases", lease_id))["createdAt"]
    result = await authenticated(worker, "refreshLease", leaseId=lease_id)
    assert result["exp"] == created + 24 * HOUR
    assert (await authenticated(worker, "refreshLease", leaseId=lease_id)) == result


@pytest.mark.parametrize("method", ["extendLease", "refreshLease", "resumeLease"])
@pytest.mark.parametrize("end", ["expired", "revoked", "foreign", "unknown"])
async def test_a_lease_that_is_over_or_foreign_is_not_changed(
    world: World, method: str, end: str
) -> None:
    worker = await world.ready()
    origin = OTHER_APP if end == "foreign" else "https://app.example"
    lease_id = await worker.create_lease(ttlHours=1, origin=origin)
    if end == "expired":
        world.clock.advance(HOUR)
    if end == "revoked":
        await worker.call("revokeLease", leaseId=lease_id)
    params: dict[str, object] = {"leaseId": "lease-x" if end == "unknown" else lease_id}
    if method == "extendLease":
        params["addHours"] = 1
    before = await world.records()
    refusal = await refused(worker, method, credentials=CREDENTIALS, **params)
    codes = {"foreign": "origin.denied", "unknown": "lease.not.found"}
    assert refusal.code == codes.get(end, f"lease.{end}")
    assert refusal.details["leaseId"] == params["leaseId"]
    assert await world.records() == before


# --- resuming ----------------------------------------------------------------------------------


async def test_a_lease_whose_handles_are_lost_resumes_under_authentication(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    first = await worker.issue(lease_id)
    record = await world.record("leases", lease_id)
    await world.put("leases", lease_id, attrs.evolve(record, handles={}))
    again = await world.worker()
    assert (await refused(again, "issueVAPIDJWT", leaseId=lease_id, endpoint=ENDPOINT)).code == (
        "lease.needs.resume"
    )
    await authenticated(again, "resumeLease", leaseId=lease_id)
    second = await again.issue(lease_id)
    assert second["kid"] == first["kid"]
    assert second["auditEntry"]["signerId"] != first["auditEntry"]["signerId"]
    assert await verified(again)


# --- revoking ----------------------------------------------------------------------------------


async def test_from_the_revocation_on_nothing_is_issued_and_the_keys_are_gone(
    world: World,
) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    await worker.issue(lease_id)
    result = await worker.call("revokeLease", leaseId=lease_id)
    assert result == {"status": "revoked", "effectiveAt": world.clock.now_ms()}
    refusal = await refused(worker, "issueVAPIDJWT", leaseId=lease_id, endpoint=ENDPOINT)
    assert refusal.code == "lease.revoked"
    assert refusal.details == {
        "leaseId": lease_id,
        "revokedAt": result["effectiveAt"],
        "reason": "user-requested",
    }
    record = await world.record("leases", lease_id)
    assert record.handles == {}
    value = await world.value("leases", lease_id)
    assert not value["wrappedLeaseKey"] + value["wrappedLeaseKeyIv"] + value["leaseSalt"]
    assert await verified(worker)


async def test_another_tab_that_remembers_the_lease_refuses_too(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    other = await world.worker()
    await other.issue(lease_id)
    await worker.call("revokeLease", leaseId=lease_id)
    refusal = await refused(other, "issueVAPIDJWT", leaseId=lease_id, endpoint=ENDPOINT)
    assert refusal.code == "lease.revoked"


async def test_a_thousand_revocations_are_one_entry(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    for _ in range(1000):
        await worker.call("revokeLease", leaseId=lease_id)
    assert (await ops(worker)).count("lease.revoke") == 1


async def test_a_page_revokes_its_own_leases_only(world: World) -> None:
    worker = await world.ready()
    own, foreign = await worker.create_lease(), await worker.create_lease(origin=OTHER_APP)
    assert (await refused(worker, "revokeLease", leaseId=foreign)).code == "origin.denied"
    assert (await worker.call("revokeAllLeases"))["revoked"] == [own]
    await worker.issue(foreign, origin=OTHER_APP)


async def test_revoked_tokens_are_listed_until_ten_minutes_after_their_expiry(
    world: World,
) -> None:
    worker = await world.ready()
    lease_id, other = await worker.create_lease(), await worker.create_lease()
    token, kept = await worker.issue(lease_id), await worker.issue(other)
    assert not (await worker.call("isTokenRevoked", jti=token["jti"]))["revoked"]
    await worker.call("revokeLease", leaseId=lease_id)
    assert (await worker.call("isTokenRevoked", jti=token["jti"]))["revoked"]
    assert not (await worker.call("isTokenRevoked", jti=kept["jti"]))["revoked"]
    (listed,) = (await worker.call("revokedTokens"))["tokens"]
    assert (listed["jti"], listed["exp"]) == (token["jti"], token["exp"])
    assert (await worker.call("revokedTokens", origin=OTHER_APP))["tokens"] == []
    world.clock.advance(token["exp"] * 1000 - world.clock.now_ms() + 599_999)
    assert (await worker.call("isTokenRevoked", jti=token["jti"]))["revoked"]
    world.clock.advance(1)
    assert not (await worker.call("isTokenRevoked", jti=token["jti"]))["revoked"]
    assert (await worker.call("revokedTokens"))["tokens"] == []


@pytest.mark.parametrize("minutes", [0, 3])
async def test_the_operator_says_how_long_a_dead_token_stays_listed(
    world: World, minutes: int
) -> None:
    worker = await world.ready(config={"revokedListedMinutes": minutes})
    lease_id = await worker.create_lease()
    token = await worker.issue(lease_id)
    await worker.call("revokeLease", leaseId=lease_id)
    world.clock.advance(900_000 + minutes * 60_000 - 1)
    assert (await worker.call("isTokenRevoked", jti=token["jti"]))["revoked"]
    world.clock.advance(1)
    assert not (await worker.call("isTokenRevoked", jti=token["jti"]))["revoked"]


# --- suspending --------------------------------------------------------------------------------


async def test_matching_users_are_suspended_until_lifted(world: World) -> None:
    worker = await world.ready()
    bot, human = await worker.create_lease(userId="bot-7"), await worker.create_lease()
    await worker.issue(bot)
    await authenticated(worker, "suspendPattern", userIdPattern="bot-*")
    refusal = await refused(worker, "issueVAPIDJWT", leaseId=bot, endpoint=ENDPOINT)
    assert refusal.code == "lease.suspended"
    await worker.issue(human)
    await authenticated(worker, "unsuspendPattern", userIdPattern="bot-*")
    await worker.issue(bot)
    assert {"pattern.suspend", "pattern.lift"} <= set(await ops(worker))


async def test_a_tab_that_issues_notices_a_suspension_elsewhere(world: World) -> None:
    worker, other = await world.ready(), await world.worker()
    lease_id = await worker.create_lease(userId="bot-7")
    await other.issue(lease_id)
    await authenticated(worker, "suspendPattern", userIdPattern="bot-?")
    refusal = await refused(other, "issueVAPIDJWT", leaseId=lease_id, endpoint=ENDPOINT)
    assert refusal.code == "lease.suspended"


async def test_a_pattern_holds_for_the_origin_that_set_it(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(origin=OTHER_APP)
    await authenticated(worker, "suspendPattern", userIdPattern="*")
    await worker.issue(lease_id, origin=OTHER_APP)


# --- batches -----------------------------------------------------------------------------------


async def test_a_batch_is_staggered_by_60_percent_of_a_life(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    result = await worker.call("issueVAPIDJWTs", leaseId=lease_id, endpoint=ENDPOINT, count=3)
    first = result["tokens"][0]["nbf"]
    lives = [(token["nbf"] - first, token["exp"] - token["nbf"]) for token in result["tokens"]]
    assert lives == [(0, 900), (540, 900), (1080, 900)]
    assert (await ops(worker)).count("sign") == 3
    assert len({token["jti"] for token in result["tokens"]}) == 3
    assert await verified(worker)


async def test_a_batch_that_does_not_fit_says_how_many_would(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(quotas={"tokensPerHour": 4})
    await worker.issue(lease_id)
    refusal = await refused(worker, "issueVAPIDJWTs", leaseId=lease_id, endpoint=ENDPOINT, count=4)
    assert (refusal.code, refusal.details["fits"]) == ("quota.exceeded.lease", 3)
    assert (await ops(worker)).count("sign") == 1
    await worker.call("issueVAPIDJWTs", leaseId=lease_id, endpoint=ENDPOINT, count=3)


async def test_a_batch_past_the_leases_end_says_how_many_would_live(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(ttlHours=0.25)
    refusal = await refused(worker, "issueVAPIDJWTs", leaseId=lease_id, endpoint=ENDPOINT, count=3)
    assert (refusal.code, refusal.details["fits"]) == ("lease.limit", 2)


@pytest.mark.parametrize("count", [0, 11, -1, 1.5, "3", None, True])
async def test_a_batch_has_one_to_ten_tokens(world: World, count: object) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    refusal = await refused(
        worker, "issueVAPIDJWTs", leaseId=lease_id, endpoint=ENDPOINT, count=count
    )
    assert (refusal.code, refusal.details["field"]) == ("request.invalid", "count")


async def test_more_than_a_batch_takes_is_refused_with_the_most(world: World) -> None:
    worker = await world.ready()
    params: dict[str, object] = {"leaseId": "lease-x", "endpoint": ENDPOINT}
    refusal = await refused(worker, "issueVAPIDJWTs", **params, count=11)
    assert refusal.details["max"] == 10


# --- seeing ------------------------------------------------------------------------------------


async def test_an_origin_sees_its_leases_and_no_key_of_them(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(label="phone")
    await worker.create_lease(origin=OTHER_APP)
    (info,) = (await worker.call("getLeases"))["leases"]
    assert (info["leaseId"], info["state"], info["label"]) == (lease_id, "active", "phone")
    secret = await world.value("leases", lease_id)
    for name in ("wrappedLeaseKey", "wrappedLeaseKeyIv", "leaseSalt"):
        assert secret[name] not in str(info)


async def test_a_lease_is_listed_with_its_length_and_its_audit_keys_certificate(
    world: World,
) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(ttlHours=1.5)
    await authenticated(worker, "extendLease", leaseId=lease_id, addHours=1)
    token = await worker.issue(lease_id)
    await worker.create_lease(label="phone")
    await worker.call("revokeLease", leaseId=await worker.create_lease())
    listed = await worker.call("getLeases")
    structure(listed, GetLeasesResult)
    (info,) = [each for each in listed["leases"] if each["leaseId"] == lease_id]
    assert info["ttlHours"] == 1.5
    assert info["lakDelegationCert"] == token["auditEntry"]["cert"]
    assert info["lakDelegationCert"]["notAfter"] == info["exp"]


async def test_a_damaged_quota_record_hides_no_lease(world: World) -> None:
    worker = await world.ready()
    damaged, fine = await worker.create_lease(), await worker.create_lease()
    await worker.issue(damaged)
    record = await world.record("quotas", damaged)
    await world.put("quotas", damaged, attrs.evolve(record, value="nonsense"))
    leases = (await (await world.worker()).call("getLeases"))["leases"]
    assert {info["leaseId"]: info["state"] for info in leases} == {
        damaged: "suspended",
        fine: "active",
    }


async def test_a_lease_is_verified_by_the_reason_that_issuing_would_give(world: World) -> None:
    worker = await world.ready()
    lease_id = await worker.create_lease(ttlHours=1)
    foreign = await worker.create_lease(origin=OTHER_APP)

    async def reason(name: str) -> object:
        verdict = await worker.call("verifyLease", leaseId=name)
        assert verdict["valid"] == (verdict.get("reason") is None)
        return verdict.get("reason")

    assert await reason(lease_id) is None
    assert await reason(foreign) == "origin.denied"
    assert await reason("lease-unknown") == "lease.not.found"
    world.clock.advance(HOUR)
    assert await reason(lease_id) == "lease.expired"
