"""The ledger in SQL, whatever the database: what happens inside a transaction.

Statements run on a thread, a whole transaction at a time: a caller that is cancelled or slow never leaves one open.
"""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar, ParamSpec, TypeVar

import structlog

from bot.core.change import Change, ImpossibleEvent
from bot.core.draft import Draft
from bot.core.events import Event, stamp
from bot.core.reading import Values
from bot.errors import AlreadyRequested, PlanTaken
from bot.ledger import statements
from bot.ledger.folded import Folded
from bot.ledger.statements import Parameters, Row
from bot.ledger.step import step
from bot.ledger.walking import WalkedLedger
from bot.ports import Clock, Decide, Revise

log = structlog.get_logger("bot.ledger")

DRAFTS_LAST = timedelta(hours=1)

P = ParamSpec("P")
T = TypeVar("T")


class SqlLedger(WalkedLedger):
    """`bot.ports.Ledger` but for the database itself; the port's docstrings say what each method means.

    `grace` is how long others leave an event to who recorded it; `clock` keeps the time that the ledger goes by.
    """

    FOR_UPDATE: ClassVar[str] = ""
    """What ends a `select` whose rows nobody else may change before the transaction is over."""
    TAKE_DUE: ClassVar[str] = statements.TAKE_DUE
    DUPLICATE: ClassVar[type[Exception]]
    """What the driver raises when a unique key is met."""

    clock: Clock

    def __init__(self, grace: timedelta) -> None:
        self._grace = grace
        self._folded = Folded()

    async def record(self, change_id: str, decide: Decide) -> Change:
        """Append what `decide` says. Refusal `unknown` where there is no such change and nothing is decided."""
        return await self._write(self._record, change_id, decide)

    async def change(self, change_id: str) -> Change | None:
        """Return a change with its history."""
        return await self._read(self._change, change_id)

    async def open_change(self, host: str, plan_id: str) -> str | None:
        """Return the id of the plan's open change."""
        return await self._read(self._open_change, host, plan_id)

    async def last_applied(self, host: str, plan_id: str) -> Values:
        """Return what the bot last applied to this plan."""
        return await self._read(self._last_applied, host, plan_id)

    async def take_due(self, hold: timedelta, limit: int = 50) -> Sequence[str]:
        """Take what is due, longest due first."""
        return await self._write(self._take_due, hold, limit)

    async def hold(self, change_id: str, hold: timedelta) -> None:
        """Keep a change from falling due; the next event that is recorded ends the hold."""
        await self._write(self._hold, change_id, hold)

    async def drawn(self, change_id: str, seq: int, *, over: int) -> None:
        """Remember how far the card is drawn."""
        await self._write(self._drawn, change_id, seq, over)

    async def keep_draft(self, draft: Draft) -> None:
        """Store a draft, forget old ones."""
        await self._write(self._keep_draft, draft)

    async def revise_draft(self, view_id: str, revise: Revise) -> Draft | None:
        """Put what `revise` makes of a draft in its place."""
        return await self._write(self._revise_draft, view_id, revise)

    async def draft(self, view_id: str) -> Draft | None:
        """Return a draft that is young enough."""
        text = await self._read(self._draft, view_id)
        return statements.draft_of(text) if text is not None else None

    async def team(self, team_id: str) -> str:
        """Return whose ledger this is."""
        return await self._write(self._team, team_id)

    async def noted(self, topic: str, now: str) -> str | None:
        """Note how something stands and return how it stood before, None for the same."""
        return await self._write(self._noted, topic, now)

    async def events(self, change_id: str | None = None) -> Iterable[Event]:
        """Return events, unchecked."""
        return await self._read(self._events, change_id)

    @abstractmethod
    async def close(self) -> None:
        """Finish what is queued and let go of the database; closing twice is harmless."""

    # What a database has to know.

    @abstractmethod
    def _write(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run `work` on a thread where it may write. Raises LedgerBusy for whatever the database complains about."""

    @abstractmethod
    def _read(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run `work` on a thread where it may only look."""

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

    # What follows runs on a thread, with its connection.

    def _value(self, sql: str, parameters: Parameters) -> str | None:
        rows = self._rows(sql, parameters)
        return str(rows[0][0]) if rows else None

    def _load(self, change_id: str, lock: str = "") -> Change | None:
        """Return a change, checked; inside a transaction, so that events and projection belong together."""
        key: Parameters = {"change_id": change_id}
        head, events = self._rows(statements.HEAD_OF + lock, key), self._rows(statements.EVENTS_OF, key)
        if events and not head:  # a first event came in between, where there was no row yet to lock
            head, events = self._rows(statements.HEAD_OF + lock, key), self._rows(statements.EVENTS_OF, key)
        change = self._folded.fold(change_id, events, (head[0][0], head[0][1]) if head else None)
        return replace(change, drawn_seq=head[0][2]) if change else None

    def _record(self, change_id: str, decide: Decide) -> Change:
        with self._transaction():
            before = self._load(change_id, self.FOR_UPDATE)
            change, event = step(change_id, before, decide, self._now())
            if event is not None:
                try:
                    with self._attempt():
                        self._execute(statements.ADD_EVENT, statements.event_row(event))
                        self._execute(statements.PUT_CHANGE, statements.change_row(change, self._grace))
                except self.DUPLICATE as error:
                    raise self._collision(change, error) from error
        if event is not None:
            log.info("change_recorded", change=change_id, kind=event.type, seq=event.seq, by=event.actor)
        return change

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

    def _change(self, change_id: str) -> Change | None:
        with self._snapshot():
            return self._load(change_id)

    def _open_change(self, host: str, plan_id: str) -> str | None:
        return self._value(statements.OPEN_CHANGE, {"host": host, "plan_id": plan_id})

    def _last_applied(self, host: str, plan_id: str) -> Values:
        with self._snapshot():
            change_id = self._value(statements.LAST_APPLIED, {"host": host, "plan_id": plan_id})
            change = self._load(change_id) if change_id else None
        return change.request.proposed if change else {}

    def _take_due(self, hold: timedelta, limit: int) -> list[str]:
        with self._transaction():
            now = self._now()
            due = self._rows(self.TAKE_DUE, {"now": stamp(now), "until": stamp(now + hold), "limit": limit})
        return [str(change_id) for _, change_id in sorted(map(tuple, due))]

    def _hold(self, change_id: str, hold: timedelta) -> None:
        with self._transaction():
            self._execute(statements.HOLD, {"change_id": change_id, "until": stamp(self._now() + hold)})

    def _drawn(self, change_id: str, seq: int, over: int) -> None:
        with self._transaction():
            change = self._load(change_id, self.FOR_UPDATE)
            if change is not None:
                change = replace(change, drawn_seq=seq if change.drawn_seq == over else 0)
                self._execute(statements.DRAWN, statements.drawn_row(change, self._grace))

    def _keep_draft(self, draft: Draft) -> None:
        with self._transaction():
            now = self._now()
            self._execute(statements.DROP_DRAFTS, {"oldest": stamp(now - DRAFTS_LAST)})
            self._execute(statements.PUT_DRAFT, statements.draft_row(draft, now))

    def _revise_draft(self, view_id: str, revise: Revise) -> Draft | None:
        with self._transaction():
            now = self._now()
            key: Parameters = {"view_id": view_id, "oldest": stamp(now - DRAFTS_LAST)}
            text = self._value(statements.DRAFT_OF + self.FOR_UPDATE, key)
            draft = revise(statements.draft_of(text)) if text is not None else None
            if draft is not None:
                self._execute(statements.PUT_DRAFT, statements.draft_row(draft, now))
        return draft

    def _draft(self, view_id: str) -> str | None:
        with self._snapshot():
            oldest = stamp(self._now() - DRAFTS_LAST)
            return self._value(statements.DRAFT_OF, {"view_id": view_id, "oldest": oldest})

    def _team(self, team_id: str) -> str:
        with self._transaction():
            self._execute(statements.CLAIM_TEAM, {"team_id": team_id})
            return str(self._value(statements.TEAM, {}))

    def _noted(self, topic: str, now: str) -> str | None:
        key = f"noted {topic}"  # whatever the topic is called, it is none of the ledger's own keys
        with self._transaction():
            self._execute(statements.CLAIM_NOTE, {"key": key})  # there is a row to lock even for the first note
            before = self._value(statements.NOTED + self.FOR_UPDATE, {"key": key}) or ""
            if before == now:
                return None
            self._execute(statements.NOTE, {"key": key, "value": now})
        return before

    def _events(self, change_id: str | None) -> list[Event]:
        sql = statements.ALL_EVENTS if change_id is None else statements.EVENTS_OF
        return [statements.event_of(row) for row in self._rows(sql, {"change_id": change_id})]
