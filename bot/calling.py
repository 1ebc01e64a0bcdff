"""Calls on people, as the policy's rules ask for it: reminders, messages of their own, and other channels.

Each is told once at most: what it follows from is written down first, and only the process that wrote it calls.
"""

from collections.abc import Collection
from functools import partial

import structlog

from bot.core import decisions
from bot.core.change import OPEN, Change, State
from bot.core.decisions import at_time
from bot.core.events import Announced, Approved, Reminded, stamp
from bot.core.policy_words import listed
from bot.errors import ChannelLost, LedgerError, LookUpFailed, MessageThrottled, MessengerError
from bot.ports import Clock, Ledger, Messenger, People

log = structlog.get_logger("bot.calling")

MOST_CALLED = 50
"""People who get a message of their own about one change."""
TRIES = 3

PENDING = frozenset({State.PENDING})


class Calling:
    """One process's calls."""

    def __init__(self, *, ledger: Ledger, messenger: Messenger, people: People, clock: Clock) -> None:
        self._ledger = ledger
        self._messenger = messenger
        self._people = people
        self._clock = clock

    async def follow(self, change: Change) -> None:
        """Call whom the last event concerns; the change is as the ledger returned it from recording that."""
        match change.history[-1].content():
            case Announced() if change.state is State.PENDING:
                await self._announced(change)
            case Reminded() if change.state is State.PENDING:
                await self._remind(change)
            case Approved():
                await self._approved(change, change.history[-1].actor)

    async def told(self, change: Change) -> None:
        """Tell the outcome, which is in the thread by now, to those who are not there: each where a rule asked for it.

        The thread names the requester, and where it is gone they were written to already.
        """
        demand = change.request.demand
        text = f"The change that <@{change.requester}> asked for is *{change.state}*."
        in_thread = change.told is not None and change.told.via == "thread"
        if demand.dm and in_thread and change.ended_by != change.requester:
            await self._call(change, text, to=change.requester)
        for channel in demand.notify:
            if await self._may_be_told(channel):
                await self._call(change, text, to=channel)

    async def _remind(self, change: Change) -> None:
        """Remind those who can still act, by name: a group's mention would call on those who cannot as well."""
        lacking, demand = change.lacking, change.request.demand
        stand_ins = [who for who in demand.escalate_pool if who in lacking.helpers]
        first = [who for who in lacking.helpers if who not in stand_ins]
        text = f"*Still waiting for {lacking.number} more, until {at_time(stamp(change.expires_at))}.*"
        if first:
            text += f" {listed(first)}: please approve or deny."
        if stand_ins:
            text += f" {listed(stand_ins)}: from now on you may approve as well."
        await self._call(change, text, broadcast=demand.incident, while_in=PENDING)

    async def _announced(self, change: Change) -> None:
        """Write to the approvers, where a rule asked for it."""
        demand = change.request.demand
        if demand.dm:
            text = f"<@{change.requester}> asks for a change of a backup plan that you can approve."
            for one in demand.pool[:MOST_CALLED]:
                await self._call(change, text, to=one, while_in=PENDING)

    async def _approved(self, change: Change, by: str) -> None:
        """Tell the requester that somebody approved: by themselves where a rule asked for it, else in the thread.

        Without rules there is only the card, and after the last approval the outcome follows at once.
        """
        demand, to = change.request.demand, change.requester
        if until := change.waits_until:
            more = (
                f"That was the last one. It waits until {at_time(stamp(until))}, "
                "when the policy allows it to be carried out."
            )
            await self._call(change, f"<@{to}>: <@{by}> approved. {more}", while_in=OPEN)
        elif change.state is State.PENDING:
            more = f"{change.lacking.number} more needed."
            if demand.dm:
                await self._call(change, f"<@{by}> approved your change. {more}", to=to, while_in=OPEN)
            elif demand.rules:
                await self._call(change, f"<@{to}>: <@{by}> approved. {more}", while_in=OPEN)
        elif demand.dm:
            await self._call(change, f"<@{by}> approved your change. That was the last one.", to=to)

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

    async def _call(
        self,
        change: Change,
        text: str,
        *,
        to: str = "",
        broadcast: bool = False,
        while_in: Collection[State] = frozenset(State),
    ) -> None:
        """Post one call, unless the change has left the states in which it makes sense.

        Slack's throttling is waited out, anything else is only logged: once at most.
        """
        problem = "throttled"
        for _ in range(TRIES):
            try:
                now = await self._ledger.change(change.id)
                if now is None or now.state not in while_in:
                    return
                await self._messenger.call(change, text, to=to, broadcast=broadcast)
            except MessageThrottled as error:
                await self._clock.sleep(error.retry_after)
            except ChannelLost as lost:
                problem = str(lost)
                await self._ledger.record(change.id, partial(decisions.lose_channel, sentence=problem))
                break
            except (MessengerError, LedgerError) as error:
                problem = str(error)
                break
            else:
                return
        log.warning("call_not_posted", change=change.id, to=to, problem=problem)
