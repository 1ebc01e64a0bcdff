"""The part of a ledger in SQL that records: events, and the projection that follows from them.

The history counts, whatever the projection says: who finds a row that does not follow from its history renews it, and
a history that does not hold together is set aside, so that its plan is free and the sweep comes to the others.
"""

from abc import abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

import structlog

from bot.core.change import Change, ImpossibleEvent, State
from bot.core.due import due_at, growing
from bot.core.events import moment, stamp
from bot.errors import AlreadyRequested, LedgerAltered, LedgerBusy, PlanTaken
from bot.ledger import statements
from bot.ledger.folded import Folded
from bot.ledger.keys import Keys
from bot.ledger.statements import Parameters, Row
from bot.ledger.step import step
from bot.ledger.walking import WalkedLedger
from bot.ports import Decide

log = structlog.get_logger("bot.ledger")

ALTERED = "altered"
"""What the projection says of an open change whose history does not hold together: it holds no plan any more."""
SOME = 1000
"""Rows that are looked through at a time, so that nobody waits for the ledger meanwhile."""


class RecordingLedger(WalkedLedger):
    """`record`, `change`, `open_change` and `renew_all` of `bot.ports.Ledger`, but for the database itself."""

    FOR_UPDATE: ClassVar[str] = ""
    """What ends a `select` whose rows nobody else may change before the transaction is over."""
    DUPLICATE: ClassVar[type[Exception]]
    """What the driver raises when a unique key is met."""

    def __init__(self, grace: timedelta, keys: Keys) -> None:
        self._grace = grace
        self.keys = keys
        self._signing = keys.remembering()
        self._folded = Folded(self._signing)
        self.on_altered: Callable[[LedgerAltered], object] = lambda _: None
        """Called whenever somebody comes upon a change that was altered."""

    async def record(self, change_id: str, decide: Decide) -> Change:
        """Append what `decide` says. Refusal `unknown` where there is no such change and nothing is decided."""
        try:
            return await self._write(self._record, change_id, decide)
        except PlanTaken as taken:
            if await self._holds_a_plan(taken.change_id):
                raise
            return await self._write(self._record, change_id, decide)
        except LedgerAltered as altered:
            await self._set_aside(altered)
            raise

    async def change(self, change_id: str) -> Change | None:
        """Return a change with its history."""
        try:
            change, is_set_aside = await self._read(self._change, change_id)
            if is_set_aside:  # and its history holds together again
                await self._write(self._renew, change_id)
        except LedgerAltered as altered:
            await self._set_aside(altered)
            raise
        return change

    async def open_change(self, host: str, plan_id: str) -> str | None:
        """Return the id of the plan's open change."""
        change_id = await self._read(self._open_change, host, plan_id)
        if change_id is not None and not await self._holds_a_plan(change_id):
            change_id = await self._read(self._open_change, host, plan_id)
        return change_id

    async def renew_all(self) -> None:
        """Renew every row about which something is left to do, where it does not follow from its history."""
        after = ""
        while some := await self._read(self._some_changes, after):
            for change_id, is_unfinished in some:
                if is_unfinished:
                    await self._renewed(change_id)
            after = some[-1][0]

    # What a database has to know.

    @abstractmethod
    def _transaction(self) -> AbstractContextManager[object]:
        """Write all of what is inside or nothing."""

    @abstractmethod
    def _attempt(self) -> AbstractContextManager[object]:
        """Let the transaction go on after what is inside has met a unique key."""

    @abstractmethod
    def _execute(self, sql: str, parameters: Parameters) -> None: ...

    @abstractmethod
    def _rows(self, sql: str, parameters: Parameters) -> list[Row]: ...

    @abstractmethod
    def _now(self) -> datetime:
        """Return the ledger's time, in UTC."""

    async def _holds_a_plan(self, change_id: str) -> bool:
        """Whether a change holds the plan that its row names; where it does not, the row does not say so any more."""
        with suppress(LedgerAltered):
            if await self._read(self._is_as_it_says, change_id):
                return True
        return await self._renewed(change_id)

    async def _renewed(self, change_id: str) -> bool:
        """Renew one row, or set it aside; return whether the change is open and sound."""
        try:
            return await self._write(self._renew, change_id)
        except LedgerAltered as altered:
            await self._set_aside(altered)
        return False

    async def _set_aside(self, altered: LedgerAltered) -> None:
        """Free the plan of a change that nobody can go on with, and look at it ever more rarely."""
        self.on_altered(altered)
        with suppress(LedgerBusy):  # what was found is said anyway; whoever finds it next tries again
            if await self._write(self._put_aside, altered.change_id):
                log.error("ledger_altered", change=altered.change_id, seq=altered.seq, problem=altered.what)

    # What follows runs on a thread, with its connection.

    def _value(self, sql: str, parameters: Parameters) -> str | None:
        rows = self._rows(sql, parameters)
        return str(rows[0][0]) if rows else None

    def _load(self, change_id: str, lock: str = "") -> tuple[Change | None, Row | None]:
        """Return a change, checked, and its row; inside a transaction, so that the two belong together."""
        key: Parameters = {"change_id": change_id}
        rows, events = self._rows(statements.ONE_CHANGE + lock, key), self._rows(statements.EVENTS_OF, key)
        if events and not rows:  # a first event came in between, where there was no row yet to lock
            rows, events = self._rows(statements.ONE_CHANGE + lock, key), self._rows(statements.EVENTS_OF, key)
        row = rows[0] if rows else None
        change = self._folded.fold(change_id, events, (row[5], row[6]) if row else None)
        return (statements.beside(change, row) if change and row else change), row

    def _record(self, change_id: str, decide: Decide) -> Change:
        with self._transaction():
            before, row = self._load(change_id, self.FOR_UPDATE)
            if before is not None and row is not None and self._differs(before, row):
                before = self._put(before, row)
            change, event = step(change_id, before, decide, self._now(), self._signing.sign)
            if event is not None:
                if before is None or change.seen_seq > before.seen_seq:
                    change = replace(change, card_due="", card_tries=0)
                try:
                    with self._attempt():
                        self._execute(statements.ADD_EVENT, statements.event_row(event))
                        self._execute(statements.PUT_CHANGE, statements.change_row(change, self._left_until(change)))
                except self.DUPLICATE as error:
                    raise self._collision(change, error) from error
        if event is not None:
            log.info("change_recorded", change=change_id, kind=event.type, seq=event.seq, by=event.actor)
        return change

    def _left_until(self, change: Change) -> str:
        """Return how long others leave a change to who recorded its last event: what follows from that is due now."""
        at, due = moment(change.last_at), due_at(change)
        claims_itself = change.state is State.APPROVED and change.opens_at <= at  # by the Started of an attempt
        return stamp(at + self._grace) if due is not None and due <= at and not claims_itself else ""

    def _differs(self, change: Change, row: Row) -> bool:
        """Whether a row has to be renewed; where somebody wrote to it, the log says to what."""
        columns = [name for name, *_ in statements.astray(change, row)]
        columns += [name for name, _ in statements.impossible(change, row, self._now())]
        if columns and not statements.is_set_aside(row):
            log.warning("projection_renewed", change=change.id, columns=columns)
        return bool(columns) or statements.is_set_aside(row)

    def _put(self, change: Change, row: Row) -> Change:
        """Renew a row and return the change as it says now. Raises LedgerAltered where its plan was taken meanwhile."""
        bad = {name for name, _ in statements.impossible(change, row, self._now())}
        if bad & {"drawn_seq", "card_due"}:
            change = replace(change, drawn_seq=0, card_due="", card_tries=0)
        left_until = "" if "left_until" in bad else str(row[statements.OF_HISTORY + 4])
        try:
            with self._attempt():
                self._execute(statements.PUT_CHANGE, statements.change_row(change, left_until))
        except self.DUPLICATE as error:
            other = self._open_change(change.request.host, change.request.plan_id)
            what = f"its record did not hold together for a while, and meanwhile change {other} of its plan was opened."
            raise LedgerAltered(change.id, change.seq, what) from error
        if "held_until" in bad:
            self._execute(statements.LET_GO, {"change_id": change.id})
        return change

    def _renew(self, change_id: str) -> bool:
        with self._transaction():
            change, row = self._load(change_id, self.FOR_UPDATE)
            if change is not None and row is not None and self._differs(change, row):
                self._put(change, row)
        return change is not None and change.open

    def _put_aside(self, change_id: str) -> bool:
        """Return whether this is the first time that the change was found altered."""
        with self._transaction():
            rows = self._rows(statements.ONE_CHANGE + self.FOR_UPDATE, {"change_id": change_id})
            if not rows:
                return False
            is_open, due, times, now = rows[0][4], rows[0][statements.OF_HISTORY], rows[0][-2], self._now()
            times = times if isinstance(times, int) else 1
            if times and not is_open and (due or "") > stamp(now) and (due or "") <= stamp(now + growing(times)):
                return False  # whoever clicks meanwhile does not put off the next look
            again = stamp(now + growing(times)) if is_open or due is not None else None
            put: Parameters = {"change_id": change_id, "state": ALTERED, "altered": times + 1, "due_at": again}
            self._execute(statements.SET_ASIDE, put)
        return not times

    def _collision(self, change: Change, error: Exception) -> Exception:
        """Return what a unique key means. The keys of votes and outcomes only ever meet a bug in a decision."""
        request = change.request
        same = self._value(statements.CHANGE_OF_VIEW, {"view_id": request.view_id})
        if same not in {None, change.id}:
            return AlreadyRequested(str(same))
        other = self._open_change(request.host, request.plan_id)
        if other not in {None, change.id}:
            return PlanTaken(str(other))
        return ImpossibleEvent(f"change {change.id} cannot have event {change.seq}: {error}")

    def _change(self, change_id: str) -> tuple[Change | None, bool]:
        with self._snapshot():
            change, row = self._load(change_id)
        return change, row is not None and statements.is_set_aside(row)

    def _is_as_it_says(self, change_id: str) -> bool:
        with self._snapshot():
            change, row = self._load(change_id)
        return change is not None and row is not None and change.open and not statements.astray(change, row)

    def _open_change(self, host: str, plan_id: str) -> str | None:
        return self._value(statements.OPEN_CHANGE, {"host": host, "plan_id": plan_id})

    def _some_changes(self, after: str) -> list[tuple[str, bool]]:
        rows = self._rows(statements.SOME_CHANGES, {"after": after, "limit": SOME})
        return [(str(change_id), bool(is_unfinished)) for change_id, is_unfinished in rows]
