"""A configured origin that reaches for a lease of another one: refused, and told nothing of it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from enclave import CREDENTIALS, ENDPOINT, OTHER_APP, Refusal, Worker, World


@attrs.frozen
class Foreign:
    """A lease that has issued one token, and another origin that knows its ID."""

    world: World
    worker: Worker
    lease_id: str
    jti: str

    async def call(self, method: str, **params: object) -> Any:
        """Call a method as the other origin."""
        return await self.worker.call(method, origin=OTHER_APP, **params)

    async def refuse(self, method: str, **params: object) -> Refusal:
        with pytest.raises(Refusal) as caught:
            await self.call(method, leaseId=self.lease_id, **params)
        return caught.value

    async def state(self) -> list[Any]:
        """Return what the owner sees of its lease, and the records behind it."""
        quota = await self.worker.call("getQuota", leaseId=self.lease_id)
        kept = [each for each in await self.world.records() if each[0] not in ("audit", "meta")]
        return [await self.worker.call("getLeases"), quota, kept]


@pytest.fixture
async def foreign(world: World) -> Foreign:
    worker = await world.ready()
    lease_id = await worker.create_lease()
    token = await worker.issue(lease_id)
    return Foreign(world, worker, lease_id, token["jti"])


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("issueVAPIDJWT", {"endpoint": ENDPOINT}),
        ("issueVAPIDJWTs", {"endpoint": ENDPOINT, "count": 2}),
        ("recordSends", {"eid": ENDPOINT["eid"], "count": 1}),
        ("getQuota", {}),
        ("extendLease", {"addHours": 1, "credentials": CREDENTIALS}),
        ("refreshLease", {"credentials": CREDENTIALS}),
        ("resumeLease", {"credentials": CREDENTIALS}),
        ("revokeLease", {}),
        (
            "setPushSubscription",
            {"subscription": {"endpoint": "https://fcm.googleapis.com/fcm/send/x"}},
        ),
    ],
)
async def test_another_origins_lease_is_refused_and_unchanged(
    foreign: Foreign, method: str, params: dict[str, object]
) -> None:
    before = await foreign.state()
    assert (await foreign.refuse(method, **params)).code == "origin.denied"
    assert await foreign.state() == before


async def test_another_origins_lease_is_not_listed(foreign: Foreign) -> None:
    assert (await foreign.call("getLeases"))["leases"] == []


async def test_another_origins_lease_is_not_valid_and_says_nothing_of_itself(
    foreign: Foreign,
) -> None:
    verdict = await foreign.call("verifyLease", leaseId=foreign.lease_id)
    assert verdict["valid"] is False
    assert (verdict["reason"], verdict.get("kid"), verdict.get("exp")) == (
        "origin.denied",
        None,
        None,
    )


async def test_emergency_list_is_of_ones_own_tokens(foreign: Foreign) -> None:
    await foreign.worker.call("revokeLease", leaseId=foreign.lease_id)
    assert (await foreign.worker.call("isTokenRevoked", jti=foreign.jti))["revoked"]
    assert not (await foreign.call("isTokenRevoked", jti=foreign.jti))["revoked"]
    assert (await foreign.call("revokedTokens"))["tokens"] == []


async def test_same_users_sends_are_counted_apart(foreign: Foreign) -> None:
    own = await foreign.worker.create_lease(origin=OTHER_APP)
    quota = await foreign.call("getQuota", leaseId=own)
    assert quota["perUserPerDay"]["used"] == 0
