"""The log as a file out of a browser, judged by the command line; proofs over the SDK."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from e2e.conftest import Leased
from e2e.driving.enclave import CREDENTIALS, EnclavePage, issue_params
from tools.patience import patient

KMS_ENCLAVE = Path(sys.executable).with_name("kms-enclave")
EXPORT = """async () => {
  const { file } = await kms.exportAudit();
  return { text: await file.text(), type: file.type };
}"""


@attrs.frozen
class Exported:
    """A file as a page would have saved it, and the key that the page had pinned."""

    file: Path
    key: str


def export(page: EnclavePage, folder: Path) -> Exported:
    exported = page.page.evaluate(EXPORT)
    assert exported["type"] == "application/jsonl"
    file = folder / f"{len(exported['text'])}.jsonl"
    file.write_text(exported["text"], "utf-8")
    key = page.call("getAuditPublicKey").value["publicKey"]
    return Exported(file, key)


def verify(exported: Exported, *more: str) -> int:
    command = [KMS_ENCLAVE, "audit", "verify", exported.file, "--public-key", exported.key, *more]
    ran = subprocess.run(command, check=False, capture_output=True, timeout=patient(60))
    return ran.returncode


@pytest.fixture
def issued(own_lease: Leased) -> Leased:
    calls = [[issue_params(own_lease.lease_id)]] * 3
    assert {each.code for each in own_lease.page.call_together("issueVAPIDJWT", calls)} == {None}
    return own_lease


def test_a_browsers_export_verifies_offline_with_the_pinned_key_and_from_an_earlier_checkpoint(
    issued: Leased, tmp_path: Path
):
    checkpoint = tmp_path / "earlier.checkpoint"
    checkpoint.write_text(issued.page.call("getAuditCheckpoint").value["checkpoint"], "utf-8")
    assert issued.issue().code is None
    assert verify(export(issued.page, tmp_path), "--checkpoint", str(checkpoint)) == 0


def test_a_log_is_verified_on_from_where_it_was(issued: Leased):
    whole = issued.page.call("verifyAuditChain").value
    assert issued.issue().code is None
    grown = issued.page.call("verifyAuditChain", {"incremental": True}).value
    assert (whole["valid"], grown["valid"]) == (True, True)
    assert grown["entries"] == whole["entries"] + 1


def test_a_pruned_log_verifies_and_begins_where_it_was_cut(issued: Leased, tmp_path: Path):
    asked = {
        "keep": 3,
        "checkpoint": issued.page.call("getAuditCheckpoint").value["checkpoint"],
        "credentials": CREDENTIALS,
    }
    pruned = issued.page.call("pruneAudit", asked).value
    assert pruned["dropped"] > 0
    assert verify(export(issued.page, tmp_path)) == 0
    assert issued.page.call("verifyAuditChain").value["valid"]


def test_proofs_are_of_the_size_that_they_say(issued: Leased):
    size = issued.page.call("getAuditCheckpoint").value["size"]
    inclusion = issued.page.call("getInclusionProof", {"seqNum": size - 1}).value
    consistency = issued.page.call("getConsistencyProof", {"from": size - 2}).value
    assert (inclusion["size"], consistency["to"]) == (size, size)
