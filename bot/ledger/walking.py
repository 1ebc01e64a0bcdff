"""All of a ledger, change by change, so that however long it is, no more than one history is held at a time."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, closing
from datetime import datetime
from itertools import groupby
from typing import ParamSpec, TypeVar

from bot.core.events import Event
from bot.ledger.chain import Finding, compare_projection, verify
from bot.ledger.keys import Keys
from bot.ledger.statements import EVERYTHING, WITHOUT_EVENTS, Row, event_of
from bot.ports import Clock

P = ParamSpec("P")
T = TypeVar("T")
Visit = Callable[[list[Event], Row | None], object]
"""Called with the events of one change, none where they are gone, and its row of ALL_CHANGES, None where that is."""

_OF_EVENTS = 8
"""So many columns of EVERYTHING are those of `events`; behind them are those of ALL_CHANGES."""


def histories(rows: Iterable[Row]) -> Iterator[tuple[list[Event], Row | None]]:
    """Put the rows of EVERYTHING together again, as a `Visit` takes them."""
    for _, same in groupby(rows, key=lambda row: row[0]):
        whole = list(same)
        beside = whole[0][_OF_EVENTS:]
        yield [event_of(row[:_OF_EVENTS]) for row in whole], None if beside[0] is None else beside


class Check:
    """What can be seen from inside of a ledger that is not what was recorded."""

    def __init__(self, keys: Keys, now: datetime) -> None:
        """`now`: nobody of ours puts anything off far beyond it."""
        self._keys = keys
        self._now = now
        self.changes = 0
        """Changes that have events."""
        self.events = 0
        self._chains: list[Finding] = []
        self._projection: list[Finding] = []

    def see(self, history: list[Event], row: Row | None) -> None:
        """Recompute one chain and compare what follows from it with its row."""
        change_id = history[0].change_id if history else ""
        self.changes += bool(history)
        self.events += len(history)
        self._chains += verify(history, self._keys)
        self._projection += compare_projection(
            {change_id: history} if history else {}, [row] if row else [], self._keys, self._now
        )

    @property
    def findings(self) -> list[Finding]:
        """First the events that are not what was recorded, then the rows that do not follow from sound ones."""
        return self._chains + sorted(self._projection, key=lambda finding: finding.change_id)


class WalkedLedger(ABC):
    """What walks through a ledger; the database has to know how to read on and on."""

    clock: Clock
    keys: Keys
    """Those whose signatures count."""

    async def walk(self, visit: Visit) -> None:
        """Show `visit` all there is, on a thread and as of one moment: one change after the other, then bare rows."""
        over = threading.Event()
        try:
            await self._read_on(self._walk, visit, over)
        finally:
            over.set()  # who was cancelled does not want the rest

    async def findings(self) -> list[Finding]:
        """Return every place where the ledger is not what was recorded, as far as it can be seen from inside."""
        check = Check(self.keys, self.clock.now())
        await self.walk(check.see)
        return check.findings

    @abstractmethod
    def _write(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run `work` on a thread where it may write. Raises LedgerBusy for whatever the database complains about."""

    @abstractmethod
    def _read(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run `work` on a thread where it may only look."""

    @abstractmethod
    def _read_on(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run `work` on a thread where it may only look, for as long as there is something to read."""

    @abstractmethod
    def _snapshot(self) -> AbstractContextManager[object]:
        """See everything inside as of one moment."""

    @abstractmethod
    def _stream(self, sql: str) -> Generator[Row]:
        """Yield rows as they are read; to be closed before the snapshot around it ends."""

    def _walk(self, visit: Visit, over: threading.Event) -> None:
        with self._snapshot():
            with closing(self._stream(EVERYTHING)) as rows:
                for history, row in histories(rows):
                    if over.is_set():
                        return
                    visit(history, row)
            with closing(self._stream(WITHOUT_EVENTS)) as rows:
                for row in rows:
                    visit([], row)
