"""A pytest plugin: browser tests against servers that run already, say those of `make dev`.

`--enclave http://localhost:8501 --app http://localhost:8500` is for the inner loop: one test,
an enclave of the sources as they are now. The tests of other configurations start their own.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tools.server.deployment import PIECES
from tools.server.serving import LocalServer


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("kms", "browser tests against servers that run already")
    group.addoption("--enclave", help="origin of the enclave, say that of make dev")
    group.addoption("--app", help="origin of its page, a server of e2e/pages")


@pytest.fixture(scope="session")
def running_server(pytestconfig: pytest.Config) -> LocalServer | None:
    """The servers that the command line names, or None where it names none."""
    enclave, app = pytestconfig.getoption("enclave"), pytestconfig.getoption("app")
    if enclave is None and app is None:
        return None
    ports = [urlsplit(origin).port if origin else None for origin in (enclave, app)]
    if None in ports:
        raise pytest.UsageError("give both --enclave and --app, each with its port")
    return LocalServer(*ports, site=PIECES)
