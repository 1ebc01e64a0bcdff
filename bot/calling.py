"""Calls on people, as the policy's rules ask for it: reminders, messages of their own, and other channels.

Each is told once at most: what it follows from is written down first, and only the process that wrote it calls.
"""

from collections.abc import Iterable

import structlog

from bot.core.change import Change, State
from bot.core.events import Approved
from bot.core.policy_words import either_of, listed
from bot.errors import LookUpFailed, MessageThrottled, MessengerError
from bot.ports import Clock, Messenger, People

log = structlog.get_logger("bot.calling")

MOST_CALLED = 50
"""People who get a message of their own about one change."""
TRIES = 3


class Calling:
    """One process's calls."""

    def __init__(self, *, messenger: Messenger, people: People, clock: Clock) -> None:
        self._messenger = messenger
        self._people = people
        self._clock = clock

    async def remind(self, change: Change) -> None:
        """Remind those who can still act, in the thread; in an incident also in the channel itself."""
        lacking, demand = change.lacking, change.request.demand
        text = f"*Still waiting for {lacking.sentence}.* {listed(lacking.helpers)}: please approve or deny."
        if change.escalated and demand.escalate_to:
            text += f" {either_of(demand.escalate_to)} may approve as well from now on."
        await self._call(change, text, broadcast=demand.incident)

    async def announced(self, change: Change) -> None:
        """Write to the approvers, where a rule asked for it."""
        demand = change.request.demand
        if demand.dm:
            text = f"<@{change.requester}> asks for a change of a backup plan that you can approve."
            await self._call_each(change, text, demand.pool[:MOST_CALLED])

    async def approved(self, change: Change) -> None:
        """Write to the requester that somebody approved, where a rule asked for it."""
        last = change.history[-1]
        if change.request.demand.dm and last.type == Approved.type():
            more = (
                f"Waiting for {change.lacking.sentence}." if change.state is State.PENDING else "That was the last one."
            )
            await self._call(change, f"<@{last.actor}> approved your change. {more}", to=change.requester)

    async def told(self, change: Change) -> None:
        """Tell the outcome to the requester, where a rule asked for it, and to the channels that rules name."""
        demand = change.request.demand
        text = f"The change that <@{change.requester}> asked for is *{change.state}*."
        if demand.dm:
            await self._call(change, text, to=change.requester)
        channels = [channel for channel in demand.notify if await self._may_be_told(channel)]
        await self._call_each(change, text, channels)

    async def _may_be_told(self, channel_id: str) -> bool:
        """Whether a channel is one of ours alone: plans are shown nowhere else."""
        try:
            channel = await self._people.channel(channel_id)
        except LookUpFailed as error:
            log.warning("channel_unknown", channel=channel_id, problem=str(error))
            return False
        if channel.is_shared_outside or not channel.bot_is_member:
            log.warning("channel_not_told", channel=channel_id, shared=channel.is_shared_outside)
            return False
        return True

    async def _call_each(self, change: Change, text: str, whom: Iterable[str]) -> None:
        for one in whom:
            await self._call(change, text, to=one)

    async def _call(self, change: Change, text: str, *, to: str = "", broadcast: bool = False) -> None:
        """Post one call; Slack's throttling is waited out, anything else is only logged: once at most."""
        for _ in range(TRIES):
            try:
                await self._messenger.call(change, text, to=to, broadcast=broadcast)
            except MessageThrottled as error:
                await self._clock.sleep(error.retry_after)
            except MessengerError as error:
                log.warning("call_not_posted", change=change.id, to=to, problem=str(error))
                return
            else:
                return
