"""Making and replacing VAPID keys under authentication."""

from __future__ import annotations

from typing import Any

import pytest
from enclave import APP, CREDENTIALS, ENDPOINT, OTHER_APP, PASSPHRASE, Refusal, Worker, World
from user import User, sign

PUSH = {"endpoint": "https://fcm.googleapis.com/send/one"}


async def refused(worker: Worker, method: str, /, **params: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await worker.call(method, **params)
    return caught.value


async def test_a_generated_key_is_the_current_one_and_the_old_one_stays(world: World) -> None:
    worker = await world.ready()
    old = (await worker.call("getVAPIDKid"))["kid"]
    made = await worker.call("generateVAPID", credentials=CREDENTIALS)
    assert (await worker.call("getVAPIDKid"))["kid"] == made["kid"] != old
    assert (await worker.call("getPublicKey"))["publicKey"] == made["publicKey"]
    assert (await worker.call("exportPublicKey", kid=old))["publicKey"] != made["publicKey"]
    await sign(worker, uses=PASSPHRASE, jti="with the new one")


async def test_a_lease_stays_with_its_key_when_another_is_generated(world: World) -> None:
    worker = await world.ready()
    old = (await worker.call("getVAPIDKid"))["kid"]
    lease = await worker.create_lease()
    await worker.call("generateVAPID", credentials=CREDENTIALS)
    assert (await worker.issue(lease))["kid"] == old


async def test_a_regenerated_keys_predecessor_is_not_found(world: World) -> None:
    worker = await world.ready()
    old = (await worker.call("getVAPIDKid"))["kid"]
    made = await worker.call("regenerateVAPID", credentials=CREDENTIALS)
    assert (await worker.call("getVAPIDKid"))["kid"] == made["kid"]
    assert (await refused(worker, "getPublicKey", kid=old)).code == "key.not.found"
    assert await world.memory.count("keys") == 1


async def test_regenerating_ends_the_leases_of_the_key_in_every_tab_and_origin(
    world: World,
) -> None:
    tabs = [await world.ready(), await world.worker()]
    leases = [await tabs[0].create_lease(), await tabs[1].create_lease(origin=OTHER_APP)]
    for tab, lease, origin in zip(tabs, leases, (APP, OTHER_APP), strict=True):
        await tab.issue(lease, origin=origin)
    await tabs[0].call("regenerateVAPID", credentials=CREDENTIALS)
    for tab, lease, origin in zip(tabs, leases, (APP, OTHER_APP), strict=True):
        refusal = await refused(
            tab, "issueVAPIDJWT", leaseId=lease, endpoint=ENDPOINT, origin=origin
        )
        assert refusal.code == "lease.revoked"
        record = await world.record("leases", lease)
        assert not record.handles
        assert (await world.value("leases", lease))["wrappedLeaseKey"] == ""


async def test_tokens_of_a_regenerated_key_are_on_the_emergency_list(world: World) -> None:
    worker = await world.ready()
    lease = await worker.create_lease()
    token = await worker.issue(lease)
    await worker.call("regenerateVAPID", credentials=CREDENTIALS)
    assert (await worker.call("isTokenRevoked", jti=token["jti"]))["revoked"]
    (listed,) = (await worker.call("revokedTokens"))["tokens"]
    assert (listed["jti"], listed["leaseId"]) == (token["jti"], lease)


async def test_regenerating_leaves_the_leases_of_other_keys(world: World) -> None:
    worker = await world.ready()
    lease = await worker.create_lease()
    await worker.call("generateVAPID", credentials=CREDENTIALS)
    await worker.call("regenerateVAPID", credentials=CREDENTIALS)
    assert await worker.issue(lease)


async def test_regenerating_drops_the_subscriptions_of_every_origin(world: World) -> None:
    worker = await world.ready()
    for origin in (APP, OTHER_APP):
        await worker.call(
            "setPushSubscription", origin=origin, subscription=PUSH, credentials=CREDENTIALS
        )
    await worker.call("regenerateVAPID", credentials=CREDENTIALS)
    assert (await worker.call("getPushSubscription"))["subscription"] is None
    assert not await world.memory.scan_prefix("meta", prefix="subscription:", after=None, limit=9)


async def test_the_log_names_both_keys_and_each_lease_that_ended(world: World) -> None:
    worker = await world.ready()
    old = (await worker.call("getVAPIDKid"))["kid"]
    lease = await worker.create_lease()
    made = await worker.call("regenerateVAPID", credentials=CREDENTIALS)
    regenerated, revoked = (await worker.log())[-2:]
    assert (regenerated["op"], regenerated["kid"], regenerated["signer"]) == (
        "regenerate",
        made["kid"],
        "UAK",
    )
    assert regenerated["details"]["replacedKid"] == old
    assert (revoked["op"], revoked["leaseId"], revoked["kid"]) == ("lease.revoke", lease, old)
    assert revoked["details"] == {"reason": "key.regenerated"}
    assert (await worker.call("verifyAuditChain"))["valid"]


async def test_a_regenerated_key_of_a_second_time_ends_no_lease_twice(world: World) -> None:
    worker = await world.ready()
    await worker.create_lease()
    for _ in range(2):
        await worker.call("regenerateVAPID", credentials=CREDENTIALS)
    assert [entry["op"] for entry in await worker.log()].count("lease.revoke") == 1


@pytest.mark.parametrize("method", ["generateVAPID", "regenerateVAPID"])
async def test_wrong_credentials_leave_the_key(world: World, method: str) -> None:
    worker = await world.ready()
    before = await worker.call("getPublicKey")
    wrong = {**CREDENTIALS, "passphrase": "wrong horse battery"}
    assert (await refused(worker, method, credentials=wrong)).code == "unlock.denied"
    assert await worker.call("getPublicKey") == before
    assert await world.memory.count("keys") == 1


@pytest.mark.parametrize("method", ["generateVAPID", "regenerateVAPID"])
async def test_a_user_who_cancels_leaves_the_key(world: World, method: str) -> None:
    worker = await world.ready()
    before = await worker.call("getPublicKey")
    worker.user = User(patience=-1)
    assert (await refused(worker, method)).code == "unlock.cancelled"
    assert await worker.call("getPublicKey") == before
