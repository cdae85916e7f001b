"""A long log's signatures are verified on a second thread, or without one where there is none."""

from __future__ import annotations

import pytest

from e2e.driving.enclave import ROOMY, EnclavePage, issue_params
from e2e.driving.shared import SharedEnclave

_SIGNATURE_OF_ANOTHER = """async () => {
  const opening = indexedDB.open("kms");
  await new Promise((resolve) => { opening.onsuccess = resolve; });
  const transaction = opening.result.transaction("audit", "readwrite");
  const audit = transaction.objectStore("audit");
  const signature = /"sig":"([^"]{86})","signer":/;
  const one = audit.get(150), other = audit.get(151);
  other.onsuccess = () => {
    const [, sig] = signature.exec(other.result.value);
    const value = one.result.value.replace(signature, `"sig":"${sig}","signer":`);
    audit.put({ ...one.result, value }, 150);
  };
  await new Promise((resolve) => { transaction.oncomplete = resolve; });
  opening.result.close();
}"""

_KEEPS_WHO_LISTENS_FOR_ERRORS = """(() => {
  const { addEventListener } = EventTarget.prototype;
  EventTarget.prototype.addEventListener = function (type, ...rest) {
    if (type === "error") globalThis.second = this;
    return addEventListener.call(this, type, ...rest);
  };
  return 0;
})()"""


LENGTH = 223


@pytest.fixture(scope="module")
def long_log(shared_enclave: SharedEnclave) -> SharedEnclave:
    """An enclave with a log of more than two pages."""
    leased = shared_enclave.lease(quotas={**ROOMY, "tokensPerHour": 1000})
    leased.page.call_together("issueVAPIDJWT", [[issue_params(leased.lease_id)]] * (LENGTH - 3))
    shared_enclave.remember()
    return shared_enclave


@pytest.fixture
def page(long_log: SharedEnclave, restored: SharedEnclave) -> EnclavePage:
    """The page of an enclave, in the state that `long_log` has remembered."""
    assert len(restored.page.page.workers) == 1
    return restored.page


def test_a_long_log_is_verified_on_a_second_thread_that_is_kept(page: EnclavePage):
    for _ in range(3):
        verdict = page.call("verifyAuditChain").value
        assert (verdict["valid"], verdict["entries"]) == (True, LENGTH)
    page.wait_until(lambda: len(page.page.workers) == 2)


def test_the_second_thread_names_the_entry_whose_signature_is_anothers(page: EnclavePage):
    page.beside(_SIGNATURE_OF_ANOTHER)
    (fault,) = page.call("verifyAuditChain").value["errors"]
    assert fault == {"seqNum": 150, "reason": "a signature is not valid"}
    page.wait_until(lambda: len(page.page.workers) == 2)


def test_where_no_second_thread_starts_the_log_is_verified_without(page: EnclavePage):
    worker = page.worker
    page.frame.evaluate("(script) => URL.revokeObjectURL(script)", worker.url)
    verdict = page.call("verifyAuditChain").value
    assert (verdict["valid"], verdict["entries"]) == (True, LENGTH)
    page.wait_until(lambda: page.page.workers == [worker])
    page.beside(_SIGNATURE_OF_ANOTHER)
    (fault,) = page.call("verifyAuditChain").value["errors"]
    assert fault == {"seqNum": 150, "reason": "a signature is not valid"}


def test_an_error_of_the_second_thread_is_none_of_the_worker(page: EnclavePage):
    # The browser hands an error on to whoever started the worker that started it, and the frame
    # replaces a worker that reports one.
    page.run_in_worker(_KEEPS_WHO_LISTENS_FOR_ERRORS)
    assert page.call("verifyAuditChain").value["valid"]
    is_handed_on = "second.dispatchEvent(new ErrorEvent('error', { cancelable: true }))"
    assert page.run_in_worker(is_handed_on) is False
    assert page.call("verifyAuditChain").value["valid"]
