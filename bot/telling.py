"""Tells people: posts the card, keeps it true, and says the outcome in its thread, once.

Whoever recorded an event tells it at once; anybody else looks for an earlier message first (`look`). While somebody is
at it, the ledger holds the change back from every other process.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TypeVar

import structlog

from bot.core import decisions
from bot.core.change import Change, State
from bot.core.diff import compare_read_back, moved
from bot.core.events import Announced, Stale, Told, moment, stamp
from bot.core.reading import Reading
from bot.core.saying import Kind, Message, ReadBack, Saying
from bot.core.verdict import plan_moved
from bot.errors import DbsError, MessageGone, MessageThrottled, MessageUnanswered, MessengerError
from bot.holding import Hold, holding
from bot.ports import Clock, Dbs, Ledger, Messenger

log = structlog.get_logger("bot.telling")

T = TypeVar("T")

TRIES = 5
"""How often a message is tried before the sweep has to come back to it."""
READS = 3
"""How often the plan is read back, a second apart, before the outcome is told as it is."""
PATIENCE = 12.0
"""Seconds for one of these reads: people wait for the outcome."""
NO_CARD = (
    "The card could not be posted: the channel is archived or gone, the bot is not in it any more, or the message in "
    "whose thread it belongs was deleted. Nobody can approve this change until it is posted. Put that right, and the "
    "card follows by itself; or withdraw the change."
)
WATCH = timedelta(minutes=1)
"""How long after the call a status that still moves is followed."""
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
        self._tried: set[tuple[str, Kind]] = set()
        """What this process may have posted already without having written it down."""

    async def announce(self, change: Change, *, look: bool) -> Change:
        """Post the card, after one more look at the plan: what moved while the form was filled in is stale already."""
        async with holding(self._ledger, change, self._grace) as hold:
            stale = await self._stale_already(change)
            shown = change
            if stale is not None:
                now = stamp(self._clock.now())
                shown = replace(change, state=State.STALE, outcome=stale, ended_by=decisions.BOT, ended_at=now)
            try:
                card = await self._post(change, "card", partial(self._messenger.announce, shown, hold.check), look=look)
            except MessageGone:
                log.warning("card_not_posted", change=change.id, channel=change.request.channel)
                if not look:
                    await self._say_that_nobody_sees_it(change)
                return change
            announced = partial(decisions.announce, channel=card.channel, ts=card.ts)
            after = await self._ledger.record(change.id, announced)
            self._tried.discard((change.id, "card"))
        if stale is not None:
            return await self._ledger.record(change.id, partial(decisions.moved_before_card, outcome=stale))
        await self._ledger.drawn(change.id, shown.seen_seq, over=after.drawn_seq)
        return after

    async def redraw(self, change: Change) -> None:
        """Bring the card up to the change as it is; a card that is gone counts as drawn."""
        if change.card is None or change.drawn_seq >= change.seen_seq:
            return
        try:
            await self._messenger.redraw(change)
        except MessageThrottled as error:
            await self._ledger.hold(change.id, timedelta(seconds=error.retry_after))
            return
        except MessageUnanswered as error:
            # It may still land, over whatever somebody else draws meanwhile: nobody knows any more what is drawn.
            log.warning("card_not_redrawn", change=change.id, problem=str(error))
            await self._ledger.drawn(change.id, 0, over=change.drawn_seq)
            return
        except MessageGone:
            log.info("card_gone", change=change.id)
        await self._ledger.drawn(change.id, change.seen_seq, over=change.drawn_seq)

    async def tell(self, change: Change, *, look: bool) -> tuple[Change, Reading | None]:
        """Say the outcome in the thread, or to the requester where the thread is gone, and write down that it was.

        With the change it returns the plan as it was shown, None where it was not.
        """
        async with holding(self._ledger, change, self._grace) as hold:
            if change.card is None:
                change = await self._with_card(change)
            read_back = await self._read_back(change) if change.state is State.APPLIED else None
            reading = read_back.reading if read_back else None
            told = await self._say(change, Saying("outcome", read_back=read_back), hold, look=look)
            told = told.model_copy(
                update={
                    "status": reading.status if reading else "",
                    "differs": read_back.differs if read_back else (),
                }
            )
            change = await self._ledger.record(change.id, partial(decisions.told, data=told))
            self._tried.discard((change.id, "outcome"))
        return change, reading

    async def note(self, change: Change, text: str, reading: Reading | None = None) -> None:
        """Say something about a step in the thread; a note that cannot be posted is not worth a second try."""
        saying = Saying("note", text=text, read_back=ReadBack(reading) if reading else None)
        try:
            await self._patiently(lambda: self._messenger.reply(change, saying))
        except MessengerError as error:
            log.warning("note_not_posted", change=change.id, problem=str(error))

    async def watch(self, change: Change, shown: Reading | None) -> None:
        """Follow a status that still moves until a minute after the call, and say where it came to."""
        if shown is None or not is_moving(change, shown.status):
            return
        reading, until = shown, moment(change.ended_at) + WATCH
        while is_moving(change, reading.status) and self._clock.now() < until:
            await self._clock.sleep(WATCH_STEP)
            try:
                reading = await self._dbs.read(change.request.plan_id)
            except DbsError as error:
                log.info("plan_not_read", change=change.id, problem=str(error))
        if (reading.status, reading.message) != (shown.status, shown.message):
            await self.note(change, f"The plan has moved on since its status was {shown.status}.", reading)

    async def _say_that_nobody_sees_it(self, change: Change) -> None:
        """Tell the requester at once: without a card nobody can approve, and the plan is taken until it expires."""
        try:
            await self._messenger.write_to_requester(change, Saying("note", text=NO_CARD))
        except MessengerError as error:
            log.warning("note_not_posted", change=change.id, problem=str(error))

    async def _with_card(self, change: Change) -> Change:
        """Return a change with its card, where it was posted and the process ended before it was written down."""
        card = await self._patiently(lambda: self._messenger.find(change, "card"))
        return replace(change, card=Announced(channel=card.channel, ts=card.ts)) if card else change

    async def _say(self, change: Change, saying: Saying, hold: Hold, *, look: bool) -> Told:
        try:
            reply = partial(self._messenger.reply, change, saying, hold.check)
            said = await self._post(change, "outcome", reply, look=look)
            return Told(via="thread", channel=said.channel, ts=said.ts)
        except MessageGone:
            log.info("thread_gone", change=change.id)
        try:
            said = await self._patiently(lambda: self._messenger.write_to_requester(change, saying))
        except MessageGone:
            log.warning("told_nowhere", change=change.id)
            return Told(via="nowhere", channel="", ts="")
        return Told(via="dm", channel=said.channel, ts=said.ts)

    async def _post(self, change: Change, kind: Kind, post: Callable[[], Awaitable[Message]], *, look: bool) -> Message:
        """Post once: after a lost answer, look before posting again. Raises MessengerError."""
        this = (change.id, kind)
        for _ in range(TRIES):
            try:
                if look or this in self._tried:
                    found = await self._patiently(lambda: self._messenger.find(change, kind))
                    if found is not None:
                        return found
                self._tried.add(this)
                return await self._patiently(post)
            except MessageUnanswered as error:
                log.warning("message_unanswered", change=change.id, kind=kind, problem=str(error))
                await self._clock.sleep(1)
        raise MessageUnanswered(f"tried {TRIES} times")

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Wait as Slack asks, then call again."""
        for _ in range(TRIES - 1):
            try:
                return await call()
            except MessageThrottled as error:
                await self._clock.sleep(error.retry_after)
        return await call()

    async def _read(self, change: Change) -> Reading | None:
        """Read the plan; None where DBS does not answer soon."""
        try:
            async with asyncio.timeout(PATIENCE):
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
