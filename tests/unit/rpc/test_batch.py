"""Several steps under one authentication: in order, all or nothing, said in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from enclave import CREDENTIALS, ENDPOINT, PASSPHRASE, Refusal, Worker, World
from forging import unb64
from kms_enclave.rpc.batch import resolve_references
from kms_enclave.structure import FieldError
from user import User, add, payload, verify_jwt

GENERATE: Mapping[str, object] = {"method": "generateVAPID"}
PUSH = {"endpoint": "https://fcm.googleapis.com/send/one"}


def signing(worker_now_ms: int, *, kid: object, **claims: object) -> dict[str, object]:
    return {
        "method": "signJWT",
        "params": {"kid": kid, "payload": payload(worker_now_ms, **claims)},
    }


def leasing(**params: object) -> dict[str, object]:
    given: dict[str, object] = {"userId": "u", "subs": [ENDPOINT], "ttlHours": 2}
    return {"method": "createLease", "params": given | params}


async def batch(worker: Worker, *requests: Mapping[str, object], **params: Any) -> Any:
    given = {"credentials": CREDENTIALS, **params}
    return (await worker.call("batch", requests=list(requests), **given))["results"]


async def refused(worker: Worker, *requests: Mapping[str, object], **params: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await batch(worker, *requests, **params)
    return caught.value


async def test_the_documented_example_signs_with_the_key_that_it_made(world: World) -> None:
    worker = await world.ready()
    made, signed = await batch(
        worker, GENERATE, signing(world.clock.now_ms(), kid={"$ref": "0.kid"})
    )
    assert verify_jwt(signed["jwt"], unb64(made["publicKey"]))["jti"] == "token-1"
    assert (await worker.call("getVAPIDKid"))["kid"] == made["kid"]


async def test_one_authentication_serves_every_step(world: World) -> None:
    worker = await world.ready()
    before = world.crypto.stretchings
    await batch(worker, GENERATE, GENERATE, leasing())
    assert world.crypto.stretchings == before + 1
    assert [entry["op"] for entry in await worker.log()][-3:] == [
        "generate",
        "generate",
        "lease.create",
    ]


async def test_a_refused_later_step_writes_nothing(world: World) -> None:
    worker = await world.ready()
    before = await world.memory.scan("keys", after=None, limit=9), len(await worker.log())
    refusal = await refused(worker, GENERATE, signing(world.clock.now_ms(), kid="unknown"))
    assert (refusal.code, refusal.details["step"]) == ("key.not.found", 1)
    assert (await world.memory.scan("keys", after=None, limit=9), len(await worker.log())) == before


async def test_a_token_id_is_used_once_within_a_batch_too(world: World) -> None:
    worker = await world.ready()
    kid = (await worker.call("getVAPIDKid"))["kid"]
    step = signing(world.clock.now_ms(), kid=kid)
    refusal = await refused(worker, step, step)
    assert (refusal.code, refusal.details["step"]) == ("jti.collision", 1)
    assert await world.memory.count("tokens") == 0


async def test_a_batch_that_would_remove_every_enrollment_removes_none(world: World) -> None:
    worker = await world.ready()
    name, _ = await add(worker, "passkey-prf", uses=PASSPHRASE)
    removals = [
        {"method": "removeEnrollment", "params": {"enrollmentId": one}}
        for one in (name, "enrollment:passphrase:v2")
    ]
    for order in (removals, removals[::-1]):
        assert (await refused(worker, *order)).code == "enrollment.last"
    assert len((await worker.call("getEnrollments"))["enrollments"]) == 2


async def test_what_unlocked_the_batch_can_be_removed_in_it(world: World) -> None:
    worker = await world.ready()
    name, passkey = await add(worker, "passkey-prf", uses=PASSPHRASE)
    worker.user = User(uses=passkey)
    await worker.call(
        "batch",
        requests=[GENERATE, {"method": "removeEnrollment", "params": {"enrollmentId": name}}],
    )
    assert (await worker.call("getEnrollments"))["enrollments"] == ["enrollment:passphrase:v2"]


async def test_a_lease_made_in_the_batch_ends_with_its_key(world: World) -> None:
    worker = await world.ready()
    lease, _ = await batch(worker, leasing(), {"method": "regenerateVAPID"})
    with pytest.raises(Refusal) as caught:
        await worker.issue(lease["leaseId"])
    assert caught.value.code == "lease.revoked"
    assert not (await world.record("leases", lease["leaseId"])).handles


async def test_a_subscription_made_in_the_batch_goes_with_its_key(world: World) -> None:
    worker = await world.ready()
    subscribing = {"method": "setPushSubscription", "params": {"subscription": PUSH}}
    await batch(worker, subscribing, {"method": "regenerateVAPID"})
    assert (await worker.call("getPushSubscription"))["subscription"] is None
    assert not await world.memory.scan_prefix("meta", prefix="subscription:", after=None, limit=9)


@pytest.mark.parametrize("count", [0, 11])
async def test_other_than_1_to_10_steps_are_refused(world: World, count: int) -> None:
    worker = await world.ready()
    refusal = await refused(worker, *[GENERATE] * count)
    assert (refusal.code, refusal.details["field"]) == ("request.invalid", "requests")


async def test_ten_steps_are_taken(world: World) -> None:
    assert len(await batch(await world.ready(), *[GENERATE] * 10)) == 10


@pytest.mark.parametrize(
    "method",
    ["batch", "resetKMS", "setupPassphrase", "addEnrollment", "changePassphrase", "getStatus", "x"],
)
async def test_what_is_no_step_is_refused_before_anything_is_tried(
    world: World, method: str
) -> None:
    worker = await world.ready()
    before = world.storage.commits
    refusal = await refused(worker, GENERATE, {"method": method})
    assert (refusal.code, refusal.details["field"]) == ("request.invalid", "requests[1].method")
    assert world.storage.commits == before


@pytest.mark.parametrize("reference", [{}, {"kid": {"$ref": "0.kid"}}])
async def test_credentials_in_a_step_are_refused(
    world: World, reference: Mapping[str, object]
) -> None:
    worker = await world.ready()
    step = leasing(credentials=CREDENTIALS, **reference)
    refusal = await refused(worker, GENERATE, step)
    assert refusal.code == "request.invalid"
    assert refusal.details["field"] == "requests[1].params.credentials"


@pytest.mark.parametrize(
    "reference",
    [
        "1.kid",
        "2.kid",
        "0.nothing",
        "0.quotas",
        "0.success",
        "0.kid.more",
        "0",
        ".kid",
        "",
        "kid",
        "-1.kid",
        "00.kid",
        "9" * 5000 + ".kid",
        "\u0660.kid",
        "0.kid\n",
        "0.__class__",
        0,
        None,
        ["0.kid"],
        {"$ref": "0.kid"},
    ],
    ids=lambda reference: repr(reference)[:20],
)
async def test_a_reference_to_nothing_is_refused_before_the_user_is_asked(
    world: World, reference: object
) -> None:
    worker = await world.ready()
    step = signing(world.clock.now_ms(), kid={"$ref": reference})
    refusal = await refused(worker, GENERATE, step, credentials=None)
    assert refusal.code == "request.invalid"
    assert refusal.details["field"] == "requests[1].params.$ref"
    assert not worker.asked


async def test_a_reference_beside_other_fields_is_refused(world: World) -> None:
    worker = await world.ready()
    kid = {"$ref": "0.kid", "more": 1}
    step = signing(world.clock.now_ms(), kid=kid)
    assert (await refused(worker, GENERATE, step)).code == "request.invalid"


async def test_the_user_is_told_every_step(world: World) -> None:
    worker = await world.ready()
    worker.user = User(uses=PASSPHRASE)
    await batch(worker, {"method": "regenerateVAPID"}, leasing(), credentials=None)
    assert worker.asked[0]["operation"] == (
        "Replace the push key, and end every lease that uses it; "
        "Create a lease of 2 hours for 1 endpoint"
    )


async def test_a_reference_does_not_hide_what_a_step_does(world: World) -> None:
    worker = await world.ready()
    worker.user = User(uses=PASSPHRASE)
    reference = {"$ref": "0.kid"}
    await batch(
        worker,
        GENERATE,
        signing(world.clock.now_ms(), kid=reference, note="$ref"),
        leasing(kid=reference, ttlHours=24),
        credentials=None,
    )
    assert worker.asked[0]["operation"] == (
        "Make a new push key; Sign a token for https://push.example; "
        "Create a lease of 24 hours for 1 endpoint"
    )


async def test_the_longest_words_fit_into_a_prompt(world: World) -> None:
    worker = await world.ready()
    worker.user = User(uses=PASSPHRASE)
    longest = {"aud": f"https://{'a.' * 126}a:65535"}
    now_ms = world.clock.now_ms()
    steps = [signing(now_ms, kid={"$ref": "0.kid"}, jti=str(n), **longest) for n in range(9)]
    await batch(worker, GENERATE, *steps, credentials=None)
    assert 2500 < len(worker.asked[0]["operation"]) <= 4096, "MAX_MESSAGE_CHARS of the frame"


async def test_what_is_shown_cannot_be_a_reference(world: World) -> None:
    worker = await world.ready()
    step = signing(world.clock.now_ms(), kid="k", aud={"$ref": "0.publicKey"})
    refusal = await refused(worker, GENERATE, step)
    assert (refusal.details["step"], refusal.details["field"]) == (1, "payload.aud")


async def test_a_bad_step_is_named_by_its_place(world: World) -> None:
    worker = await world.ready()
    step = signing(world.clock.now_ms(), kid="k", exp=0)
    refusal = await refused(worker, GENERATE, step)
    assert (refusal.code, refusal.details["step"]) == ("request.invalid", 1)


@pytest.mark.parametrize("extra", ["__proto__", "existingMS", "more"])
async def test_an_extra_field_of_a_step_is_refused(world: World, extra: str) -> None:
    worker = await world.ready()
    assert (await refused(worker, {**GENERATE, extra: {}})).code == "request.invalid"
    assert (await refused(worker, {**GENERATE, "params": {extra: {}}})).code == "request.invalid"


def test_references_are_found_at_every_depth_and_the_rest_is_untouched() -> None:
    value = {"a": [1, {"b": {"$ref": "1.kid"}}], "c": "$ref", "d": None}
    assert resolve_references(value, [{}, {"kid": "K"}]) == {
        "a": [1, {"b": "K"}],
        "c": "$ref",
        "d": None,
    }
    assert value["a"] == [1, {"b": {"$ref": "1.kid"}}], "the caller's value is as it was"


def test_a_result_that_looks_like_a_reference_is_not_resolved_again() -> None:
    results = [{"kid": "1.kid"}, {"kid": "K"}]
    assert resolve_references({"a": {"$ref": "0.kid"}}, results) == {"a": "1.kid"}


def test_a_reference_names_an_earlier_step() -> None:
    with pytest.raises(FieldError):
        resolve_references({"$ref": "1.kid"}, [{"kid": "K"}])
