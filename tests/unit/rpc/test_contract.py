"""The contract: the generated TypeScript is current, and every real result has its shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
from enclave import CREDENTIALS, ENDPOINT, OTHER_APP, PASSPHRASE, Refusal, Worker, World
from kms_enclave.rpc.methods import METHODS
from kms_enclave.rpc.typescript import format_typescript
from kms_enclave.structure import structure

_ROOT = Path(__file__).parents[3]


def test_the_generated_typescript_is_what_the_contract_says() -> None:
    generated = _ROOT / "web" / "protocol" / "contract.gen.ts"
    assert generated.read_text("utf-8") == format_typescript()


@pytest.mark.parametrize("name", METHODS)
def test_parameters_and_results_are_frozen(name: str) -> None:
    for cls in (METHODS[name].params, METHODS[name].result):
        assert attrs.has(cls)
        assert cls.__setattr__ is not object.__setattr__, f"{cls.__name__} is not frozen"


class _Recorder:
    """Calls methods and holds every result against its class, strictly."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self.called: set[str] = set()

    async def call(self, method: str, **params: Any) -> Any:
        result = await self._worker.call(method, **params)
        structure(result, METHODS[method].result)
        self.called.add(method)
        return result


_CALLED_HERE = {
    "setupPassphrase", "isSetup", "getStatus", "getPublicKey", "createLease", "issueVAPIDJWT",
    "getAuditLog", "verifyAuditChain", "exportAudit", "resetKMS",
}  # fmt: skip


async def test_every_result_structures_as_its_class(world: World) -> None:
    worker = await world.worker()
    recorder = _Recorder(worker)
    for method in ("isSetup", "getStatus", "getAuditLog"):
        await recorder.call(method)
    await recorder.call("setupPassphrase", passphrase=PASSPHRASE)
    lease = await recorder.call(
        "createLease", userId="u", subs=[ENDPOINT], ttlHours=0.5, credentials=CREDENTIALS
    )
    token = {"leaseId": lease["leaseId"], "endpoint": ENDPOINT}
    await recorder.call("issueVAPIDJWT", **token)
    await recorder.call("issueVAPIDJWT", **token, kid=lease["kid"], relayId="relay-1")
    with pytest.raises(Refusal):
        await worker.call("issueVAPIDJWT", origin=OTHER_APP, **token)
    with pytest.raises(Refusal):
        await worker.create_lease(credentials={**CREDENTIALS, "passphrase": "wrong wrong"})
    await world.worker(build={"codeHash": "code-2"})
    log = await recorder.call("getAuditLog")
    assert {entry["op"] for entry in log["entries"]} == {
        "instance.start", "setup", "lease.create", "sign", "issue.refused", "unlock.denied",
        "build.change",
    }  # fmt: skip
    for method in ("isSetup", "getStatus", "getPublicKey", "verifyAuditChain", "exportAudit"):
        await recorder.call(method)
    await world.tamper("audit", 2, kid="edited")
    assert (await recorder.call("verifyAuditChain"))["errors"]
    await recorder.call("resetKMS", credentials=CREDENTIALS)
    assert recorder.called == _CALLED_HERE
