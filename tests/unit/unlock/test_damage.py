"""A damaged, deleted or foreign enrollment: named, and every other one still unlocks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from authenticator import Authenticator
from enclave import Refusal, Worker, World
from forging import b64
from hypothesis import given, settings
from hypothesis import strategies as st
from user import METHODS, Secret, User, add, set_up_with, sign

IDS = {method: f"enrollment:{method}:v2" for method in METHODS}
LEFT_OUT = object()

# "bytes" stands for other bytes of the same length.
DAMAGE: Mapping[str, Mapping[str, tuple[object, ...]]] = {
    "passphrase": {
        "enrollmentId": ("enrollment:passphrase:v3", LEFT_OUT),
        "method": ("passkey-prf", "none", 7, LEFT_OUT),
        "createdAt": ("now", None, LEFT_OUT),
        "via": ("nobody", LEFT_OUT),
        "encryptedMs": ("bytes", "", "AAAA", "!", 7, "\ud800", LEFT_OUT),
        "msIv": ("bytes", "", "AAAA", "!", LEFT_OUT),
        "kdf": ({}, None, "none", LEFT_OUT),
        "kdf.salt": ("AAAA", "!", LEFT_OUT),
        "kdf.kcv": ("AAAA", "!", LEFT_OUT),
        "kdf.iterations": (0, 1, 599_999, 5_000_001, 1e9, "600000", LEFT_OUT),
        "kdf.calibratedAt": ("then", LEFT_OUT),
        "more": (1,),
    },
    "passkey-prf": {
        "enrollmentId": ("enrollment:passkey-prf:v2:2", LEFT_OUT),
        "method": ("passphrase", "passkey-gate", "none", LEFT_OUT),
        "createdAt": ("now", None, LEFT_OUT),
        "via": ("nobody", LEFT_OUT),
        "encryptedMs": ("bytes", "", "AAAA", "!", LEFT_OUT),
        "msIv": ("bytes", "", "AAAA", "!", LEFT_OUT),
        "passkey": ({}, None, LEFT_OUT),
        "passkey.credentialId": ("!", "", "A", "A" * 1368, "\ud800", 7, LEFT_OUT),
        "passkey.publicKey": ("AAAA", "!", "", None, LEFT_OUT),
        "passkey.algorithm": (-8, -257, -35, 0, None, "ES256", LEFT_OUT),
        "passkey.appSalt": ("bytes", "!", "", "A" * 300, None, LEFT_OUT),
        "passkey.kekSalt": ("bytes", "AAAA", "!", "", None, LEFT_OUT),
        "passkey.signCount": ("1", None, LEFT_OUT),
        "passkey.pageOnly": ("no", LEFT_OUT),
        "passkey.rpId": (7, LEFT_OUT),
    },
    "passkey-gate": {
        "enrollmentId": ("enrollment:passkey-gate:v2:2", LEFT_OUT),
        "method": ("passkey-prf", "passphrase", LEFT_OUT),
        "createdAt": ("now", None, LEFT_OUT),
        "via": ("nobody", LEFT_OUT),
        "encryptedMs": ("bytes", "AAAA", "!", LEFT_OUT),
        "msIv": ("bytes", "AAAA", "!", LEFT_OUT),
        "passkey": ({}, None, LEFT_OUT),
        "passkey.credentialId": ("!", 7, LEFT_OUT),
        "passkey.publicKey": ("AAAA", "!", None, LEFT_OUT),
        "passkey.algorithm": (-8, None, LEFT_OUT),
        "passkey.signCount": ("1", 2**40, None, LEFT_OUT),
        "passkey.pageOnly": ("no", True, LEFT_OUT),
        "passkey.rpId": (7, LEFT_OUT),
    },
}
CASES = [
    (method, field, new)
    for method, fields in DAMAGE.items()
    for field, values in fields.items()
    for new in values
]


def _other(text: str) -> str:
    return ("B" if text[0] != "B" else "C") + text[1:]


def damaged(value: dict[str, Any], field: str, new: object) -> dict[str, Any]:
    """Return a copy with one field replaced or left out."""
    outer, _, inner = field.partition(".")
    if inner:
        return {**value, outer: damaged(value[outer], inner, new)}
    if new == "bytes":
        new = _other(value[outer])
    return {name: kept for name, kept in {**value, outer: new}.items() if kept is not LEFT_OUT}


async def enrolled_pair(world: World, method: str) -> tuple[Worker, Secret, Secret]:
    """Enroll ``method`` and another one; return what unlocks each."""
    worker = await world.worker()
    secret = await set_up_with(worker, method)
    other = "passkey-prf" if method == "passphrase" else "passphrase"
    _, sound = await add(worker, other, uses=secret)
    return worker, secret, sound


async def store(world: World, method: str, value: Mapping[str, Any]) -> None:
    record = await world.record("enrollments", IDS[method])
    await world.put("enrollments", IDS[method], attrs.evolve(record, value=json.dumps(value)))


async def unlocking(worker: Worker, method: str, secret: Secret) -> str:
    """Unlock with the damaged enrollment; return the error's code."""
    worker.user = User(uses=secret)
    if isinstance(secret, str):
        credentials = {"credentials": {"method": "passphrase", "passphrase": secret}}
    else:
        # Only this one is offered, as if the user chose it.
        worker.user = lambda ask: _choose(secret, ask)
        credentials = {}
    try:
        await worker.call("generateVAPID", **credentials)
    except Refusal as refusal:
        return refusal.code
    return "unlocked"


