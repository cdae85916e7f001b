"""Which tests `make check` runs for a change."""

from __future__ import annotations

import pytest

from tools import changed_tests

SOURCES = ["tests/unit/test_architecture.py", "tests/unit/test_structure.py"]


@pytest.mark.parametrize(
    ("changed", "tests"),
    [
        ("py/kms_enclave/leases/quota.py", ["tests/unit/leases"]),
        ("py/kms_enclave/log/verify/export.py", ["tests/unit/log"]),
        ("py/kms_enclave/rpc/dispatch.py", ["tests/unit/rpc"]),
        ("py/kms_enclave/config.py", ["tests/unit/test_config.py"]),
        ("tests/vectors/test_crypto_vectors.py", ["tests/vectors/test_crypto_vectors.py"]),
        ("tests/contract/browser/test_chromium.py", []),
        ("tools/server/serving.py", ["tests/unit/test_local_server.py"]),
        (".ci/ensure-browsers", ["tests/build"]),
        ("docs/cli.md", []),
    ],
)
def test_a_change_has_its_tests(changed: str, tests: list[str]) -> None:
    assert changed_tests.concerned([changed]) == sorted([*SOURCES, *tests])


def test_a_helper_concerns_the_tests_that_import_it() -> None:
    tests = changed_tests.concerned(["tests/commands.py"])
    assert "tests/unit/cli/test_verify.py" in tests
    assert "tests/unit/leases/test_quota.py" not in tests
