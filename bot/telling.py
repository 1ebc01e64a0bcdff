"""Tells people: posts the card, keeps it true, and says the outcome in its thread, once.

Whoever recorded an event tells it at once (`mine`); anybody else looks for an earlier message first. While somebody is
at work on a change, the ledger holds it back from the sweep.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog

from bot.core import decisions
from bot.core.change import Change, State
from bot.core.diff import compare_read_back, moved
from bot.core.events import Announced, Stale, Told, stamp
from bot.core.reading import Reading
from bot.core.saying import Kind, Message, ReadBack, Saying
from bot.errors import DbsError, MessageGone, MessageThrottled, MessageUnanswered, MessengerError
from bot.execution import plan_moved
from bot.ports import Clock, Dbs, Ledger, Messenger

log = structlog.get_logger("bot.telling")

TRIES = 5
"""How often a message is tried before the sweep has to come back to it."""
READS = 3
"""How often the plan is read back, a second apart, before the outcome is told as it is."""
WATCH = timedelta(minutes=1)
"""How long a status that still moves is followed."""
WATCH_STEP = 5.0
"""Seconds between two looks at it."""
MOVING = frozenset({"wait", "init", "check_pass"})
"""Statuses that DBS leaves by itself."""


class Telling:
    """One process's voice."""

    def __init__(self, *, ledger: Ledger, dbs: Dbs, messenger: Messenger, clock: Clock, grace: timedelta) -> None:
        self._ledger = ledger
        self._dbs = dbs
        self._messenger = messenger
        self._clock = clock
        self._grace = grace

    async def announce(self, change: Change, *, mine: bool) -> Change:
        """Post the card, after one more look at the plan: what moved while the form was filled in is stale already."""
        stale = await self._stale_already(change)
        shown = change
        if stale is not None:
            now = stamp(self._clock.now())
            shown = replace(change, state=State.STALE, outcome=stale, ended_by=decisions.BOT, ended_at=now)
        try:
            card = await self._post(change, "card", lambda: self._messenger.announce(shown), look=not mine)
        except MessageGone:
            log.warning("card_not_posted", change=change.id, channel=change.request.channel)
            return change
        change = await self._ledger.record(change.id, partial(decisions.announce, channel=card.channel, ts=card.ts))
        await self._ledger.drawn(change.id, shown.seen_seq, over=change.drawn_seq)
        if stale is not None:
            change = await self._ledger.record(change.id, partial(decisions.moved_before_card, outcome=stale))
        return change

    async def redraw(self, change: Change) -> None:
        """Bring the card up to the change as it is; a card that is gone counts as drawn."""
        if change.card is None or change.drawn_seq >= change.seen_seq:
            return
        try:
            await self._messenger.redraw(change)
        except MessageThrottled as error:
            await self._ledger.hold(change.id, timedelta(seconds=error.retry_after))
            return
        except MessageGone:
            log.info("card_gone", change=change.id)
        except MessengerError as error:
            log.warning("card_not_redrawn", change=change.id, problem=str(error))
            return
        await self._ledger.drawn(change.id, change.seen_seq, over=change.drawn_seq)

    async def tell(self, change: Change, *, mine: bool) -> Change:
        """Say the outcome in the thread, or to the requester where the thread is gone, and write down that it was."""
        if change.card is None and (card := await self._messenger.find(change, "card")):
            change = replace(change, card=Announced(channel=card.channel, ts=card.ts))
        if not mine and (earlier := await self._messenger.find(change, "outcome")):
            return await self._told(change, Told(via="thread", channel=earlier.channel, ts=earlier.ts))
        read_back = await self._read_back(change) if change.state is State.APPLIED else None
        saying = Saying("outcome", read_back=read_back)
        said = Told(
            via="thread",
            channel="",
            ts="",
            status=read_back.reading.status if read_back and read_back.reading else "",
            differs=read_back.differs if read_back else (),
        )
        try:
            message = await self._post(change, "outcome", lambda: self._messenger.reply(change, saying), look=False)
            return await self._told(change, said.model_copy(update={"channel": message.channel, "ts": message.ts}))
        except MessageGone:
            log.info("thread_gone", change=change.id)
        try:
            message = await self._messenger.write_to_requester(change, saying)
            said = said.model_copy(update={"via": "dm", "channel": message.channel, "ts": message.ts})
        except MessageGone:
            said = said.model_copy(update={"via": "nowhere"})
        return await self._told(change, said)

    async def note(self, change: Change, text: str) -> bool:
        """Say something about a step in the thread and tell whether that worked; it is not worth a second try."""
        try:
            await self._messenger.reply(change, Saying("note", text=text))
        except MessengerError as error:
            log.warning("note_not_posted", change=change.id, problem=str(error))
            return False
        return True

    async def watch(self, change: Change) -> None:
        """Follow the status that the outcome named until it rests, for up to a minute, and say where it came to."""
        if change.told is None or not is_moving(change, change.told.status):
            return
        status, until = change.told.status, self._clock.now() + WATCH
        while is_moving(change, status) and self._clock.now() < until:
            await self._clock.sleep(WATCH_STEP)
            try:
                reading = await self._dbs.read(change.request.plan_id)
            except DbsError:
                continue
            status, message = reading.status, reading.message
        if status != change.told.status:
            said = f" DBS says: {message}" if message else ""
            await self.note(change, f"The plan's status is now {status}; it was {change.told.status}.{said}")

    async def _told(self, change: Change, data: Told) -> Change:
        return await self._ledger.record(change.id, partial(decisions.told, data=data))

    async def _post(self, change: Change, kind: Kind, post: Callable[[], Awaitable[Message]], *, look: bool) -> Message:
        """Post once: after a lost answer, look before posting again. Raises MessageGone, MessageUnanswered."""
        for _ in range(TRIES):
            try:
                if look and (found := await self._messenger.find(change, kind)):
                    return found
                await self._ledger.hold(change.id, self._grace)
                return await post()
            except MessageThrottled as error:
                await self._ledger.hold(change.id, timedelta(seconds=error.retry_after) + self._grace)
                await self._clock.sleep(error.retry_after)
            except MessageUnanswered as error:
                log.warning("message_unanswered", change=change.id, kind=kind, problem=str(error))
                look = True
                await self._clock.sleep(1)
        raise MessageUnanswered(f"tried {TRIES} times")

    async def _read(self, change: Change) -> Reading | None:
        """Read the plan while the ledger holds the change for us; None where DBS does not answer in that time."""
        await self._ledger.hold(change.id, self._grace)
        try:
            async with asyncio.timeout(self._grace.total_seconds() * 0.8):
                return await self._dbs.read(change.request.plan_id)
        except (DbsError, TimeoutError) as error:
            log.warning("plan_not_read", change=change.id, problem=str(error))
            return None

    async def _stale_already(self, change: Change) -> Stale | None:
        reading = await self._read(change)
        if reading is None or not moved(change.request.baseline, reading.baseline):
            return None
        return plan_moved(reading)

    async def _read_back(self, change: Change) -> ReadBack:
        read_back = ReadBack(None)
        for look in range(READS):
            if look:
                await self._clock.sleep(1)
            if (reading := await self._read(change)) is None:
                continue
            differs = tuple(row.parameter for row in compare_read_back(change.request.proposed, reading))
            read_back = ReadBack(reading, differs, moving=is_moving(change, reading.status))
            if not differs and reading.status == "running":
                break
        return read_back


def is_moving(change: Change, status: str) -> bool:
    """Whether DBS will leave this status by itself: a plan that is not to start automatically rests once checked."""
    rests = status == "check_pass" and change.request.proposed.get("AutoStartBackup") == "false"
    return status in MOVING and not rests
