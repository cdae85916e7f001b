"""The commits of an enclave's worker, announced as they begin: moments that no clock hits."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from playwright.sync_api import ConsoleMessage

from e2e.driving.enclave import EnclavePage

_ANNOUNCEMENT = "a test's commit"

# `transactions` is undefined the first time.
_ANNOUNCE = """(() => {
    self.transactions ??= Object.assign([], { real: IDBDatabase.prototype.transaction });
    self.transactions.length = 0;
    IDBDatabase.prototype.transaction = function (stores, mode, ...more) {
        if (mode === "readwrite") {
            console.debug("%s " + self.transactions.push(mode));
        }
        return Reflect.apply(self.transactions.real, this, [stores, mode, ...more]);
    };
})()""".replace("%s", _ANNOUNCEMENT)


def announce_commits(enclave: EnclavePage) -> Callable[[], int]:
    """Number the worker's commits from 1; return a function that tells how many there were."""
    enclave.run_in_worker(_ANNOUNCE)
    return lambda: enclave.run_in_worker("self.transactions.length")


@contextlib.contextmanager
def expect_commit(enclave: EnclavePage, number: int) -> Iterator[None]:
    """Wait, at the end of the block, until that commit has begun."""

    def is_it(message: ConsoleMessage) -> bool:
        return message.text == f"{_ANNOUNCEMENT} {number}"

    with enclave.page.expect_console_message(is_it):
        yield
