"""Tells people: the outcome in the card's thread, once, notes about steps, and where a status came to.

Whoever recorded an outcome tells it at once; anybody else looks for an earlier message first (`look`). While somebody
is at it, the ledger holds the change back from every other process.
"""

from datetime import timedelta
from functools import partial

import structlog

from bot.cards import read_soon
from bot.core import decisions
from bot.core.change import Change, State
from bot.core.diff import compare_read_back
from bot.core.events import Told, moment
from bot.core.reading import Reading
from bot.core.saying import ReadBack, Saying
from bot.errors import ChannelLost, DbsError, MessageGone, MessengerError
from bot.holding import Hold, holding
from bot.ports import Clock, Dbs, Ledger, Messenger
from bot.posting import Posting

log = structlog.get_logger("bot.telling")

READS = 3
"""How often the plan is read back, a second apart, before the outcome is told as it is."""
WATCH = timedelta(minutes=1)
"""How long after the call a status that still moves is followed."""
WATCH_STEP = 5.0
"""Seconds between two looks at it."""
MOVING = frozenset({"wait", "init", "check_pass"})
"""Statuses that DBS leaves by itself."""


class Telling:
    """One process's voice."""

    def __init__(
        self, *, ledger: Ledger, dbs: Dbs, messenger: Messenger, posting: Posting, clock: Clock, grace: timedelta
    ) -> None:
        self._ledger = ledger
        self._dbs = dbs
        self._messenger = messenger
        self._posting = posting
        self._clock = clock
        self._grace = grace

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
            self._posting.written_down(change, "outcome")
        return change, reading

    async def note(self, change: Change, text: str, reading: Reading | None = None) -> bool:
        """Say something about a step in the thread and return whether it is there for certain.

        A note that cannot be posted is not worth a second try.
        """
        saying = Saying("note", text=text, read_back=ReadBack(reading) if reading else None)
        try:
            await self._posting.patiently(lambda: self._messenger.reply(change, saying))
        except ChannelLost as lost:
            await self._posting.lose(change, lost)
        except MessengerError as error:
            log.warning("note_not_posted", change=change.id, problem=str(error))
        else:
            return True
        return False

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

    async def _with_card(self, change: Change) -> Change:
        """Return a change with its card, where it was posted and the process ended before it was written down."""
        card = await self._posting.patiently(lambda: self._messenger.find(change, "card"))
        if card is None:
            return change
        announced = partial(decisions.announce, channel=card.channel, ts=card.ts)
        return await self._ledger.record(change.id, announced)

    async def _say(self, change: Change, saying: Saying, hold: Hold, *, look: bool) -> Told:
        try:
            reply = partial(self._messenger.reply, change, saying, hold.check)
            said = await self._posting.post(change, "outcome", reply, look=look)
            return Told(via="thread", channel=said.channel, ts=said.ts)
        except MessageGone as gone:
            log.info("thread_gone", change=change.id, problem=str(gone))
        try:
            written = await self._posting.write_once(change, "outcome", saying)
        except MessageGone:
            log.warning("told_nowhere", change=change.id)
            return Told(via="nowhere", channel="", ts="")
        # Without an answer nobody can say where it is; it is not written again.
        return Told(via="dm", channel=written.channel if written else "", ts=written.ts if written else "")

    async def _read_back(self, change: Change) -> ReadBack:
        read_back = ReadBack(None)
        for look in range(READS):
            if look:
                await self._clock.sleep(1)
            if (reading := await read_soon(self._dbs, change)) is None:
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