def _choose(secret: Authenticator, ask: Mapping[str, Any]) -> Mapping[str, Any]:
    offered = ask["ceremony"] or {"passkeys": []}
    held = {b64(credential_id) for credential_id in secret.keys}
    if ask["error"] or not any(one["credentialId"] in held for one in offered["passkeys"]):
        return {"refused": {"code": "unlock.cancelled"}}
    return {"answer": secret.authenticate(offered)}


@pytest.mark.parametrize("method", METHODS)
async def test_every_field_of_a_record_is_damaged_below(world: World, method: str) -> None:
    await set_up_with(await world.worker(), method)
    value = await world.value("enrollments", IDS[method])
    inner = {f"{name}.{n}" for name in ("kdf", "passkey") for n in value.get(name, ())}
    assert value.keys() | inner <= DAMAGE[method].keys()


@pytest.mark.parametrize(
    ("method", "field", "new"),
    CASES,
    ids=[f"{m}-{f}-{'left out' if n is LEFT_OUT else ascii(n)}" for m, f, n in CASES],
)
async def test_a_damaged_field_is_named_and_the_other_enrollment_unlocks(
    world: World, method: str, field: str, new: object
) -> None:
    worker, secret, sound = await enrolled_pair(world, method)
    value = await world.value("enrollments", IDS[method])
    await store(world, method, damaged(value, field, new))
    code = await unlocking(worker, method, secret)
    # A passkey that does not parse, or has another name, is not offered at all; one whose
    # algorithm, counter or input is another one has given an answer that does not verify.
    assert code == "enrollment.damaged" or (
        method != "passphrase" and code == "unlock.cancelled"
    ), code
    await sign(worker, uses=sound, jti="with the other")


@pytest.mark.parametrize("method", ["passkey-prf", "passkey-gate"])
@pytest.mark.parametrize(
    "field",
    ["encryptedMs", "msIv", "passkey.publicKey", "passkey.algorithm"],
)
async def test_a_passkey_that_answers_for_damaged_data_is_told_so(
    world: World, method: str, field: str
) -> None:
    worker, secret, _ = await enrolled_pair(world, method)
    value = await world.value("enrollments", IDS[method])
    await store(world, method, damaged(value, field, -8 if "algorithm" in field else "AAAA"))
    assert await unlocking(worker, method, secret) == "enrollment.damaged"


@pytest.mark.parametrize("field", ["passkey.appSalt", "passkey.kekSalt"])
async def test_a_prf_passkey_without_its_salts_is_damaged(world: World, field: str) -> None:
    worker, secret, _ = await enrolled_pair(world, "passkey-prf")
    value = await world.value("enrollments", IDS["passkey-prf"])
    await store(world, "passkey-prf", damaged(value, field, None))
    assert await unlocking(worker, "passkey-prf", secret) == "enrollment.damaged"


