"""The places of ``burstSends``: how many issuing calls of a lease are under way at once.

A call has its place from the moment it arrives until it is answered; one that finds them
all taken, or is refused before anybody looks, has none. Which it is shows only when its
turn comes, and the calls before it in the queue have been decided: so places are numbered
as they are taken and as they are given back, and a call remembers how many were back when
it arrived. That is one subtraction, however many calls are refused.

Calls of one lease are decided in the order in which they arrive. Counts this worker's
calls alone, and nothing here is stored.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

__all__ = ["Place", "Places"]

Key = tuple[str, str]
"""Origin and lease: by origin too, so that nobody takes another's place."""


@attrs.define
class _Taken:
    calls: int = 0
    taken: int = 0
    given_back: int = 0


@attrs.define(eq=False)
class Place:
    """One call's place. Outside of :class:`Places` (as for sends) it is nobody's neighbour."""

    _of_lease: _Taken = attrs.field(factory=_Taken)
    _given_back_before: int = 0
    _is_taken: bool = False

    def used(self) -> int:
        """Return how many places were taken when the call arrived."""
        return self._of_lease.taken - self._given_back_before

    def take(self) -> None:
        """Count this call as one that is under way."""
        self._is_taken = True
        self._of_lease.taken += 1

    def undo(self) -> None:
        """Forget that it was taken: the call is decided anew."""
        if self._is_taken:
            self._is_taken = False
            self._of_lease.taken -= 1

    def give_back(self) -> None:
        """The call was answered."""
        self._of_lease.given_back += self._is_taken


class Places:
    """Places of one worker, by lease; a lease without a call costs nothing."""

    def __init__(self) -> None:
        self._by_lease: dict[Key, _Taken] = {}

    def arrive(self, key: Key) -> Place:
        """Return the place of a call that arrives now; :meth:`leave` must follow."""
        of_lease = self._by_lease.setdefault(key, _Taken())
        of_lease.calls += 1
        return Place(of_lease, of_lease.given_back)

    def leave(self, key: Key, place: Place) -> None:
        """Give the place back, if the call had one."""
        place.give_back()
        of_lease = self._by_lease[key]
        of_lease.calls -= 1
        if not of_lease.calls:
            del self._by_lease[key]

    def count(self, key: Key, undecided: Sequence[Place], *, limit: int) -> int:
        """Return how many are taken, with those that ``undecided`` calls will take by ``limit``."""
        of_lease = self._by_lease.get(key)
        if of_lease is None:
            return 0
        taken = []
        for place in undecided:
            if place.used() < limit:
                place.take()
                taken.append(place)
        count = of_lease.taken - of_lease.given_back
        for place in taken:
            place.undo()
        return count
