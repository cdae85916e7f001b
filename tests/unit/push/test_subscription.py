"""Push subscriptions: of known services, one for each origin, by the user or under a lease."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from enclave import APP, CREDENTIALS, OTHER_APP, PASSPHRASE, Refusal, Worker, World
from kms_enclave.config import Config
from kms_enclave.push.subscription import PushSubscription, verify_subscription
from kms_enclave.structure import FieldError
from user import User

PUSH: Mapping[str, object] = {
    "endpoint": "https://fcm.googleapis.com/send/secret-part",
    "expirationTime": 1_900_000_000_000,
    "keys": {"p256dh": "BAAA", "auth": "AAAA"},
}
DEVELOPMENT = {"development": True}


async def refused(worker: Worker, method: str, /, **params: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await worker.call(method, **params)
    return caught.value


async def stored(worker: Worker, origin: str = APP) -> Any:
    return (await worker.call("getPushSubscription", origin=origin))["subscription"]


def _taken(endpoint: str, **config: Any) -> bool:
    settings = Config(parent_origins=(APP,), contact="mailto:a@b.example", **config)
    try:
        verify_subscription(PushSubscription(endpoint), config=settings)
    except FieldError as error:
        assert error.field == "subscription.endpoint"  # noqa: PT017 - either outcome is tested
        return False
    return True


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc",
        "https://updates.push.services.mozilla.com/wpush/v2/abc",
        "https://web.push.apple.com/abc",
        "https://db5p.notify.windows.com/w/?token=abc",
        "https://a.b.notify.windows.com/",
        "https://fcm.googleapis.com:443/abc",
    ],
)
def test_endpoints_of_known_push_services_are_taken(endpoint: str) -> None:
    assert _taken(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/abc",
        "https://fcm.googleapis.com.evil.example/abc",
        "https://evil.example/https://fcm.googleapis.com/",
        "https://fcm.googleapis.com@evil.example/",
        "https://evil.example#fcm.googleapis.com",
        "https://fcm.googleapis.com:8443/abc",
        "https://notify.windows.com/abc",
        "https://evilnotify.windows.com/abc",
        "https://a.notify.windows.com:8443/abc",
        "https://a.notify.windows.com.evil.example/",
        "https://localhost/abc",
        "http://localhost:8080/abc",
        "fcm.googleapis.com",
        "javascript:alert(1)",
        "https://fcm.googleapis.com/a b",
        "https://fcm.googleapis.com\n/abc",
        "https://fcm.googleapis.com/abc\n",
    ],
)
def test_other_endpoints_are_refused(endpoint: str) -> None:
    assert not _taken(endpoint)


@pytest.mark.parametrize(
    "endpoint", ["http://localhost:8080/a", "http://push.localhost/a", "http://127.0.0.1:1/a"]
)
def test_development_takes_http_on_loopback(endpoint: str) -> None:
    assert _taken(endpoint, development=True)


@pytest.mark.parametrize("endpoint", ["http://push.example/a", "https://push.example/a"])
def test_development_takes_no_other_service(endpoint: str) -> None:
    assert not _taken(endpoint, development=True)


def test_the_operators_own_service_is_taken_and_replaces_the_known_ones() -> None:
    assert _taken("https://push.example/a", push_services=("https://push.example",))
    assert not _taken(str(PUSH["endpoint"]), push_services=("https://push.example",))


async def test_a_subscription_is_stored_as_it_was_given(world: World) -> None:
    worker = await world.ready()
    assert await stored(worker) is None
    await worker.call("setPushSubscription", subscription=PUSH, credentials=CREDENTIALS)
    assert await stored(worker) == PUSH


async def test_the_log_names_the_endpoints_origin_only(world: World) -> None:
    worker = await world.ready()
    await worker.call("setPushSubscription", subscription=PUSH, credentials=CREDENTIALS)
    entry = (await worker.log())[-1]
    assert entry["op"] == "subscription.set"
    assert entry["details"]["aud"] == "https://fcm.googleapis.com"
    assert "secret-part" not in str(entry)


async def test_the_user_is_told_the_service(world: World) -> None:
    worker = await world.ready()
    worker.user = User(uses=PASSPHRASE)
    await worker.call("setPushSubscription", subscription=PUSH)
    operation = worker.asked[0]["operation"]
    assert operation == "Store a push subscription of https://fcm.googleapis.com"


async def test_each_origin_has_its_own(world: World) -> None:
    worker = await world.ready()
    await worker.call("setPushSubscription", subscription=PUSH, credentials=CREDENTIALS)
    assert await stored(worker, OTHER_APP) is None
    await worker.call("removePushSubscription", origin=OTHER_APP, credentials=CREDENTIALS)
    assert await stored(worker) == PUSH


async def test_another_one_replaces_it_and_it_can_be_removed(world: World) -> None:
    worker = await world.ready()
    other = {"endpoint": "https://web.push.apple.com/abc"}
    for subscription in (PUSH, other):
        await worker.call("setPushSubscription", subscription=subscription, credentials=CREDENTIALS)
    assert await stored(worker) == other
    await worker.call("removePushSubscription", credentials=CREDENTIALS)
    assert await stored(worker) is None


async def test_a_refused_endpoint_asks_nobody(world: World) -> None:
    worker = await world.ready()
    refusal = await refused(
        worker, "setPushSubscription", subscription={"endpoint": "https://evil.example/a"}
    )
    assert (refusal.code, refusal.details["field"]) == ("request.invalid", "subscription.endpoint")
    assert not worker.asked


async def test_a_lease_stands_for_the_user(world: World) -> None:
    worker = await world.ready()
    lease = await worker.create_lease()
    await worker.call("setPushSubscription", subscription=PUSH, leaseId=lease)
    assert await stored(worker) == PUSH
    entry = (await worker.log())[-1]
    assert (entry["op"], entry["signer"], entry["leaseId"]) == ("subscription.set", "KIAK", lease)
    await worker.call("removePushSubscription", leaseId=lease)
    assert await stored(worker) is None
    assert not worker.asked
    assert (await worker.call("verifyAuditChain"))["valid"]


@pytest.mark.parametrize("method", ["setPushSubscription", "removePushSubscription"])
@pytest.mark.parametrize("case", ["made up", "foreign", "expired", "revoked"])
async def test_a_lease_that_does_not_hold_does_not_stand_for_the_user(
    world: World, case: str, method: str
) -> None:
    worker = await world.ready()
    await worker.call("setPushSubscription", subscription=PUSH, credentials=CREDENTIALS)
    lease = await worker.create_lease(origin=OTHER_APP if case == "foreign" else APP)
    if case == "made up":
        lease = "lease-" + lease[6:][::-1]
    elif case == "expired":
        world.clock.advance(12 * 3_600_000)
    elif case == "revoked":
        await worker.call("regenerateVAPID", credentials=CREDENTIALS)
    before = await stored(worker)
    subscription = {"subscription": {"endpoint": "https://web.push.apple.com/abc"}}
    given = subscription if method == "setPushSubscription" else {}
    refusal = await refused(worker, method, leaseId=lease, **given)
    assert (
        refusal.code
        == {
            "made up": "lease.not.found",
            "foreign": "origin.denied",
            "expired": "lease.expired",
            "revoked": "lease.revoked",
        }[case]
    )
    assert await stored(worker) == before
    assert not worker.asked


@pytest.mark.parametrize("method", ["setPushSubscription", "removePushSubscription"])
async def test_a_lease_and_credentials_together_are_refused(world: World, method: str) -> None:
    worker = await world.ready()
    lease = await worker.create_lease()
    await worker.call("setPushSubscription", subscription=PUSH, leaseId=lease)
    given = {"subscription": {"endpoint": "https://web.push.apple.com/abc"}}
    params = {**(given if method == "setPushSubscription" else {}), "leaseId": lease}
    refusal = await refused(worker, method, **params, credentials=CREDENTIALS)
    assert (refusal.code, refusal.details["field"]) == ("request.invalid", "credentials")
    step = {"method": method, "params": params}
    refusal = await refused(worker, "batch", requests=[step], credentials=CREDENTIALS)
    assert refusal.details["field"] == "requests[0].params.leaseId"
    assert await stored(worker) == PUSH


async def test_a_damaged_subscription_is_none(world: World) -> None:
    worker = await world.ready()
    await worker.call("setPushSubscription", subscription=PUSH, credentials=CREDENTIALS)
    kid = (await worker.call("getVAPIDKid"))["kid"]
    await world.tamper("meta", f"subscription:{kid}:{APP}", endpoint=7)
    assert await stored(worker) is None
