"""The ledger in one SQLite file: several processes on one machine may share it.

All SQL runs on threads of its own, a whole transaction at a time: a caller that is cancelled or slow never leaves one
open.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Self

import structlog
from sqlite_utils import Database

from bot.core.change import Change, ImpossibleEvent
from bot.core.draft import Draft
from bot.core.events import Event, stamp
from bot.core.reading import Values
from bot.errors import AlreadyRequested, PlanTaken
from bot.ledger import statements
from bot.ledger.chain import Finding, by_change, compare_projection, fold_checked, verify
from bot.ledger.connections import Connections
from bot.ledger.statements import Parameters, Row
from bot.ledger.step import step
from bot.ports import Clock, Decide

log = structlog.get_logger("bot.ledger")

DRAFTS_LAST = timedelta(hours=1)


class SqliteLedger:
    """`bot.ports.Ledger` on SQLite; its docstrings say what each method means.

    `grace` is how long others leave an event to the process that recorded it. Opening raises ConfigError, naming
    DATABASE_URL, when the file cannot be used, and LedgerBusy when another process keeps it locked.
    """

    def __init__(self, path: Path | str, clock: Clock, grace: timedelta, *, readonly: bool = False) -> None:
        self._clock = clock
        self._grace = grace
        self._connections = Connections(Path(path), readonly=readonly)
        self._write, self._read = self._connections.write, self._connections.read

    @classmethod
    def open_readonly(cls, path: Path | str, clock: Clock) -> Self:
        """Open a ledger that exists, for looking only: nothing is made, migrated or written."""
        return cls(path, clock, timedelta(), readonly=True)

    async def record(self, change_id: str, decide: Decide) -> Change:
        """Append what `decide` says. Refusal `unknown` where there is no such change and nothing is decided."""
        return await self._write(self._record, change_id, decide)

    async def change(self, change_id: str) -> Change | None:
        """Return a change with its history."""
        return await self._read(self._change, change_id)

    async def open_change(self, host: str, plan_id: str) -> str | None:
        """Return the id of the plan's open change."""
        return await self._read(self._value, statements.OPEN_CHANGE, {"host": host, "plan_id": plan_id})

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

    async def draft(self, view_id: str) -> Draft | None:
        """Return a draft that is young enough."""
        text = await self._read(self._value, statements.DRAFT_OF, {"view_id": view_id, "oldest": self._oldest_draft()})
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

    async def findings(self) -> list[Finding]:
        """Return every place where the ledger is not what was recorded, as far as it can be seen from inside."""
        return await self._read(self._findings)

    async def close(self) -> None:
        """Finish what is queued and close the file; closing twice is harmless."""
        await self._connections.close()

    # What follows runs on one of the worker threads, with its connection.

    @property
    def _db(self) -> Database:
        return self._connections.mine

    @contextlib.contextmanager
    def _transaction(self, begin: str = "begin immediate") -> Iterator[None]:
        """Take the write lock at once by default: asked for after reading, it is refused if somebody wrote between."""
        self._db.execute(begin)
        try:
            yield
            self._db.execute("commit")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # the error that brought us here says more
                self._db.rollback()
            raise

    def _rows(self, sql: str, parameters: Parameters) -> list[Row]:
        return self._db.execute(sql, parameters).fetchall()

    def _value(self, sql: str, parameters: Parameters) -> str | None:
        rows = self._rows(sql, parameters)
        return str(rows[0][0]) if rows else None

    def _load(self, change_id: str) -> Change | None:
        """Return a change, checked; inside a transaction, so that events and projection belong together."""
        key: Parameters = {"change_id": change_id}
        history = [statements.event_of(row) for row in self._rows(statements.EVENTS_OF, key)]
        rows = self._rows(statements.HEAD_OF, key)
        change = fold_checked(change_id, history, (rows[0][0], rows[0][1]) if rows else None)
        return replace(change, drawn_seq=rows[0][2]) if change else None

    def _record(self, change_id: str, decide: Decide) -> Change:
        with self._transaction():
            change, event = step(change_id, self._load(change_id), decide, self._clock.now())
            if event is not None:
                try:
                    self._db.execute(statements.ADD_EVENT, statements.event_row(event))
                    self._db.execute(statements.PUT_CHANGE, statements.change_row(change, self._grace))
                except sqlite3.IntegrityError as error:
                    raise self._collision(change, error) from error
        if event is not None:
            log.info("change_recorded", change=change_id, kind=event.type, seq=event.seq, by=event.actor)
        return change

    def _collision(self, change: Change, error: sqlite3.IntegrityError) -> Exception:
        """Return what a unique key means. The keys of votes and outcomes only ever meet a bug in a decision."""
        request = change.request
        same = self._value(statements.CHANGE_OF_VIEW, {"view_id": request.view_id})
        if same not in {None, change.id}:
            return AlreadyRequested(str(same))
        other = self._value(statements.OPEN_CHANGE, {"host": request.host, "plan_id": request.plan_id})
        if other not in {None, change.id}:
            return PlanTaken(str(other))
        return ImpossibleEvent(f"change {change.id} cannot have event {change.seq}: {error}")

    def _change(self, change_id: str) -> Change | None:
        with self._transaction("begin"):
            return self._load(change_id)

    def _last_applied(self, host: str, plan_id: str) -> Values:
        with self._transaction("begin"):
            change_id = self._value(statements.LAST_APPLIED, {"host": host, "plan_id": plan_id})
            change = self._load(change_id) if change_id else None
        return change.request.proposed if change else {}

    def _take_due(self, hold: timedelta, limit: int) -> list[str]:
        with self._transaction():
            now = self._clock.now()
            due = self._rows(statements.TAKE_DUE, {"now": stamp(now), "until": stamp(now + hold), "limit": limit})
        return [str(change_id) for _, change_id in sorted(map(tuple, due))]

    def _hold(self, change_id: str, hold: timedelta) -> None:
        with self._transaction():
            self._db.execute(statements.HOLD, {"change_id": change_id, "until": stamp(self._clock.now() + hold)})

    def _drawn(self, change_id: str, seq: int, over: int) -> None:
        with self._transaction():
            change = self._load(change_id)
            if change is not None:
                change = replace(change, drawn_seq=seq if change.drawn_seq == over else 0)
                self._db.execute(statements.DRAWN, statements.drawn_row(change, self._grace))

    def _keep_draft(self, draft: Draft) -> None:
        with self._transaction():
            self._db.execute(statements.DROP_DRAFTS, {"oldest": self._oldest_draft()})
            self._db.execute(statements.PUT_DRAFT, statements.draft_row(draft, self._clock.now()))

    def _oldest_draft(self) -> str:
        return stamp(self._clock.now() - DRAFTS_LAST)

    def _team(self, team_id: str) -> str:
        with self._transaction():
            self._db.execute(statements.CLAIM_TEAM, {"team_id": team_id})
            return str(self._value(statements.TEAM, {}))

    def _noted(self, topic: str, now: str) -> str | None:
        key = f"noted {topic}"  # whatever the topic is called, it is none of the ledger's own keys
        with self._transaction():
            before = self._value(statements.NOTED, {"key": key}) or ""
            if before == now:
                return None
            self._db.execute(statements.NOTE, {"key": key, "value": now})
        return before

    def _events(self, change_id: str | None) -> list[Event]:
        if change_id is None:
            rows = self._rows(statements.ALL_EVENTS, {})
        else:
            rows = self._rows(statements.EVENTS_OF, {"change_id": change_id})
        return [statements.event_of(row) for row in rows]

    def _findings(self) -> list[Finding]:
        with self._transaction("begin"):
            histories = by_change(self._events(None))
            projection = self._rows(statements.ALL_CHANGES, {})
        chains = verify(event for history in histories.values() for event in history)
        return chains + compare_projection(histories, projection)
