"""`make dev`: plain Pyodide and the sources, so that an edit needs only a reload."""

from __future__ import annotations

import contextlib
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from oracles.audit_log import verify_log
from playwright.sync_api import BrowserContext
from py_vapid import Vapid02

from e2e.conftest import PAGES, open_page_in
from e2e.driving.enclave import PASSPHRASE, EnclavePage, issue_params, lease_params
from e2e.driving.served_process import Ports, free_ports, served_by
from tools.server.deployment import REPOSITORY

_FOLDERS = ("py", "tools", "web", "worker")
_FILES = ("Makefile", "package.json", "vite.config.js")
_INSTALLED = (".venv", ".wheels", "node_modules")
SENTENCE = "KMS is not set up"


@attrs.frozen
class Checkout:
    """A copy of the sources, to be edited, that `make dev` serves."""

    root: Path
    ports: Ports

    @property
    def origins(self) -> dict[str, str]:
        return {"app_origin": self.ports.app_origin, "kms_origin": self.ports.kms_origin}

    @property
    def errors(self) -> Path:
        return self.root / "py" / "kms_enclave" / "errors.py"

    def open(self, context: BrowserContext) -> EnclavePage:
        page = open_page_in(context, **self.origins)
        assert page.open_sdk().code is None
        return page


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, pieces: Path) -> Iterator[Checkout]:
    root = tmp_path_factory.mktemp("checkout")
    for name in _FOLDERS:
        shutil.copytree(REPOSITORY / name, root / name)
    for name in _FILES:
        shutil.copy(REPOSITORY / name, root)
    for name in _INSTALLED:
        (root / name).symlink_to(REPOSITORY / name)
    # Made once already: what `make dev` finds unchanged it does not make again.
    shutil.copytree(pieces, root / "build" / "pieces")
    ports = free_ports()
    given = (f"KMS_PORT={ports.kms}", f"APP_PORT={ports.app}", f"APP_ROOT={PAGES}")
    # What `setup` installs is there. Make ends by the signal itself, once its target has ended;
    # where it was started with that signal ignored, as behind an `&`, as its target does.
    command = ["make", "--silent", "--old-file=setup", "dev", *given]
    with served_by(command, cwd=root, exit_codes=(-signal.SIGINT, 0)):
        yield Checkout(root, ports)


@contextlib.contextmanager
def edited(file: Path, old: str, new: str) -> Iterator[None]:
    """Replace a text in a source as long as the block runs."""
    original = file.read_text("utf-8")
    assert original.count(old) == 1
    file.write_text(original.replace(old, new), "utf-8")
    try:
        yield
    finally:
        file.write_text(original, "utf-8")


def refusal_before_setup(page: EnclavePage) -> str:
    error = page.call("createLease", lease_params()).error
    assert error is not None
    return error["message"]


def test_sources_give_a_token(checkout: Checkout, context: BrowserContext):
    page = checkout.open(context)
    assert page.call("setupPassphrase", PASSPHRASE).code is None
    lease_id = page.call("createLease", lease_params()).value["leaseId"]
    token = page.call("issueVAPIDJWT", issue_params(lease_id)).value
    assert Vapid02.verify(f"vapid t={token['jwt']},k={token['vapidPublicKey']}")
    verify_log(page.log())


def test_an_edit_is_seen_after_a_reload(checkout: Checkout, context: BrowserContext):
    page = checkout.open(context)
    assert refusal_before_setup(page) == SENTENCE
    with edited(checkout.errors, SENTENCE, "Edited a moment ago"):
        page.reload()
        assert page.open_sdk().code is None
        assert refusal_before_setup(page) == "Edited a moment ago"


def test_an_edit_that_does_not_compile_is_a_named_refusal(
    checkout: Checkout, context: BrowserContext
):
    page = open_page_in(context, **checkout.origins)
    with edited(checkout.errors, SENTENCE, 'unbalanced"'):
        refused = page.open_sdk()
    assert (refused.code, refused.error["details"]["stage"]) == ("internal", "entry")
    assert "SyntaxError" in refused.error["message"]
