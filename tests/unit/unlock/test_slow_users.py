"""Slow users: a challenge is made at the click; one who is too late is asked again, at no cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from authenticator import Authenticator
from enclave import Worker, World
from user import User, set_up_with, sign

NAMES = {"name": "Ann", "userId": "user-1"}
TOO_LONG_MS = 120_001
Asked = Mapping[str, Any]
Answer = Callable[[Asked], Mapping[str, Any]]


def reading_first(world: World, worker: Worker, user: User) -> Answer:
    """Return a user who looks at each question for ten minutes, then clicks."""

    def answer(ask: Asked) -> Mapping[str, Any]:
        world.clock.advance(600_000)
        return user(worker.begin(ask))

    return answer


def late(world: World, user: User, *, times: int) -> Answer:
    """Return a user whose first ceremonies take longer than a challenge lives."""
    user.patience = times
    slow = iter(range(times))

    def answer(ask: Asked) -> Mapping[str, Any]:
        given = user(ask)
        if next(slow, None) is not None:
            world.clock.advance(TOO_LONG_MS)
        return given

    return answer


def ceremonies(worker: Worker) -> list[str]:
    return [ask["ask"] for ask in worker.asked if ask.get("ceremony") or ask.get("registration")]


@pytest.mark.parametrize("method", ["passkey-prf", "passkey-gate"])
async def test_who_reads_for_ten_minutes_unlocks(world: World, method: str) -> None:
    worker = await world.worker()
    secret = await set_up_with(worker, method)
    entries = await worker.log()
    worker.user = reading_first(world, worker, User(uses=secret))
    await worker.call("generateVAPID")
    assert ceremonies(worker) == ["register", "authenticate"]
    added = (await worker.log())[len(entries) :]
    assert [entry["op"] for entry in added] == ["generate"]


@pytest.mark.parametrize(
    ("method", "params"), [("setupPasskeyPRF", NAMES), ("setupPasskeyGate", NAMES), ("setup", {})]
)
async def test_who_reads_for_ten_minutes_sets_up(
    world: World, method: str, params: Mapping[str, str]
) -> None:
    worker = await world.worker()
    passkey = Authenticator()
    worker.user = reading_first(world, worker, User(makes=passkey))
    await worker.call(method, **params)
    assert not worker.discarded
    await sign(worker, uses=passkey, jti="with the new passkey")


@pytest.mark.parametrize("method", ["passkey-prf", "passkey-gate"])
async def test_a_late_answer_is_no_attempt_and_is_asked_for_again(
    world: World, method: str
) -> None:
    worker = await world.worker()
    secret = await set_up_with(worker, method)
    entries = await worker.log()
    worker.user = late(world, User(uses=secret), times=8)
    await worker.call("generateVAPID")
    (_, *again) = [ask for ask in worker.asked if ask["ask"] == "authenticate"]
    assert len(again) == 8
    assert "longer than two minutes" in again[-1]["error"]["message"]
    added = (await worker.log())[len(entries) :]
    assert [entry["op"] for entry in added] == ["generate"]


@pytest.mark.parametrize(
    ("method", "params"), [("setupPasskeyPRF", NAMES), ("setupPasskeyGate", NAMES), ("setup", {})]
)
async def test_a_late_passkey_is_forgotten_and_made_again(
    world: World, method: str, params: Mapping[str, str]
) -> None:
    worker = await world.worker()
    passkey = Authenticator()
    worker.user = late(world, User(makes=passkey), times=1)
    await worker.call(method, **params)
    first, second = (ask for ask in worker.asked if "registration" in ask)
    assert second["error"]["code"] == "unlock.denied"
    assert first["registration"]["userHandle"] == second["registration"]["userHandle"]
    assert len(worker.discarded) == 1
    del passkey.keys[next(iter(passkey.keys))]
    await sign(worker, uses=passkey, jti="with the second")


async def test_a_late_second_ceremony_is_asked_for_again(world: World) -> None:
    worker = await world.worker()
    passkey = Authenticator(prf_at_creation=False)
    user = User(uses=passkey, makes=passkey, patience=1)
    answers: list[str] = []

    def answer(ask: Asked) -> Mapping[str, Any]:
        answers.append(ask["ask"])
        given = user(ask)
        if answers == ["register", "authenticate"]:
            world.clock.advance(TOO_LONG_MS)
        return given

    worker.user = answer
    made = await worker.call("setupPasskeyPRF", **NAMES)
    assert made["enrollmentId"] == "enrollment:passkey-prf:v2"
    assert answers == ["register", "authenticate", "authenticate"]
    assert not worker.discarded


async def test_each_beginning_has_a_challenge_of_its_own_and_the_last_counts(world: World) -> None:
    worker = await world.worker()
    gate = await set_up_with(worker, "passkey-gate")
    challenges: list[str] = []

    def answer(ask: Asked) -> Mapping[str, Any]:
        if ask["error"] is not None:
            return {"refused": {"code": "unlock.cancelled"}}
        again = worker.begin(ask)
        challenges.extend(asked["ceremony"]["challenge"] for asked in (ask, again))
        return User(uses=gate)(again)

    worker.user = answer
    await worker.call("generateVAPID")
    assert len(set(challenges)) == 2


@pytest.mark.parametrize("number", [99, "1", None])
async def test_what_is_not_asked_has_no_challenge(world: World, number: object) -> None:
    worker = await world.ready()
    before = len(worker.sent)
    worker.receive(f'{{"id":{number!r},"begin":true}}'.replace("'", '"').replace("None", "null"))
    assert len(worker.sent) == before