async def test_a_gate_without_its_key_is_not_offered_and_named_when_it_is_alone(
    world: World,
) -> None:
    worker = await world.worker()
    secret = await set_up_with(worker, "passkey-gate")
    record = await world.record("enrollments", IDS["passkey-gate"])
    await world.put("enrollments", IDS["passkey-gate"], attrs.evolve(record, handles={}))
    assert await unlocking(worker, "passkey-gate", secret) == "enrollment.damaged"


@pytest.mark.parametrize("method", METHODS)
async def test_the_only_enrollment_is_named_when_it_does_not_parse(
    world: World, method: str
) -> None:
    worker = await world.worker()
    secret = await set_up_with(worker, method)
    await store(world, method, {})
    worker.user = User(uses=secret)
    with pytest.raises(Refusal) as caught:
        await worker.call("generateVAPID")
    assert caught.value.code == "enrollment.damaged"
    assert caught.value.details["enrollmentId"] == IDS[method]


@pytest.mark.parametrize("method", METHODS)
async def test_a_deleted_enrollment_is_not_found_and_the_other_unlocks(
    world: World, method: str
) -> None:
    worker, secret, sound = await enrolled_pair(world, method)
    await world.delete("enrollments", IDS[method])
    code = await unlocking(worker, method, secret)
    assert code == ("enrollment.not.found" if method == "passphrase" else "unlock.cancelled")
    await sign(worker, uses=sound, jti="with the other")


@pytest.mark.parametrize("method", METHODS)
async def test_an_enrollment_of_another_instance_is_damaged_and_the_other_unlocks(
    world: World, method: str
) -> None:
    worker, _, sound = await enrolled_pair(world, method)
    elsewhere = World()
    stranger, secret, _ = await enrolled_pair(elsewhere, method)
    await sign(stranger, uses=secret, jti="at home it unlocks")
    await world.put("enrollments", IDS[method], await elsewhere.record("enrollments", IDS[method]))
    assert await unlocking(worker, method, secret) == "enrollment.damaged"
    await sign(worker, uses=sound, jti="with the other")


async def test_a_renamed_enrollment_does_not_unlock(world: World) -> None:
    worker, secret, _ = await enrolled_pair(world, "passkey-prf")
    record = await world.record("enrollments", IDS["passkey-prf"])
    value = {**json.loads(record.value), "enrollmentId": "enrollment:passkey-prf:v2:2"}
    await world.put(
        "enrollments",
        "enrollment:passkey-prf:v2:2",
        attrs.evolve(record, value=json.dumps(value)),
    )
    await world.delete("enrollments", IDS["passkey-prf"])
    assert await unlocking(worker, "passkey-prf", secret) == "enrollment.damaged"


async def test_a_damaged_passkey_does_not_keep_new_ones_from_being_made(world: World) -> None:
    worker, _, sound = await enrolled_pair(world, "passkey-prf")
    value = await world.value("enrollments", IDS["passkey-prf"])
    await store(world, "passkey-prf", damaged(value, "passkey.credentialId", "!"))
    _, passkey = await add(worker, "passkey-gate", uses=sound)
    await sign(worker, uses=passkey, jti="with the new one")


async def test_damage_is_listed_last(world: World) -> None:
    worker, _, _ = await enrolled_pair(world, "passkey-prf")
    await store(world, "passkey-prf", {})
    details = (await worker.call("getEnrollments"))["details"]
    assert [(one["enrollmentId"], one["damaged"]) for one in details] == [
        (IDS["passphrase"], False),
        (IDS["passkey-prf"], True),
    ]


FIELDS = sorted({(m, f) for m, f, _ in CASES} | {(m, "kdf.more") for m in ("passphrase",)})
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=4,
)


@settings(max_examples=60)
@given(where=st.sampled_from(FIELDS), new=json_values)
async def test_no_value_of_any_field_is_an_unexpected_error(
    where: tuple[str, str], new: object
) -> None:
    world = World()
    method, field = where
    worker, secret, sound = await enrolled_pair(world, method)
    value = await world.value("enrollments", IDS[method])
    await store(world, method, damaged(value, field, new))
    code = await unlocking(worker, method, secret)
    assert code in ("unlocked", "enrollment.damaged", "unlock.denied", "unlock.cancelled")
    await sign(worker, uses=sound, jti="with the other")
