"""Posts the card of a change and keeps it true, as far as Slack lets it; a card that nobody can see is told."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog

from bot.core import decisions
from bot.core.change import Change, State
from bot.core.diff import moved
from bot.core.due import LOOK, SETTLES, card_is_due, card_pause, is_settled
from bot.core.events import Announced, Stale, stamp
from bot.core.reading import Reading
from bot.core.saying import Message, Saying
from bot.core.verdict import plan_moved
from bot.errors import (
    CardDeleted,
    ChannelLost,
    DbsError,
    MessageGone,
    MessageThrottled,
    MessageUnanswered,
    MessengerError,
)
from bot.holding import holding
from bot.ports import Clock, Dbs, Ledger, Messenger
from bot.posting import TRIES, Posting

log = structlog.get_logger("bot.cards")

PATIENCE = 12.0
"""Seconds for reading the plan: people wait for the card, or the outcome."""
NO_CARD = (
    "The card could not be posted: the channel is archived or gone, the bot is not in it any more, or the message in "
    "whose thread it belongs was deleted. Nobody can approve this change until it is posted. Put that right, and the "
    "card follows by itself; or withdraw the change."
)
CARD_DELETED = (
    "The card of this change was deleted, so nobody can approve, deny or withdraw it there any more. Withdraw it here, "
    "and ask again."
)


class Cards:
    """One process's hand on the cards."""

    def __init__(
        self, *, ledger: Ledger, dbs: Dbs, messenger: Messenger, posting: Posting, clock: Clock, grace: timedelta
    ) -> None:
        self._ledger = ledger
        self._dbs = dbs
        self._messenger = messenger
        self._posting = posting
        self._clock = clock
        self._grace = grace

    async def announce(self, change: Change, *, look: bool) -> Change:
        """Post the card, after one more look at the plan: what moved while the form was filled in is stale already."""
        async with holding(self._ledger, change, self._grace) as hold:
            stale = await self._stale_already(change)
            shown = change
            if stale is not None:
                now = stamp(self._clock.now())
                shown = replace(change, state=State.STALE, outcome=stale, ended_by=decisions.BOT, ended_at=now)
            post = partial(self._messenger.announce, shown, hold.check)
            try:
                card = await self._posting.post(change, "card", post, look=look)
            except ChannelLost as lost:
                await self._ledger.card_waits(change.id, card_pause(change), tried=True)
                return await self._posting.lose(change, lost)
            except MessageGone as gone:
                log.warning("card_not_posted", change=change.id, channel=change.request.channel, problem=str(gone))
                await self._ledger.card_waits(change.id, card_pause(change), tried=True)
                await self._tell_once(change, "no card", NO_CARD)
                return change
            announced = partial(decisions.announce, channel=card.channel, ts=card.ts)
            after = await self._ledger.record(change.id, announced)
            self._posting.written_down(change, "card")
        if stale is not None:
            return await self._ledger.record(change.id, partial(decisions.moved_before_card, outcome=stale))
        await self._ledger.drawn(change.id, shown.seen_seq, over=after.drawn_seq)
        return after

    async def see_to(self, change: Change, *, at_once: bool = False) -> Change:
        """Bring the card up to the change as it is, or look whether it is still there, where that is due.

        `at_once`: somebody was just misled by it. A card that was deleted counts as drawn. The change is returned as it
        is after that: stale where its channel was found to be lost.
        """
        if change.card is None or not (at_once or card_is_due(change, self._clock.now())):
            return change
        try:
            if at_once or change.drawn_seq < change.seen_seq:
                return await self._draw(change)
            await self._look(change)
        except ChannelLost as lost:
            # What ends here is told alone. Should the channel be ours again, the card must not keep its buttons.
            await self._ledger.card_waits(change.id, card_pause(change), tried=True)
            return await self._posting.lose(change, lost)
        return change

    async def draw_twin(self, change: Change, clicked: Message) -> None:
        """Draw a message that was posted as this card too, and that the ledger does not know: Slack took it in late.

        Nobody looks for it; what cannot be drawn is drawn at the next click.
        """
        at = Announced(channel=clicked.channel, ts=clicked.ts)
        if change.card in {None, at}:
            return
        log.warning("card_twice", change=change.id, ts=clicked.ts)
        try:
            await self._posting.patiently(lambda: self._messenger.redraw(replace(change, card=at)))
        except MessengerError as error:
            log.warning("twin_not_drawn", change=change.id, problem=str(error))

    async def _draw(self, change: Change) -> Change:
        """Draw the card; where Slack has it wait for a moment, in this very process. Raises ChannelLost."""
        for _ in range(TRIES):
            wait = await self.redraw(change)
            if wait is None or wait > self._grace.total_seconds():
                break
            await self._clock.sleep(wait)
            now = await self._ledger.change(change.id)
            if now is None or not card_is_due(now, self._clock.now()):
                break  # somebody else has drawn it meanwhile
            change = replace(now, card_due=change.card_due)  # what Slack asked to wait for settles nothing
        return change

    async def redraw(self, change: Change) -> float | None:
        """Draw the card as it is; return how many seconds Slack has it wait, None where that is over.

        Where an update may still land late, this one does not count: the card is drawn again in a minute. Raises
        ChannelLost.
        """
        again = None if is_settled(change, self._clock.now()) else SETTLES
        try:
            await self._messenger.redraw(change)
        except MessageThrottled as error:
            await self._ledger.card_waits(change.id, timedelta(seconds=error.retry_after))
            return error.retry_after
        except MessageUnanswered as error:
            # It may still land, over whatever somebody else draws meanwhile: nobody knows any more what is drawn.
            log.warning("card_not_redrawn", change=change.id, problem=str(error))
            await self._ledger.drawn(change.id, 0, over=change.drawn_seq)
            return None
        except CardDeleted:
            again = None
            await self._deleted(change)
        except ChannelLost:
            raise
        except MessageGone as gone:
            # The bot may be invited again, and the channel opened: then the card must not keep its buttons.
            log.info("card_shut", change=change.id, problem=str(gone))
            await self._ledger.card_waits(change.id, card_pause(change), tried=True)
            return None
        await self._ledger.drawn(change.id, change.seen_seq, over=change.drawn_seq, again=again)
        return None

    async def _look(self, change: Change) -> None:
        """Look whether a card that waits for people is still there: nothing else happens to it until it expires."""
        try:
            if not await self._messenger.is_there(change):
                await self._deleted(change)
        except ChannelLost:
            raise
        except MessengerError as error:
            log.info("card_not_seen", change=change.id, problem=str(error))
        await self._ledger.card_waits(change.id, LOOK)

    async def _deleted(self, change: Change) -> None:
        log.info("card_gone", change=change.id)
        if change.open and not change.sent_at:
            await self._tell_once(change, "deleted card", CARD_DELETED)

    async def _tell_once(self, change: Change, topic: str, text: str) -> None:
        """Tell the requester: without a card nobody can approve, and the plan is taken until the change expires."""
        try:
            await self._posting.write_once(change, topic, Saying("note", text=text))
        except MessengerError as error:
            log.warning("note_not_posted", change=change.id, problem=str(error))

    async def _stale_already(self, change: Change) -> Stale | None:
        reading = await read_soon(self._dbs, change)
        if reading is None or not moved(change.request.baseline, reading.baseline):
            return None
        return plan_moved(reading)


async def read_soon(dbs: Dbs, change: Change) -> Reading | None:
    """Read the plan; None where DBS does not answer soon."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await dbs.read(change.request.plan_id)
    except (DbsError, TimeoutError) as error:
        log.warning("plan_not_read", change=change.id, problem=str(error))
        return None
