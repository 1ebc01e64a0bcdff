"""The ledger in SQL, whatever the database: what happens inside a transaction.

Statements run on a thread, a whole transaction at a time: a caller that is cancelled or slow never leaves one open.
"""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import structlog

from bot.core.draft import Draft
from bot.core.due import LONGEST_PAUSE, LOOK, WAITS_FOR_PEOPLE
from bot.core.events import Event, stamp
from bot.core.remembered import LastSet, last_set
from bot.errors import LedgerAltered
from bot.ledger import statements
from bot.ledger.recording import RecordingLedger
from bot.ledger.statements import HOLDS_AT_MOST, Parameters
from bot.ports import Revise

log = structlog.get_logger("bot.ledger")

DRAFTS_LAST = timedelta(hours=1)


class SqlLedger(RecordingLedger):
    """`bot.ports.Ledger` but for the database itself; the port's docstrings say what each method means.

    `grace` is how long others leave an event to who recorded it; `clock` keeps the time that the ledger goes by; `keys`
    sign what is recorded, and nothing that they do not vouch for is relied on.
    """

    TAKE_DUE: ClassVar[str] = statements.TAKE_DUE

    async def last_applied(self, host: str, plan_id: str) -> LastSet:
        """Return what the bot last applied to this plan, less what was overtaken."""
        return await self._read(self._last_applied, host, plan_id)

    async def take_due(self, hold: timedelta, limit: int = 50) -> Sequence[str]:
        """Take what is due, longest due first."""
        return await self._write(self._take_due, hold, limit)

    async def hold(self, change_id: str, hold: timedelta) -> None:
        """Keep a change from falling due; a hold only grows."""
        await self._write(self._hold, change_id, hold)

    async def drawn(self, change_id: str, seq: int, *, over: int, again: timedelta | None = None) -> None:
        """Remember how far the card is drawn."""
        await self._write(self._drawn, change_id, seq, over, again)

    async def card_waits(self, change_id: str, pause: timedelta, *, tried: bool = False) -> None:
        """Leave a card alone for a while."""
        await self._write(self._card_waits, change_id, pause, tried)

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

    def _last_applied(self, host: str, plan_id: str) -> LastSet:
        with self._snapshot():
            found = self._rows(statements.SINCE_LAST_APPLIED, {"host": host, "plan_id": plan_id})
            try:
                loaded = [self._load(str(change_id))[0] for (change_id,) in found]
            except LedgerAltered as altered:
                log.warning("memory_not_used", plan=plan_id, problem=str(altered))
                return LastSet()
        return last_set(change for change in loaded if change is not None)

    def _take_due(self, hold: timedelta, limit: int) -> list[str]:
        with self._transaction():
            now = self._now()
            until, never = now + min(hold, HOLDS_AT_MOST), now + HOLDS_AT_MOST
            told: statements.Parameters = {"now": stamp(now), "until": stamp(until), "never": stamp(never)}
            due = self._rows(self.TAKE_DUE, told | {"limit": limit})
        return [str(change_id) for _, change_id in sorted(map(tuple, due))]

    def _hold(self, change_id: str, hold: timedelta) -> None:
        with self._transaction():
            now = self._now()
            until, never = stamp(now + min(hold, HOLDS_AT_MOST)), stamp(now + HOLDS_AT_MOST)
            self._execute(statements.HOLD, {"change_id": change_id, "until": until, "never": never})

    def _drawn(self, change_id: str, seq: int, over: int, again: timedelta | None) -> None:
        with self._transaction():
            change, row = self._load(change_id, self.FOR_UPDATE)
            if change is not None and row is not None:
                drawn = seq if change.drawn_seq == over and again is None else 0
                pause = None
                if again is not None and seq >= change.seen_seq:  # what has happened since is drawn at once
                    pause = min(again, LONGEST_PAUSE)
                elif drawn >= change.seen_seq and change.state in WAITS_FOR_PEOPLE:
                    pause = LOOK
                due = stamp(self._now() + pause) if pause else ""
                self._put(replace(change, drawn_seq=drawn, card_due=due, card_tries=0), row)

    def _card_waits(self, change_id: str, pause: timedelta, tried: bool) -> None:
        with self._transaction():
            change, row = self._load(change_id, self.FOR_UPDATE)
            if change is not None and row is not None:
                until = stamp(self._now() + min(pause, LONGEST_PAUSE))
                self._put(replace(change, card_due=until, card_tries=change.card_tries + tried), row)

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
