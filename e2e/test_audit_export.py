"""The log as a file out of a browser, judged by the command line; proofs over the SDK."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from e2e.conftest import Leased
from e2e.driving.enclave import PASSPHRASE, EnclavePage, issue_params

KMS_ENCLAVE = Path(sys.executable).with_name("kms-enclave")
EXPORT = """async () => {
  const { file, checkpoint } = await kms.exportAudit();
  return { text: await file.text(), type: file.type, checkpoint };
}"""


@attrs.frozen
class Exported:
    """A file as a page would have saved it, and the key that the page had pinned."""

    file: Path
    checkpoint: str
    key: str


def export(page: EnclavePage, folder: Path) -> Exported:
    exported = page.page.evaluate(EXPORT)
    assert exported["type"] == "application/jsonl"
    file = folder / f"{len(exported['text'])}.jsonl"
    file.write_text(exported["text"], "utf-8")
    key = page.call("getAuditPublicKey").value["publicKey"]
    return Exported(file, exported["checkpoint"], key)


def verify(exported: Exported, *more: str) -> int:
    command = [KMS_ENCLAVE, "audit", "verify", exported.file, "--public-key", exported.key, *more]
    return subprocess.run(command, check=False, capture_output=True, timeout=60).returncode


@pytest.fixture
def issued(leased: Leased) -> Leased:
    calls = [[issue_params(leased.lease_id)]] * 3
    assert {each.code for each in leased.page.call_together("issueVAPIDJWT", calls)} == {None}
    return leased


def test_a_browsers_export_verifies_offline_with_the_pinned_key(issued: Leased, tmp_path: Path):
    assert verify(export(issued.page, tmp_path)) == 0


def test_an_export_without_its_last_line_does_not(issued: Leased, tmp_path: Path):
    exported = export(issued.page, tmp_path)
    lines = exported.file.read_text("utf-8").splitlines(keepends=True)
    exported.file.write_text("".join(lines[:-1]), "utf-8")
    assert verify(exported) == 1


def test_a_later_export_is_shown_to_have_grown_from_an_earlier_checkpoint(
    issued: Leased, tmp_path: Path
):
    checkpoint = tmp_path / "earlier.checkpoint"
    checkpoint.write_text(issued.page.call("getAuditCheckpoint").value["checkpoint"], "utf-8")
    assert issued.page.call("issueVAPIDJWT", issue_params(issued.lease_id)).code is None
    assert verify(export(issued.page, tmp_path), "--checkpoint", str(checkpoint)) == 0


def test_a_log_is_verified_on_from_where_it_was(issued: Leased):
    whole = issued.page.call("verifyAuditChain").value
    assert issued.page.call("issueVAPIDJWT", issue_params(issued.lease_id)).code is None
    grown = issued.page.call("verifyAuditChain", {"incremental": True}).value
    assert (whole["valid"], grown["valid"]) == (True, True)
    assert grown["entries"] == whole["entries"] + 1


def test_a_pruned_log_verifies_and_begins_where_it_was_cut(issued: Leased, tmp_path: Path):
    before = export(issued.page, tmp_path)
    asked = {
        "keep": 3,
        "checkpoint": before.checkpoint,
        "credentials": {"method": "passphrase", "passphrase": PASSPHRASE},
    }
    pruned = issued.page.call("pruneAudit", asked).value
    assert pruned["dropped"] > 0
    after = export(issued.page, tmp_path)
    assert verify(after) == 0
    assert issued.page.call("verifyAuditChain").value["valid"]


def test_proofs_are_of_the_size_that_they_say(issued: Leased):
    size = issued.page.call("getAuditCheckpoint").value["size"]
    inclusion = issued.page.call("getInclusionProof", {"seqNum": 2}).value
    consistency = issued.page.call("getConsistencyProof", {"from": 3}).value
    assert (inclusion["size"], consistency["to"]) == (size, size)
