"""What an enclave's worker asks of the disk: the durability of its audited transactions."""

from __future__ import annotations

from collections.abc import Callable

from e2e.driving.enclave import EnclavePage

# As the browser has it: what it was not asked for, in whatever way, shows as "default".
_NOTE = """(() => {
    self.durabilities = [];
    const real = IDBDatabase.prototype.transaction;
    IDBDatabase.prototype.transaction = function (...asked) {
        const transaction = Reflect.apply(real, this, asked);
        if (transaction.mode === "readwrite" && transaction.objectStoreNames.contains("audit")) {
            self.durabilities.push(transaction.durability);
        }
        return transaction;
    };
})()"""


def note_durability(enclave: EnclavePage) -> Callable[[], list[str]]:
    """Return a function that gives the durability of each transaction since it was last called."""
    enclave.run_in_worker(_NOTE)
    return lambda: enclave.run_in_worker("self.durabilities.splice(0)")
