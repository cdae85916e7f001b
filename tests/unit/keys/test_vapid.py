"""VAPID keys at rest: bound to their name, time, instance and lease."""

from __future__ import annotations

import json
from typing import Any

import pytest
from enclave import Refusal, World
from kms_enclave.keys.vapid import lease_copy_aad, main_copy_aad


def test_the_main_copys_aad_is_written_out() -> None:
    assert main_copy_aad(kid="K", created_at=5, instance_id="I") == (
        b'{"alg":"ES256","createdAt":5,"instanceId":"I","kid":"K","kmsVersion":2,"purpose":"vapid"}'
    )


def test_a_lease_copys_aad_names_the_lease() -> None:
    assert lease_copy_aad(kid="K", created_at=5, instance_id="I", lease_id="L") == (
        b'{"alg":"ES256","createdAt":5,"instanceId":"I","kid":"K","kmsVersion":2,'
        b'"leaseId":"L","purpose":"vapid-lease"}'
    )


async def test_a_fresh_enclave_has_no_key(world: World) -> None:
    worker = await world.worker()
    with pytest.raises(Refusal) as caught:
        await worker.call("getPublicKey")
    assert caught.value.code == "setup.required"


async def test_the_public_key_is_found_by_its_kid(world: World) -> None:
    worker = await world.worker()
    made = await worker.set_up()
    public = {"publicKey": made["vapidPublicKey"]}
    assert await worker.call("getPublicKey") == public
    assert await worker.call("getPublicKey", kid=made["vapidKid"]) == public


async def test_an_unknown_kid_is_named(world: World) -> None:
    worker = await world.ready()
    with pytest.raises(Refusal) as caught:
        await worker.call("getPublicKey", kid="x")
    assert caught.value.code == "key.not.found"
    assert caught.value.details == {"kid": "x"}


async def test_a_record_that_was_renamed_is_not_that_key(world: World) -> None:
    worker = await world.worker()
    made = await worker.set_up()
    await world.put("keys", "other", await world.record("keys", made["vapidKid"]))
    with pytest.raises(Refusal) as caught:
        await worker.call("getPublicKey", kid="other")
    assert caught.value.code == "key.not.found"


async def test_another_public_key_in_the_record_is_not_believed(world: World) -> None:
    worker = await world.worker()
    made = await worker.set_up()
    other = await World().worker()
    stranger = (await other.set_up())["vapidPublicKey"]
    await world.tamper("keys", made["vapidKid"], publicKey=stranger)
    with pytest.raises(Refusal) as caught:
        await worker.call("getPublicKey")
    assert caught.value.code == "key.not.found"


@pytest.mark.parametrize("name", ["wrappedKey", "iv", "createdAt", "publicKey"])
async def test_a_damaged_record_makes_no_lease(world: World, name: str) -> None:
    worker = await world.worker()
    kid = (await worker.set_up())["vapidKid"]
    value = (await world.value("keys", kid))[name]
    damaged = (
        value + 1 if name == "createdAt" else value[:-2] + ("AA" if value[-2:] != "AA" else "Ag")
    )
    await world.tamper("keys", kid, **{name: damaged})
    with pytest.raises(Refusal) as caught:
        await worker.create_lease()
    assert caught.value.code == "key.not.found"
    assert await world.memory.count("leases") == 0


async def test_a_key_of_another_instance_does_not_open(world: World) -> None:
    worker = await world.worker()
    kid = (await worker.set_up())["vapidKid"]
    elsewhere = World()
    stranger = await elsewhere.worker()
    other_kid = (await stranger.set_up())["vapidKid"]
    moved = await elsewhere.value("keys", other_kid)
    await world.tamper("keys", kid, wrappedKey=moved["wrappedKey"], iv=moved["iv"])
    with pytest.raises(Refusal) as caught:
        await worker.create_lease()
    assert caught.value.code == "key.not.found"


async def test_records_hold_no_private_key_in_the_clear(world: World) -> None:
    worker = await world.worker()
    kid = (await worker.set_up())["vapidKid"]
    record: dict[str, Any] = await world.value("keys", kid)
    assert record.keys() >= {"kid", "publicKey", "wrappedKey", "iv", "createdAt"}
    assert not (await world.record("keys", kid)).handles
    assert "private" not in json.dumps(record).lower()
