"""Wire errors: a closed set of codes."""

from __future__ import annotations

import re

import pytest
from kms_enclave.errors import ERROR_CODES, KMSError, request_invalid


def test_a_code_that_is_not_in_the_table_cannot_be_raised() -> None:
    with pytest.raises(ValueError, match="unknown error code"):
        KMSError("quota.exceded.lease")


@pytest.mark.parametrize("code", ERROR_CODES)
def test_codes_are_dotted_and_lower_case_and_have_a_message(code: str) -> None:
    assert re.fullmatch(r"[a-z]+(\.[a-z]+)*", code)
    assert ERROR_CODES[code].strip()


def test_an_error_without_words_takes_those_of_its_code() -> None:
    assert KMSError("lease.expired", "").message == ERROR_CODES["lease.expired"]


def test_details_are_the_errors_own() -> None:
    details = {"leaseId": "x"}
    error = KMSError("lease.expired", details=details)
    details["leaseId"] = "y"
    assert error.to_wire()["details"] == {"leaseId": "x"}


def test_an_invalid_request_names_the_field_and_says_why() -> None:
    assert request_invalid("subs[0].eid", "stands twice").to_wire() == {
        "code": "request.invalid",
        "message": "subs[0].eid: stands twice",
        "retryAfterMs": None,
        "details": {"field": "subs[0].eid", "reason": "stands twice"},
    }
