"""One enclave for all tests of a module: set up once, and put back where a test alters it.

A test that only adds to what is stored takes a lease of its own in the running enclave. A test
that alters storage, ends the worker, reads the whole log or refuses prompts takes the restored
enclave: its databases are as they were after the setup, in a new tab.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

import attrs
from playwright.sync_api import Browser, BrowserContext

from e2e.driving.copies import (
    ENCLAVE_DATABASE,
    PIN_DATABASE,
    copy_database,
    put_back_database,
)
from e2e.driving.enclave import EnclavePage, Outcome, issue_params, lease_params
from tools.server.serving import LocalServer

_LABEL = "after the setup"


def open_page_in(
    context: BrowserContext, *, app_origin: str, kms_origin: str, path: str = "/"
) -> EnclavePage:
    """Open a page of `e2e/pages`, without an enclave so far."""
    page = context.new_page()
    page.goto(f"{app_origin}{path}")
    page.wait_for_function("window.isLoaded")
    return EnclavePage(page, kms_origin)


@contextlib.contextmanager
def start_fresh(chromium: Browser, *, app_origin: str, kms_origin: str) -> Iterator[EnclavePage]:
    """Start an enclave in a context of its own, as on a first visit."""
    with contextlib.closing(chromium.new_context()) as context:
        page = open_page_in(context, app_origin=app_origin, kms_origin=kms_origin)
        assert page.open_sdk().code is None
        yield page


@attrs.frozen
class Leased:
    """A page whose enclave is set up, and a lease."""

    page: EnclavePage
    lease_id: str

    def issue(self, **fields: object) -> Outcome:
        return self.page.call("issueVAPIDJWT", issue_params(self.lease_id, **fields))


@attrs.define
class SharedEnclave:
    """An enclave that is set up, in a browser context of its own.

    `is_altered`: a test may have left anything behind, so it is restored before its next use.
    """

    context: BrowserContext
    server: LocalServer
    options: Mapping[str, object] = attrs.Factory(dict)
    """Of the SDK, for each new tab."""
    is_altered: bool = False
    _running: EnclavePage | None = None

    @property
    def page(self) -> EnclavePage:
        """The tab whose enclave runs; a new one where a test closed or reloaded it."""
        self._restore_altered()
        if self._running is None or not _is_running(self._running):
            self._running = self.new_tab()
            assert self._running.open_sdk(**self.options).code is None
        return self._running

    def new_tab(self) -> EnclavePage:
        """Open a page without an enclave, with the storage of this one."""
        self._restore_altered()
        return open_page_in(
            self.context, app_origin=self.server.app_origin, kms_origin=self.server.kms_origin
        )

    def lease(self, **fields: object) -> Leased:
        """Make a lease in the running enclave, with credentials that the page passes."""
        page = self.page
        return Leased(page, page.call("createLease", lease_params(**fields)).value["leaseId"])

    def remember(self) -> None:
        """Keep what is stored now for :meth:`restore`."""
        self._close_tabs()
        for origin, database in self._databases():
            copy_database(self.context, origin, database, label=_LABEL)

    def restore(self) -> None:
        """Close every tab; put the enclave's database and the page's pins back, both together.

        The enclave's database alone would be a rollback, which the page's pins tell.
        """
        self.is_altered = False
        self._close_tabs()
        for origin, database in self._databases():
            put_back_database(self.context, origin, database, label=_LABEL)

    def _restore_altered(self) -> None:
        if self.is_altered:
            self.restore()

    def _databases(self) -> list[tuple[str, str]]:
        return [
            (self.server.kms_origin, ENCLAVE_DATABASE),
            (self.server.app_origin, PIN_DATABASE),
        ]

    def _close_tabs(self) -> None:
        self._running = None
        for tab in self.context.pages:
            tab.close()


def _is_running(page: EnclavePage) -> bool:
    if page.page.is_closed():
        return False
    return page.page.evaluate("Boolean(window.kms)") and page.call("getStatus").code is None


@contextlib.contextmanager
def share_enclave(
    chromium: Browser, server: LocalServer, set_up: Callable[[EnclavePage], None]
) -> Iterator[SharedEnclave]:
    """Set an enclave up in a context of its own; `set_up` is given the page that embeds it."""
    with contextlib.closing(chromium.new_context()) as context:
        shared = SharedEnclave(context, server)
        set_up(shared.page)
        shared.remember()
        yield shared
