"""How one message gets out once: after a lost answer or a wait it is looked for before it is posted again."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import structlog

from bot.core import decisions
from bot.core.change import Change
from bot.core.saying import Kind, Message, Saying
from bot.errors import ChannelLost, MessageGone, MessageThrottled, MessageUnanswered, MessengerError
from bot.ports import Clock, Ledger, Messenger

log = structlog.get_logger("bot.posting")

T = TypeVar("T")

TRIES = 5
"""How often a message is tried before the sweep has to come back to it."""
WRITTEN = "written"


class Posting:
    """One process's way to post."""

    def __init__(self, *, ledger: Ledger, messenger: Messenger, clock: Clock) -> None:
        self._ledger = ledger
        self._messenger = messenger
        self._clock = clock
        self._tried: set[tuple[str, Kind]] = set()
        """What this process may have posted already without having written it down."""

    async def post(self, change: Change, kind: Kind, send: Callable[[], Awaitable[Message]], *, look: bool) -> Message:
        """Post once, or return what is there already. Raises MessengerError."""
        this, problem = (change.id, kind), MessengerError("never tried")
        look = look or this in self._tried
        for tried in range(TRIES):
            try:
                if look and (there := await self._there(change, kind)) is not None:
                    return there
                self._tried.add(this)
                return await send()
            except MessageThrottled as error:
                problem, wait = error, error.retry_after
            except MessageUnanswered as error:
                log.warning("message_unanswered", change=change.id, kind=kind, problem=str(error))
                problem, wait = error, 1.0
            if tried < TRIES - 1:
                await self._clock.sleep(wait)
            look = True  # whatever was waited for, another process may have been at it meanwhile
        raise problem

    def written_down(self, change: Change, kind: Kind) -> None:
        """Forget what was posted: the ledger knows."""
        self._tried.discard((change.id, kind))

    async def write_once(self, change: Change, topic: str, saying: Saying) -> Message | None:
        """Write to the requester, once at most over all processes and crashes: their messages cannot be looked through.

        So it is noted first. None where it was noted before, or no answer came: it may have been lost. Raises
        MessageGone and MessageThrottled where it was not written for certain.
        """
        topic, problem = f"{topic} of {change.id}", MessageThrottled(0.0)
        for tried in range(TRIES):
            if await self._ledger.noted(topic, WRITTEN) is None:
                return None
            try:
                return await self._messenger.write_to_requester(change, saying)
            except MessageUnanswered as error:
                log.warning("message_unanswered", change=change.id, kind=saying.kind, problem=str(error))
                return None
            except MessageGone:
                raise
            except MessageThrottled as error:
                problem = error
                await self._ledger.noted(topic, "")
            if tried < TRIES - 1:
                await self._clock.sleep(problem.retry_after)
        raise problem

    async def lose(self, change: Change, lost: ChannelLost) -> Change:
        """Write down that nothing may be written any more where it is decided; whoever finds it ended tells it."""
        log.warning("channel_lost", change=change.id, channel=change.request.channel, problem=str(lost))
        return await self._ledger.record(change.id, partial(decisions.lose_channel, sentence=str(lost)))

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Wait as Slack asks, then call again."""
        for _ in range(TRIES - 1):
            try:
                return await call()
            except MessageThrottled as error:
                await self._clock.sleep(error.retry_after)
        return await call()

    async def _there(self, change: Change, kind: Kind) -> Message | None:
        """Return a message that was written down meanwhile, or that can be found."""
        if (now := await self._ledger.change(change.id)) is not None:
            there = {"card": now.card, "outcome": now.told}.get(kind)
            if there is not None:
                return Message(there.channel, there.ts)
        return await self._messenger.find(change, kind)
