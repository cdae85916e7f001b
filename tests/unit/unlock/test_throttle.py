"""Wrong guesses: five are free, then a stored wait that doubles, apart for who guesses what."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from authenticator import Authenticator
from doubles import CrashError, FaultyStorage
from enclave import APP, CREDENTIALS, OTHER_APP, PASSPHRASE, Refusal, Worker, World
from forging import b64
from kms_enclave.encoding import format_base64url
from kms_enclave.errors import KMSError
from kms_enclave.ports.storage import Put
from kms_enclave.unlock.credentials import PassphraseCredentials
from kms_enclave.unlock.throttle import MAX_DELAY_MS, count_attempt, counted_at, delay_after
from user import User, add

Credentials = Mapping[str, object]
PASSED = f"attempts:page:passphrase:{APP}"
WRONG = {**CREDENTIALS, "passphrase": "wrong horse battery"}


async def guess(worker: Worker, credentials: Credentials = WRONG, *, origin: str = APP) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await worker.call("generateVAPID", origin=origin, credentials=credentials)
    return caught.value


async def guess_until_throttled(
    worker: Worker, credentials: Credentials = WRONG, *, code: str = "unlock.denied"
) -> None:
    for _ in range(5):
        assert (await guess(worker, credentials)).code == code
    assert (await guess(worker, credentials)).code == "unlock.throttled"


async def type_until_throttled(worker: Worker) -> None:
    worker.user = typing(*["wrong horse battery"] * 6)
    with pytest.raises(Refusal, match=r"unlock\.cancelled"):
        await worker.call("generateVAPID")
    assert worker.asked[-1]["error"]["code"] == "unlock.throttled"


def typing(*passphrases: str) -> Any:
    """Return a user who types these into the dialog, one after the other, then gives up."""
    left = list(passphrases)

    def answer(_: Mapping[str, Any]) -> Mapping[str, Any]:
        if left:
            return {"answer": {"passphrase": left.pop(0)}}
        return {"refused": {"code": "unlock.cancelled"}}

    return answer


@pytest.mark.parametrize(
    ("failed", "delay_ms"),
    [(0, 0), (4, 0), (5, 1000), (6, 2000), (7, 4000), (14, 512_000), (15, 900_000)],
)
def test_the_delay_doubles_from_one_second_to_fifteen_minutes(failed: int, delay_ms: int) -> None:
    assert delay_after(failed) == delay_ms
    assert delay_after(1_000_000) == MAX_DELAY_MS == 900_000


async def test_five_attempts_are_free_and_the_sixth_must_wait(world: World) -> None:
    worker = await world.ready()
    await guess_until_throttled(worker)
    refusal = await guess(worker)
    assert (refusal.code, refusal.retry_after_ms) == ("unlock.throttled", 1000)


async def test_the_right_passphrase_must_wait_as_well(world: World) -> None:
    worker = await world.ready()
    await guess_until_throttled(worker)
    assert (await guess(worker, CREDENTIALS)).code == "unlock.throttled"


async def test_retry_after_ms_is_exact(world: World) -> None:
    worker = await world.ready()
    await guess_until_throttled(worker)
    for wait_ms in (1000, 2000, 4000):
        assert (await guess(worker)).retry_after_ms == wait_ms
        world.clock.advance(wait_ms - 1)
        assert (await guess(worker)).retry_after_ms == 1
        world.clock.advance(1)
        assert (await guess(worker)).code == "unlock.denied"


async def test_a_throttled_call_derives_nothing_and_is_neither_counted_nor_logged(
    world: World,
) -> None:
    worker = await world.ready()
    await guess_until_throttled(worker)
    stretchings, entries = world.crypto.stretchings, len(await worker.log())
    for _ in range(10):
        await guess(worker)
    assert (world.crypto.stretchings, len(await worker.log())) == (stretchings, entries)
    world.clock.advance(1000)
    assert (await guess(worker)).code == "unlock.denied"


async def test_success_clears_the_count(world: World) -> None:
    worker = await world.ready()
    await guess_until_throttled(worker)
    world.clock.advance(1000)
    await worker.call("generateVAPID", credentials=CREDENTIALS)
    await guess_until_throttled(worker)


async def test_the_count_is_shared_by_tabs_and_outlives_them(world: World) -> None:
    first = await world.ready()
    second = await world.worker()
    for worker in (first, second, first, second, first):
        assert (await guess(worker)).code == "unlock.denied"
    assert (await guess(second)).code == "unlock.throttled"
    assert (await guess(await world.worker())).code == "unlock.throttled"


async def test_where_pages_may_give_none_a_guess_is_no_attempt(world: World) -> None:
    await world.ready()
    worker = await world.worker(config={"allowPageCredentials": False})
    before = len(await worker.log())
    for _ in range(6):
        assert (await guess(worker)).code == "request.invalid"
    assert not [key for _, key, _ in await world.records() if str(key).startswith("attempts:")]
    assert len(await worker.log()) == before


@pytest.mark.parametrize("tabs", [1, 2])
async def test_of_a_thousand_guesses_at_once_five_are_tried(world: World, tabs: int) -> None:
    workers = [await world.ready(), *[await world.worker() for _ in range(tabs - 1)]]
    before = world.crypto.stretchings
    refusals = await asyncio.gather(*(guess(workers[n % tabs]) for n in range(1000)))
    codes = [refusal.code for refusal in refusals]
    assert codes.count("unlock.denied") == world.crypto.stretchings - before == 5
    assert codes.count("unlock.throttled") == 995
    world.clock.advance(1000)
    await workers[0].call("generateVAPID", credentials=CREDENTIALS)


async def test_right_passphrases_at_once_are_no_guesses(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await world.ready()
    derive = world.crypto.derive_passphrase_keys

    async def derive_slowly(**inputs: Any) -> object:
        for _ in range(100):
            await asyncio.sleep(0)
        return await derive(**inputs)

    monkeypatch.setattr(world.crypto, "derive_passphrase_keys", derive_slowly)
    calls = (worker.call("generateVAPID", credentials=CREDENTIALS) for _ in range(12))
    assert len(await asyncio.gather(*calls)) == 12


async def test_a_pages_guesses_do_not_lock_the_user_out_of_the_dialog(world: World) -> None:
    worker = await world.ready()
    await guess_until_throttled(worker)
    worker.user = typing(PASSPHRASE)
    await worker.call("generateVAPID")
    assert (await guess(worker)).code == "unlock.throttled", "nor does the user free the page"


async def test_guesses_in_the_dialog_are_throttled_where_they_are_typed(world: World) -> None:
    worker = await world.ready()
    worker.user = typing(*["wrong horse battery"] * 6)
    with pytest.raises(Refusal) as caught:
        await worker.call("generateVAPID")
    assert caught.value.code == "unlock.cancelled"
    shown = [ask["error"] and ask["error"]["code"] for ask in worker.asked if "error" in ask]
    assert shown == [None, *["unlock.denied"] * 5, "unlock.throttled"]
    assert worker.asked[-1]["error"]["retryAfterMs"] == 1000
    await worker.call("generateVAPID", credentials=CREDENTIALS)


async def test_a_call_that_nothing_enrolled_can_answer_does_not_wipe_out_guesses(
    world: World,
) -> None:
    worker = await world.ready()
    nothing = {"method": "passkey-prf", "prfOutput": format_base64url(bytes(32))}
    for _ in range(5):
        assert (await guess(worker)).code == "unlock.denied"
        assert (await guess(worker, nothing)).code in ("enrollment.not.found", "unlock.throttled")
    assert (await guess(worker)).code == "unlock.throttled"


async def test_a_damaged_enrollment_is_no_guess(world: World) -> None:
    worker = await world.ready()
    await world.tamper("enrollments", "enrollment:passphrase:v2", msIv="AAAA")
    for _ in range(12):
        assert (await guess(worker, CREDENTIALS)).code == "enrollment.damaged"


async def test_an_attempt_is_counted_before_anything_is_derived(world: World) -> None:
    worker = await world.ready()
    counts: list[int] = []
    derive = world.crypto.derive_passphrase_keys

    async def look(**inputs: Any) -> Any:
        counts.append((await world.value("meta", PASSED))["failed"])
        return await derive(**inputs)

    world.crypto.derive_passphrase_keys = look
    await guess(worker)
    await guess(worker)
    assert counts == [1, 2]


async def test_a_crash_between_count_and_derivation_still_counts(world: World) -> None:
    worker = await world.ready()
    world.crypto.failing["derive_passphrase_keys"] = CrashError()
    for _ in range(5):
        assert (await guess(worker)).code == "internal"
    world.crypto.failing.clear()
    assert (await guess(await world.worker())).code == "unlock.throttled"


async def test_what_cannot_be_counted_is_not_tried(world: World) -> None:
    await world.ready()
    worker = await world.worker(storage=_Uncountable(world.memory))
    before = world.crypto.stretchings
    assert (await guess(worker, CREDENTIALS)).code == "internal"
    assert world.crypto.stretchings == before


async def test_a_guess_whose_denial_cannot_be_logged_stays_counted(world: World) -> None:
    await world.ready()

    def fail(puts: Sequence[Put]) -> None:
        if any('"op":"unlock.denied"' in put.record.value for put in puts):
            raise KMSError("internal")

    storage = FaultyStorage(world.memory)
    storage.before_commit = fail
    worker = await world.worker(storage=storage)
    await guess_until_throttled(worker, code="internal")


class _Uncountable(FaultyStorage):
    """Dies at every commit that counts an attempt."""

    async def commit(self, **change: Any) -> None:
        if any(str(put.address.key).startswith("attempts:") for put in change["puts"]):
            raise CrashError
        await super().commit(**change)


async def test_a_clock_set_back_does_not_stretch_the_delay(world: World) -> None:
    worker = await world.ready()
    await guess_until_throttled(worker)
    world.clock.advance(-86_400_000)
    assert (await guess(worker)).retry_after_ms == 1000
    world.clock.advance(400)
    assert (await guess(worker)).retry_after_ms == 600
    world.clock.advance(600)
    assert (await guess(worker)).code == "unlock.denied"


async def test_a_clock_set_back_before_the_first_delay_delays_nothing(world: World) -> None:
    worker = await world.ready()
    for _ in range(5):
        world.clock.advance(-60_000)
        assert (await guess(worker)).code == "unlock.denied"


async def test_a_damaged_count_is_one_attempt_short_of_a_delay(world: World) -> None:
    worker = await world.ready()
    await guess(worker)
    await world.tamper("meta", PASSED, failed="none")
    assert (await guess(worker)).code == "unlock.denied"
    assert (await guess(worker)).retry_after_ms == 2000


async def test_page_and_dialog_are_counted_apart_in_storage(world: World) -> None:
    passed = counted_at(PassphraseCredentials("", "page"), origin=APP)
    typed = counted_at(PassphraseCredentials("", "enclave"), origin=APP)
    assert passed is not None
    assert typed is not None
    await count_attempt(world.memory, world.clock, passed)
    for _ in range(5):
        await count_attempt(world.memory, world.clock, typed)
    with pytest.raises(KMSError):
        await count_attempt(world.memory, world.clock, typed)
    await count_attempt(world.memory, world.clock, passed)


async def test_a_pages_guesses_do_not_throttle_the_page_of_another_origin(world: World) -> None:
    worker = await world.ready()
    await guess_until_throttled(worker)
    await worker.call("generateVAPID", origin=OTHER_APP, credentials=CREDENTIALS)
    assert (await guess(worker)).code == "unlock.throttled", "nor does that one free the first"


async def test_a_dialog_is_throttled_whichever_page_opens_it(world: World) -> None:
    worker = await world.ready()
    await type_until_throttled(worker)
    worker.user = typing(PASSPHRASE)
    with pytest.raises(Refusal, match=r"unlock\.cancelled"):
        await worker.call("generateVAPID", origin=OTHER_APP)
    assert worker.asked[-1]["error"]["code"] == "unlock.throttled"


async def with_a_passkey(world: World, method: str = "passkey-prf") -> tuple[Worker, Authenticator]:
    worker = await world.ready()
    _, passkey = await add(worker, method, uses=PASSPHRASE)
    assert isinstance(passkey, Authenticator)
    return worker, passkey


@pytest.mark.parametrize("method", ["passkey-prf", "passkey-gate"])
async def test_who_forgot_the_passphrase_unlocks_with_the_passkey_at_once(
    world: World, method: str
) -> None:
    worker, passkey = await with_a_passkey(world, method)
    guesses = typing(*["wrong horse battery"] * 6)

    def forgetful(ask: Mapping[str, Any]) -> Any:
        throttled = (ask["error"] or {}).get("code") == "unlock.throttled"
        return User(uses=passkey, patience=1)(ask) if throttled else guesses(ask)

    worker.user = forgetful
    await worker.call("generateVAPID")
    assert worker.asked[-2]["error"]["code"] == "unlock.throttled"
    worker.user = User(uses=passkey)
    await worker.call("generateVAPID")


async def test_a_passkey_does_not_wipe_out_guesses_at_the_passphrase(world: World) -> None:
    worker, passkey = await with_a_passkey(world)
    await type_until_throttled(worker)
    worker.user = User(uses=passkey)
    await worker.call("generateVAPID")
    worker.user = typing(PASSPHRASE)
    with pytest.raises(Refusal, match=r"unlock\.cancelled"):
        await worker.call("generateVAPID")


async def test_assertions_that_do_not_verify_throttle_nothing(world: World) -> None:
    worker, passkey = await with_a_passkey(world)
    passkey.flags = 0x01
    worker.user = User(uses=passkey, patience=20)
    with pytest.raises(Refusal, match=r"unlock\.cancelled"):
        await worker.call("generateVAPID")
    assert {ask["error"]["code"] for ask in worker.asked if ask.get("error")} == {"unlock.denied"}
    worker.user = typing(PASSPHRASE)
    await worker.call("generateVAPID")


async def test_a_new_passphrase_unlocks_at_once(world: World) -> None:
    worker, passkey = await with_a_passkey(world)
    await type_until_throttled(worker)
    await guess_until_throttled(worker)
    new = "another horse battery"
    worker.user = User(uses=passkey, makes=new)
    await worker.call("changePassphrase")
    worker.user = typing(new)
    await worker.call("generateVAPID")
    await worker.call("generateVAPID", credentials={**CREDENTIALS, "passphrase": new})


async def with_a_page_passkey(world: World) -> tuple[Worker, bytes]:
    worker = await world.ready()
    output = bytes(range(32))
    given = {"credentialId": b64(bytes(16)), "prfOutput": b64(output), "rpId": "app.example"}
    await worker.call(
        "addEnrollment", method="passkey-prf", newCredentials=given, credentials=CREDENTIALS
    )
    return worker, output


def passing(output: bytes) -> Mapping[str, object]:
    return {"method": "passkey-prf", "prfOutput": b64(output)}


async def test_a_pages_wrong_prf_outputs_are_throttled_apart_from_passphrases(world: World) -> None:
    worker, output = await with_a_page_passkey(world)
    await guess_until_throttled(worker, passing(bytes(32)))
    await worker.call("generateVAPID", credentials=CREDENTIALS)
    assert (await guess(worker, passing(output))).code == "unlock.throttled"


async def test_a_pages_right_prf_output_does_not_wipe_out_its_guesses(world: World) -> None:
    worker, output = await with_a_page_passkey(world)
    for _ in range(5):
        assert (await guess(worker)).code == "unlock.denied"
        await worker.call("generateVAPID", credentials=passing(output))
    assert (await guess(worker)).code == "unlock.throttled"


async def test_of_a_thousand_prf_outputs_at_once_five_are_tried(world: World) -> None:
    worker, _ = await with_a_page_passkey(world)
    before = len(await worker.log())
    refusals = await asyncio.gather(*(guess(worker, passing(bytes(32))) for _ in range(1000)))
    codes = [refusal.code for refusal in refusals]
    assert (codes.count("unlock.denied"), codes.count("unlock.throttled")) == (5, 995)
    assert len(await worker.log()) - before == 5
