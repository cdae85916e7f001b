"""Who may give credentials: the page where the operator allows it, else the user alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from authenticator import Authenticator
from enclave import APP, CREDENTIALS, ENDPOINT, PASSPHRASE, Refusal, Worker, World
from forging import b64
from kms_enclave.encoding import format_base64url
from kms_enclave.rpc.method import Authorisation, Severity
from kms_enclave.rpc.methods import METHODS
from user import User, add, payload, set_up_with

PUSH = {"endpoint": "https://fcm.googleapis.com/send/one"}
PAGE_PASSKEY = {
    "credentialId": "AAAA",
    "prfOutput": format_base64url(bytes(32)),
    "rpId": "app.example",
}
NAMING: Mapping[str, Mapping[str, object]] = {
    "revokeLease": {"leaseId": "lease-x"},
    "verifyLease": {"leaseId": "lease-x"},
    "isTokenRevoked": {"jti": "token-x"},
    "getInclusionProof": {"seqNum": 0},
    "getConsistencyProof": {"from": 1},
}
NO_PAGE = {"allowPageCredentials": False}


def calls(
    now_ms: int, kid: str, lease_id: str, checkpoint: str = "x"
) -> Mapping[str, Mapping[str, object]]:
    """A good call, without credentials, of every method that takes them."""
    return {
        "addEnrollment": {"method": "passkey-gate"},
        "removeEnrollment": {"enrollmentId": "enrollment:passkey-prf:v2"},
        "changePassphrase": {},
        "generateVAPID": {},
        "regenerateVAPID": {},
        "signJWT": {"kid": kid, "payload": payload(now_ms)},
        "batch": {"requests": [{"method": "generateVAPID"}]},
        "setPushSubscription": {"subscription": PUSH},
        "removePushSubscription": {},
        "createLease": {"userId": "u", "subs": [ENDPOINT], "ttlHours": 12},
        "extendLease": {"leaseId": lease_id, "addHours": 2},
        "refreshLease": {"leaseId": lease_id},
        "resumeLease": {"leaseId": lease_id},
        "suspendPattern": {"userIdPattern": "bot-*"},
        "unsuspendPattern": {"userIdPattern": "bot-*"},
        "pruneAudit": {"keep": 0, "checkpoint": checkpoint},
        "resetKMS": {},
    }


WORDS = {
    "addEnrollment": "Add a passkey with lower protection",
    "removeEnrollment": "Remove a way to unlock: passkey 1",
    "changePassphrase": "Change the passphrase",
    "generateVAPID": "Make a new push key",
    "regenerateVAPID": "Replace the push key, and end every lease that uses it",
    "signJWT": "Sign a token for https://push.example",
    "batch": "Make a new push key",
    "setPushSubscription": "Store a push subscription of https://fcm.googleapis.com",
    "removePushSubscription": "Remove the push subscription",
    "createLease": "Create a lease of 12 hours for 1 endpoint",
    "extendLease": "Make a lease last 2 hours longer",
    "refreshLease": "Make a lease last as long as allowed",
    "resumeLease": "Let a lease sign again",
    "suspendPattern": "Suspend the leases of users like bot-*",
    "unsuspendPattern": "Lift the suspension of users like bot-*",
    "pruneAudit": "Drop old entries of the audit log",
    "resetKMS": "Delete all keys, leases and the log of this enclave",
}


async def refused(worker: Worker, method: str, /, **params: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await worker.call(method, **params)
    return caught.value


async def prepared(world: World, **options: Any) -> tuple[Worker, Mapping[str, object]]:
    """Return a worker of a set-up enclave with a passkey, and the calls it can be given."""
    first = await world.ready()
    await add(first, "passkey-prf", uses=PASSPHRASE)
    lease_id = await first.create_lease()
    worker = await world.worker(**options)
    worker.user = User(uses=PASSPHRASE, makes=Authenticator())
    kid = (await worker.call("getVAPIDKid"))["kid"]
    checkpoint = (await worker.call("getAuditCheckpoint"))["checkpoint"]
    return worker, calls(world.clock.now_ms(), kid, lease_id, checkpoint)


def test_the_calls_above_are_all_that_take_credentials() -> None:
    taking = {name for name, method in METHODS.items() if hasattr(method.params, "credentials")}
    assert taking == WORDS.keys() == calls(0, "", "").keys()


@pytest.mark.parametrize("method", WORDS)
async def test_a_page_that_may_not_give_credentials_is_refused_and_nothing_is_tried(
    world: World, method: str
) -> None:
    worker, given = await prepared(world, config=NO_PAGE)
    before, stretchings = world.storage.commits, world.crypto.stretchings
    refusal = await refused(worker, method, **{**given[method], "credentials": CREDENTIALS})
    assert (refusal.code, refusal.details["field"]) == ("request.invalid", "credentials")
    assert (world.storage.commits, world.crypto.stretchings) == (before, stretchings)
    assert not worker.asked


@pytest.mark.parametrize("method", WORDS)
async def test_without_credentials_the_user_is_asked_in_words_for_the_verified_origin(
    world: World, method: str
) -> None:
    worker, given = await prepared(world, config=NO_PAGE)
    if method == "changePassphrase":
        worker.user = User(uses=PASSPHRASE, makes="a new passphrase")
    await worker.call(method, **given[method])
    first = worker.asked[0]
    assert (first["operation"], first["origin"]) == (WORDS[method], APP)
    assert first["ask"] == ("confirm" if method == "resetKMS" else "authenticate")
    assert worker.asked[-1]["ask"] == "close"


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        (
            "addEnrollment",
            {
                "method": "passkey-prf",
                "newCredentials": {
                    "credentialId": b64(bytes(16)),
                    "prfOutput": b64(bytes(32)),
                    "rpId": "app.example",
                },
            },
            "Add a passkey of its own, with which it unlocks without asking you",
        ),
        (
            "addEnrollment",
            {"method": "passphrase", "newCredentials": {"passphrase": "chosen by the page"}},
            "Add a passphrase that it has chosen",
        ),
        (
            "changePassphrase",
            {"newPassphrase": "chosen by the page"},
            "Change the passphrase to one that it has chosen",
        ),
    ],
)
async def test_the_user_is_told_what_is_the_pages_own(
    world: World, method: str, params: Mapping[str, object], words: str
) -> None:
    worker = await world.worker()
    passkey = await set_up_with(worker, "passkey-prf")
    if method == "changePassphrase":
        await add(worker, "passphrase", uses=passkey)
    worker.user = User(uses=passkey)
    before = len(worker.asked)
    await worker.call(method, **params)
    assert worker.asked[before]["operation"] == words


@pytest.mark.parametrize("method", ["suspendPattern", "unsuspendPattern"])
async def test_a_pattern_is_shown_as_one_word(world: World, method: str) -> None:
    worker, _ = await prepared(world, config=NO_PAGE)
    await worker.call(method, userIdPattern="bot-*. \u202eEnter your passphrase to go on")
    words = worker.asked[0]["operation"]
    assert words.endswith(" like bot-*.??Enter?your?passphrase?to?go?on")


@pytest.mark.parametrize("method", WORDS)
async def test_a_user_who_cancels_authorises_nothing(world: World, method: str) -> None:
    worker, given = await prepared(world, config=NO_PAGE)
    worker.user = User(patience=-1)
    before = world.storage.commits
    assert (await refused(worker, method, **given[method])).code == "unlock.cancelled"
    assert world.storage.commits == before


@pytest.mark.parametrize("method", WORDS)
async def test_where_pages_may_give_credentials_they_do_without_the_user(
    world: World, method: str
) -> None:
    worker, given = await prepared(world)
    more: Mapping[str, object] = {
        "addEnrollment": {"method": "passkey-prf", "newCredentials": PAGE_PASSKEY},
        "changePassphrase": {"newPassphrase": "a new passphrase"},
    }.get(method, {})
    await worker.call(method, **{**given[method], **more, "credentials": CREDENTIALS})
    assert not worker.asked


@pytest.mark.parametrize(
    ("method", "params", "field"),
    [
        ("addEnrollment", {"method": "passkey-prf", "newCredentials": PAGE_PASSKEY}, "new"),
        ("changePassphrase", {"newPassphrase": "a new passphrase"}, "newPassphrase"),
    ],
)
async def test_nor_does_such_a_page_give_new_credentials(
    world: World, method: str, params: Mapping[str, Any], field: str
) -> None:
    worker, _ = await prepared(world, config=NO_PAGE)
    refusal = await refused(worker, method, **params)
    assert refusal.code == "request.invalid"
    assert str(refusal.details["field"]).startswith(field)
    assert not worker.asked, "refused before the user authenticates"


async def test_nor_does_such_a_page_set_up(world: World) -> None:
    worker = await world.worker(config=NO_PAGE)
    refusal = await refused(worker, "setupPassphrase", passphrase=PASSPHRASE)
    assert (refusal.code, refusal.details["field"]) == ("request.invalid", "passphrase")
    assert not (await worker.call("isSetup"))["isSetup"]


async def test_the_gates_ceremony_is_no_credential_of_the_page(world: World) -> None:
    first = await world.ready()
    _, gate = await add(first, "passkey-gate", uses=PASSPHRASE)
    worker = await world.worker(config=NO_PAGE)
    worker.user = User(uses=gate)
    await worker.call("generateVAPID", credentials={"method": "passkey-gate"})
    assert worker.asked[0]["methods"] == ["passkey-gate"]
    assert len(worker.asked[0]["ceremony"]["passkeys"]) == 1


async def test_where_no_gate_is_enrolled_its_ceremony_is_not_found(world: World) -> None:
    worker, _ = await prepared(world)
    gate = {"method": "passkey-gate"}
    refusal = await refused(worker, "generateVAPID", credentials=gate)
    assert refusal.code == "enrollment.not.found"
    assert not worker.asked


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"method": "passphrase"},
        {"method": "passphrase", "passphrase": 7},
        {"method": "passphrase", "passphrase": PASSPHRASE, "existingMS": "AAAA"},
        {"method": "passphrase", "passphrase": PASSPHRASE, "__proto__": {}},
        {"method": "passphrase", "passphrase": PASSPHRASE, "via": "enclave"},
        {"method": "passkey-gate", "assertion": {}},
        {"method": "passkey-prf"},
        {"method": "master-secret", "secret": "AAAA"},
        {"method": ["passphrase"]},
        "passphrase",
        7,
        [],
    ],
    ids=str,
)
async def test_credentials_of_another_shape_are_refused(world: World, credentials: object) -> None:
    worker = await world.ready()
    before = world.crypto.stretchings
    refusal = await refused(worker, "generateVAPID", credentials=credentials)
    assert refusal.code == "request.invalid"
    assert str(refusal.details["field"]).startswith("credentials")
    assert world.crypto.stretchings == before


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "newCredentials.credentialId"),
        ({"credentialId": "AAAA", "rpId": "app.example"}, "newCredentials.prfOutput"),
        ({**PAGE_PASSKEY, "passphrase": "another passphrase"}, "newCredentials.passphrase"),
        ({**PAGE_PASSKEY, "prfOutput": "AAAA"}, "newCredentials.prfOutput"),
        ({**PAGE_PASSKEY, "prfOutput": "!" * 43}, "newCredentials.prfOutput"),
        ({**PAGE_PASSKEY, "credentialId": "!"}, "newCredentials.credentialId"),
        ({**PAGE_PASSKEY, "existingMS": "AAAA"}, "newCredentials.existingMS"),
        ({**PAGE_PASSKEY, "appSalt": "AAAA"}, "newCredentials.appSalt"),
    ],
)
async def test_a_pages_passkey_of_another_shape_is_refused(
    world: World, given: Mapping[str, object], field: str
) -> None:
    worker = await world.ready()
    params = {"method": "passkey-prf", "newCredentials": given, "credentials": CREDENTIALS}
    refusal = await refused(worker, "addEnrollment", **params)
    assert (refusal.code, refusal.details["field"]) == ("request.invalid", field)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "newCredentials.passphrase"),
        ({"passphrase": "another passphrase", "rpId": "app.example"}, "newCredentials.rpId"),
    ],
)
async def test_a_pages_passphrase_of_another_shape_is_refused(
    world: World, given: Mapping[str, object], field: str
) -> None:
    worker = await world.worker()
    await set_up_with(worker, "passkey-prf")
    refusal = await refused(worker, "addEnrollment", method="passphrase", newCredentials=given)
    assert (refusal.code, refusal.details["field"]) == ("request.invalid", field)


async def test_a_pages_passkey_is_not_asked_for_in_the_dialog(world: World) -> None:
    worker = await world.ready()
    await worker.call(
        "addEnrollment", method="passkey-prf", newCredentials=PAGE_PASSKEY, credentials=CREDENTIALS
    )
    worker.user = User(uses=PASSPHRASE)
    await worker.call("generateVAPID")
    assert worker.asked[0]["methods"] == ["passphrase"]
    assert worker.asked[0]["ceremony"] is None


async def test_the_log_says_who_saw_the_credentials(world: World) -> None:
    worker = await world.ready()
    await worker.call("generateVAPID", credentials=CREDENTIALS)
    worker.user = User(uses=PASSPHRASE)
    await worker.call("generateVAPID")
    page, enclave = (await worker.log())[-2:]
    assert (page["details"]["via"], enclave["details"]["via"]) == ("page", "enclave")


async def test_a_second_prompt_waits_until_the_first_is_closed(world: World) -> None:
    worker = await world.ready()
    calls = [asyncio.ensure_future(worker.call("generateVAPID")) for _ in range(2)]
    for _ in range(50):
        await asyncio.sleep(0)
    (first,) = worker.asked
    worker.user = User(uses=PASSPHRASE)
    answer = {"id": first["id"], "answer": {"passphrase": PASSPHRASE}}
    worker.receive(json.dumps(answer))
    await asyncio.gather(*calls)
    assert [ask["ask"] for ask in worker.asked] == ["authenticate", "close"] * 2


def test_what_takes_credentials_is_what_the_policy_wants_authenticated() -> None:
    wanted = {
        name
        for name, row in METHODS.items()
        if row.authorisation
        in (Authorisation.FRESH, Authorisation.CONFIRM, Authorisation.FRESH_OR_LEASE)
    }
    assert wanted == WORDS.keys()


@pytest.mark.parametrize("method", METHODS)
async def test_every_method_is_answered_by_name_before_a_setup(world: World, method: str) -> None:
    worker = await world.worker(config=NO_PAGE)
    worker.user = User(patience=-1)
    given: Mapping[str, Mapping[str, object]] = {
        **calls(world.clock.now_ms(), "kid", "lease-x"),
        **NAMING,
        "setupPasskeyPRF": {"name": "Ann", "userId": "u"},
        "setupPasskeyGate": {"name": "Ann", "userId": "u"},
        "issueVAPIDJWT": {"leaseId": "lease-x", "endpoint": ENDPOINT},
        "issueVAPIDJWTs": {"leaseId": "lease-x", "endpoint": ENDPOINT, "count": 1},
        "recordSends": {"leaseId": "lease-x", "eid": "one", "count": 1},
        "getQuota": {"leaseId": "lease-x"},
    }
    reply = await worker.request({"method": method, "params": given.get(method, {}), "origin": APP})
    if METHODS[method].authorisation is Authorisation.NONE:
        code = reply.get("error", {"code": "setup.required"})["code"]
        assert code in ("setup.required", "lease.not.found")
    else:
        assert reply["error"]["code"] in (
            "setup.required",
            "unlock.cancelled",
            "enrollment.not.found",
            "lease.not.found",
        )


@pytest.mark.parametrize(
    "method",
    [
        name
        for name, row in METHODS.items()
        if row.authorisation is Authorisation.NONE and row.severity is Severity.NONE
    ],
)
async def test_what_needs_no_authorisation_asks_nobody_and_writes_nothing(
    world: World, method: str
) -> None:
    worker = await world.ready()
    before = world.storage.commits
    await worker.call(method, **NAMING.get(method, {}))
    assert not worker.asked
    assert world.storage.commits == before
