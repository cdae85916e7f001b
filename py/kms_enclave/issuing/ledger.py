"""What issuing works on: leases with their books, remembered between calls.

The memory is only a shortcut, of one generation of the journal. A commit proves it,
because every change anywhere moves the log's head; and where there is nothing to
commit, as for a refusal, the journal compares the head before the answer is given.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import attrs

from kms_enclave.leases.book import (
    Book,
    lease_book_address,
    relay_book_address,
    user_book_address,
)
from kms_enclave.leases.lease import Lease, lease_address, lease_not_found, parse_lease
from kms_enclave.leases.patterns import Patterns, parse_patterns, patterns_address
from kms_enclave.log.journal import Journal
from kms_enclave.ports.storage import ABSENT, Address, Expectation, Record, StoragePort

__all__ = ["Account", "Ledger"]

_MOST_REMEMBERED: Final = 2000

T = TypeVar("T")


@attrs.frozen
class Account:
    """A lease, its book and its user's; the books change in place."""

    lease: Lease
    patterns: Patterns
    patterns_revision: int
    book: Book
    user_book: Book

    def expectations(self) -> Sequence[Expectation]:
        """Return what a commit about this lease rests on, beside its books."""
        record = self.lease.record
        return (
            Expectation(lease_address(record.lease_id), self.lease.revision),
            Expectation(patterns_address(record.origin), self.patterns_revision),
        )


class Ledger:
    """The accounts of this worker."""

    def __init__(self, *, storage: StoragePort, journal: Journal) -> None:
        self._storage = storage
        self._journal = journal
        self._accounts: dict[str, Account] = {}
        self._books: dict[Address, Book] = {}
        self._changed: dict[Book, None] = {}
        self._generation = journal.generation
        self._latest_ms = 0

    def begin(self, now_ms: int) -> None:
        """Drop what is stale, or more than is worth remembering. Call before each attempt."""
        is_stale = self._generation != self._journal.generation
        # A window drops what has left it when it is asked. Where nothing was committed since,
        # the clock may have been set back to when that still counts.
        if is_stale or now_ms < self._latest_ms or len(self._books) > _MOST_REMEMBERED:
            self.forget()
        self._latest_ms = now_ms

    def forget(self) -> None:
        """Drop everything, and with it what was counted and not committed."""
        self._accounts.clear()
        self._books.clear()
        self._changed.clear()
        self._generation = self._journal.generation

    async def consult(self, question: Callable[[int], Awaitable[T]]) -> T:
        """Return the answer to a question about accounts, as they are when it is asked.

        ``question`` is given the time in milliseconds and changes nothing; what it raises
        passes through.
        """

        async def ask(now_ms: int) -> T:
            self.begin(now_ms)
            return await question(now_ms)

        return await self._journal.consult(ask)

    def take_changed_books(self) -> Sequence[Book]:
        """Return the books with something to write, once each."""
        changed, self._changed = tuple(self._changed), {}
        return changed

    async def account(self, lease_id: str) -> Account:
        """Return a lease's account. Raises KMSError ``lease.not.found``."""
        known = self._accounts.get(lease_id)
        if known is not None:
            return known
        book_address = lease_book_address(lease_id)
        lease_record, book_record = await self._storage.read(
            [lease_address(lease_id), book_address]
        )
        if lease_record is None:
            raise lease_not_found(lease_id)
        lease = parse_lease(lease_record, expected_lease_id=lease_id)
        origin, user_id = lease.record.origin, lease.record.user_id
        user_address = user_book_address(origin, user_id)
        patterns, user_record = await self._storage.read([patterns_address(origin), user_address])
        account = Account(
            lease=lease,
            patterns=parse_patterns(patterns),
            patterns_revision=patterns.revision if patterns else ABSENT,
            book=self._open(book_address, book_record),
            user_book=self._open(user_address, user_record),
        )
        self._accounts[lease_id] = account
        return account

    def expectations(self, lease_id: str) -> Sequence[Expectation]:
        """Return what a commit about a lease rests on, beside its books."""
        return self._accounts[lease_id].expectations()

    async def relay_book(self, origin: str, relay_id: str) -> Book:
        """Return the book of an origin's relay."""
        address = relay_book_address(origin, relay_id)
        if address not in self._books:
            (record,) = await self._storage.read([address])
            return self._open(address, record)
        return self._books[address]

    def _open(self, address: Address, record: Record | None) -> Book:
        # Another lease of the same user may have been faster: one book for both.
        book = self._books.get(address)
        if book is None:
            book = Book(address, record, storage=self._storage, report_change=self._note_change)
            self._books[address] = book
        return book

    def _note_change(self, book: Book) -> None:
        self._changed[book] = None
