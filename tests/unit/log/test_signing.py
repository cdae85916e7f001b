"""Who signs: the instance's certificate is made once a build, by the user's key."""

from __future__ import annotations

import rfc8785
from enclave import BUILD, World
from forging import unb64, verify_signature


async def test_the_certificate_of_the_instance_is_the_users_word(world: World) -> None:
    worker = await world.ready()
    instance = await world.value("meta", "instance")
    certificate = instance["kiakCert"]
    setup = (await worker.log())[1]
    assert setup["details"]["instanceCert"] == certificate
    assert certificate["delegatePub"] == instance["kiakPublic"]
    assert (certificate["codeHash"], certificate["kmsVersion"]) == (
        BUILD["codeHash"],
        BUILD["version"],
    )
    assert (certificate["notBefore"], certificate["notAfter"]) == (instance["createdAt"], None)
    covered = {name: certificate[name] for name in certificate if name != "sig"}
    uak = unb64(setup["details"]["auditPublicKey"])
    assert verify_signature(uak, unb64(certificate["sig"]), rfc8785.dumps(covered))


async def test_it_begins_no_later_than_the_genesis_though_time_passes(world: World) -> None:
    world.clock.drift_ms = 3
    worker = await world.ready()
    genesis = (await worker.log())[0]
    assert (await world.value("meta", "instance"))["kiakCert"]["notBefore"] <= genesis["timestamp"]
    assert (await worker.call("verifyAuditChain"))["valid"]


async def test_the_same_build_keeps_its_certificate(world: World) -> None:
    worker = await world.ready()
    before = (await world.value("meta", "instance"))["kiakCert"]
    world.clock.advance(1000)
    await worker.create_lease()
    assert (await world.value("meta", "instance"))["kiakCert"] == before


async def test_a_users_entry_says_how_long_the_secret_was_open(world: World) -> None:
    world.clock.drift_ms = 3
    worker = await world.ready()
    await worker.create_lease()
    entry = (await worker.log())[-1]
    assert entry["lockTime"] >= entry["unlockTime"]
    assert entry["duration"] == entry["lockTime"] - entry["unlockTime"]


async def test_a_clock_that_steps_back_meanwhile_gives_no_negative_duration(world: World) -> None:
    world.clock.drift_ms = -500
    worker = await world.ready()
    await worker.create_lease()
    assert all(entry.get("duration", 0) >= 0 for entry in await worker.log())
    assert (await worker.call("verifyAuditChain"))["valid"]
