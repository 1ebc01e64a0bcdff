"""The changes that were read last: rows that are what they were when they were checked need not be checked again.

Every row is still read each time and compared with the one that was checked, so that nothing goes unnoticed.
"""

from collections.abc import Sequence

from bot.core.change import Change
from bot.ledger import statements
from bot.ledger.chain import fold_checked
from bot.ledger.keys import Keys
from bot.ledger.statements import Row

KEPT = 200
"""Changes; a click and what follows from it reads one six times."""


class Folded:
    """What some rows of EVENTS_OF were folded into. Any thread may use it: they put in what is true for all of them."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._last: dict[str, tuple[list[Row], Change]] = {}

    def fold(self, change_id: str, rows: Sequence[Row], head: tuple[int, str] | None) -> Change | None:
        """Fold and check as `fold_checked` does, beginning behind the rows that are the same as last time."""
        known, before = self._last.get(change_id, ([], None))
        if list(rows[: len(known)]) != known:
            known, before = [], None
        change = fold_checked(change_id, map(statements.event_of, rows[len(known) :]), head, self._keys, before)
        if change is not None:
            if len(self._last) >= KEPT:
                self._last.clear()
            self._last[change_id] = list(rows), change
        return change
