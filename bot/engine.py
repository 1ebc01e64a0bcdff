"""Moves changes on: `advance` does whatever is next for one change, `sweep` finds those that are due.

`advance` is idempotent. Whoever records an event calls it at once; the sweep of every replica is the safety net, and
recovery from a crash is nothing but the sweep.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import uniform

import structlog

from bot.calling import Calling
from bot.cards import Cards
from bot.core import attempts
from bot.core.change import Change, State
from bot.core.due import card_is_due
from bot.core.events import moment, stamp
from bot.core.reminders import remind, reminder_is_due
from bot.core.saying import Message
from bot.core.whom import at_time
from bot.errors import BotError, LedgerAltered, LedgerError
from bot.execution import Again, Execution
from bot.ports import Clock, Ledger
from bot.tasks import Tasks, Turns
from bot.telling import Telling

log = structlog.get_logger("bot.engine")


RENEW = timedelta(hours=1)
"""How often the rows by which changes fall due are compared with the histories they come from."""


async def at_once() -> None:
    """Wait for nothing, but let others go on."""
    await asyncio.sleep(0)


class Engine:
    """One process's part in moving changes on."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        execution: Execution,
        cards: Cards,
        telling: Telling,
        calling: Calling,
        clock: Clock,
        sweep_interval: timedelta,
        grace: timedelta,
        before_drawing: Callable[[], Awaitable[object]] = at_once,
    ) -> None:
        """`before_drawing` is for how long a card's new drawing waits for what else may come."""
        self._ledger = ledger
        self._execution = execution
        self._cards = cards
        self._telling = telling
        self._calling = calling
        self._clock = clock
        self._sweep_interval = sweep_interval
        self._grace = grace
        self._before_drawing = before_drawing
        self._about_to_draw: set[str] = set()
        # Three turns for each change: an attempt that waits must not keep anybody from telling that it was denied.
        self._executing, self._speaking, self._drawing = Turns(), Turns(), Turns()
        self._work = Tasks()
        self._watches = Tasks()

    def advance_soon(self, change: Change) -> None:
        """Start `advance` for a change as the ledger returned it just now from recording, and return at once."""
        self._work.start(self.advance(change.id, wrote=written(change)))
        if change.appended:
            self._call(change, self._calling.follow(change))

    def draw_soon(self, change_id: str) -> None:
        """Draw a card by which somebody was just misled, however it is thought to stand, and return at once."""
        self._work.start(self._safely(change_id, self._see_to_card(change_id, at_once=True)))

    def draw_twin_soon(self, change_id: str, clicked: Message) -> None:
        """Draw the card that somebody clicked where it is a second one, and return at once."""
        self._work.start(self._safely(change_id, self._see_to_twin(change_id, clicked)))

    async def run(self) -> None:
        """Sweep until cancelled; at first, and every hour, let the ledger renew what it sweeps by."""
        renew_at = self._clock.now()
        while True:
            await self._clock.sleep(self._sweep_interval.total_seconds() * uniform(0.8, 1.0))  # noqa: S311 - jitter
            try:
                if self._clock.now() >= renew_at:
                    await self._ledger.renew_all()
                    renew_at = self._clock.now() + RENEW
                await self.sweep()
            except LedgerError as error:
                log.warning("sweep_failed", problem=str(error))
            except Exception:
                # Without its sweep the bot would look alive and forget what a crash left behind.
                log.exception("sweep_failed")

    async def sweep(self) -> list[asyncio.Task[None]]:
        """Start to advance every change that is due: one that takes long does not hold up the others."""
        due = await self._ledger.take_due(self._grace)
        return [self._work.start(self.advance(change_id)) for change_id in due]

    async def finish(self, limit: float) -> None:
        """Let what is under way end, at most `limit` seconds; what does not is found by the next process's sweep."""
        self._watches.cancel()
        await self._work.finish(limit)

    async def advance(self, change_id: str, *, wrote: int = 0) -> None:
        """Do what is next for one change; `wrote` is the seq that this process recorded just now, 0 for none.

        While that is the last event, what follows from it is for this process; others may have recorded more since.
        """
        await self._safely(change_id, self._advance(change_id, wrote))

    async def _advance(self, change_id: str, wrote: int) -> None:
        change, wrote = await self._begin(change_id, wrote)
        if change is None:
            return
        if change.state in {State.APPROVED, State.EXECUTING} and not self._executing.taken(change_id):
            async with self._executing.of(change_id):
                self._work.start(self._safely(change_id, self._see_to_card(change_id)))
                change = await self._execution.run(change_id, self._waiting)
            wrote = written(change)
        # Each for itself: a card that cannot be drawn keeps nobody from being told, nor the other way round.
        drawing = self._safely(change_id, self._see_to_card(change_id))
        if change.open:  # whoever ends it tells it
            await drawing
            return
        telling = self._safely(change_id, self._tell(change_id, wrote))
        if change.card is None:  # who tells it may find one
            await telling
            await drawing
        else:
            await asyncio.gather(telling, drawing)

    async def _begin(self, change_id: str, wrote: int) -> tuple[Change | None, int]:
        """End what has had its time and post the card of what has none; the number is `wrote`, as it is after that."""
        async with self._speaking.of(change_id):
            change = await self._ledger.change(change_id)
            if change is not None and change.open and self._clock.now() >= change.expires_at:
                change = await self._ledger.record(change_id, attempts.expire)
                wrote = written(change)
            if change is not None and change.card is None and card_is_due(change, self._clock.now()):
                change = await self._cards.announce(change, look=change.seq != wrote)
                wrote = written(change)
                if change.appended:
                    self._call(change, self._calling.follow(change))
            if change is not None and reminder_is_due(change, self._clock.now()):
                change = await self._ledger.record(change_id, remind)
                wrote = written(change)
                if change.appended:
                    self._call(change, self._calling.follow(change))
        return change, wrote

    def _call(self, change: Change, calling: Awaitable[object]) -> None:
        """Call on people without keeping anything else waiting."""
        self._work.start(self._safely(change.id, calling))

    async def _tell(self, change_id: str, wrote: int) -> None:
        async with self._speaking.of(change_id):
            change = await self._ledger.change(change_id)
            if change is None or change.open or change.told is not None:
                return
            mine, late = change.ended_seq == wrote, self._clock.now() >= moment(change.ended_at) + self._grace
            if not mine and not late:
                return  # it is for whoever recorded it
            change, shown = await self._telling.tell(change, look=late or not mine)
        self._watches.start(self._telling.watch(change, shown))
        if change.appended:
            self._call(change, self._calling.told(change))

    async def _see_to_card(self, change_id: str, *, at_once: bool = False) -> None:
        """Draw the card again, in a moment: with what comes until then, and behind clicks that wait for answers."""
        if change_id in self._about_to_draw:
            return
        self._about_to_draw.add(change_id)
        try:
            await self._before_drawing()
        finally:
            self._about_to_draw.discard(change_id)
        async with self._drawing.of(change_id):
            change = await self._ledger.change(change_id)
            if change is not None and (after := await self._cards.see_to(change, at_once=at_once)).appended:
                self.advance_soon(after)

    async def _see_to_twin(self, change_id: str, clicked: Message) -> None:
        await self._before_drawing()
        async with self._drawing.of(change_id):
            change = await self._ledger.change(change_id)
            if change is not None:
                await self._cards.draw_twin(change, clicked)

    def _waiting(self, change: Change, again: Again) -> None:
        """Say in the thread that it takes longer: after the first attempt, and when a window has closed before a send.

        Nobody waits for that.
        """
        if until := change.waits_until:
            text = (
                f"{again.after} It waits until {at_time(stamp(until))}, when the policy allows it to be carried out; "
                "until it is sent it can be denied or withdrawn."
            )
        elif attempts.tries(change) == 1:
            unsure = change.sent_at or not again.undone
            text = (
                f"Not {'confirmed' if unsure else 'done'} yet. {again.after} "
                "The bot tries again by itself, always with the same ClientToken."
            )
        else:
            return
        self._call(change, self._telling.note(change, text))

    async def _safely(self, change_id: str, step: Awaitable[object]) -> None:
        """Take a step of one change; what goes wrong in it stops neither the sweep nor the other changes."""
        try:
            await step
        except LedgerAltered:
            pass  # the ledger has said so, once, and has set it aside
        except BotError as error:
            log.warning("change_not_advanced", change=change_id, kind=type(error).__name__, problem=str(error))
        except Exception:
            log.exception("change_not_advanced", change=change_id)


def written(change: Change) -> int:
    """Return the seq of the event that the call which returned this change recorded, 0 where it recorded none."""
    return change.seq if change.appended else 0
