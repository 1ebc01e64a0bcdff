"""Asks Slack what the policy needs to know about people, and the policy what follows from it.

While a person waits for an answer, look-ups are bounded and a failed one refuses; before sending, everybody is looked
up afresh.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial

from bot.core import policy as rules
from bot.core.asked import facts_of, reading_of
from bot.core.calendar import is_open
from bot.core.change import Change
from bot.core.evaluation import evaluate, tightened_since, wanted_groups
from bot.core.events import Demand, Stale
from bot.core.people import Channel, Person
from bot.core.policy import Policy, channel_lost, ever_approving, everybody, is_group
from bot.core.policy_rule import Facts
from bot.core.policy_words import say_opening
from bot.core.slots import filled
from bot.deadline import FOR_THE_LEDGER, left
from bot.errors import LookUpFailed, NoSuchGroup, Refusal
from bot.looking_up import each, enough
from bot.ports import People

Members = dict[str, frozenset[str]]
"""User-group id → the user ids in it."""

LISTENER_LIMIT = 2.0
"""Seconds that look-ups may take at most while somebody waits."""


@asynccontextmanager
async def answered_in_time() -> AsyncIterator[None]:
    """Turn a look-up that fails or takes too long into a Refusal: not knowing somebody is no reason to let them."""
    try:
        async with asyncio.timeout(left(LISTENER_LIMIT, keep=FOR_THE_LEDGER)):
            yield
    except (LookUpFailed, TimeoutError) as error:
        raise Refusal(
            "look-up", "Slack did not say in time who may do this, so nothing was recorded. Try again in a moment."
        ) from error


class Rights:
    """Who may do what, under the policy in force, in one workspace.

    The policy may change at any time: whatever asks Slack in between keeps to the one it began with.
    """

    def __init__(self, in_force: Callable[[], Policy], people: People, team_id: str) -> None:
        """`in_force` returns the policy as it is now."""
        self._in_force = in_force
        self.people = people
        self.team_id = team_id

    @property
    def policy(self) -> Policy:
        """The policy as it is now."""
        return self._in_force()

    async def may_request(self, user_id: str) -> None:
        """Raise Refusal unless this person may ask for changes."""
        async with answered_in_time():
            if why := await self._no_requester(self.policy, user_id):
                raise Refusal("not-allowed", why)

    async def may_see(self, user_id: str) -> None:
        """Raise Refusal unless this person may ask for changes or approve them."""
        async with answered_in_time():
            policy = self.policy
            if await self._no_requester(policy, user_id) and await self._no_approver(policy, user_id):
                raise Refusal(
                    "not-allowed", "Backup plans are shown only to people who may request or approve changes."
                )

    async def channel(self, channel_id: str) -> Channel:
        """Return a conversation, afresh; one without a name for no id. Raises Refusal where Slack does not say."""
        if not channel_id:
            return Channel("")
        async with answered_in_time():
            return await self.people.channel(channel_id)

    async def asked(self, policy: Policy, facts: Facts) -> Demand:
        """Say what a policy asks for, also where it denies it or too few people can. Raises Refusal as `channel`."""
        async with answered_in_time():
            return await self._evaluate(policy, facts)

    async def demand(self, facts: Facts) -> Demand:
        """Say who must approve a change. Raises Refusal where the policy denies it, or too few people can."""
        async with answered_in_time():
            asked = await self._evaluate(self.policy, facts)
            if asked.denied:
                raise Refusal("denied", asked.denied)
            able = await enough(asked, self.people.person, self.team_id)
            missing = filled(asked, able)
            if missing.done:
                return asked
            what_to_do = await self._gone(asked) or "Have the approver group or the policy extended."
        raise Refusal(
            "pool",
            f"{asked.approvals} people besides you have to approve this, but the policy's approvers come to only "
            f"{max(0, asked.approvals - missing.number)}; it takes {missing.number} more. {what_to_do}",
        )

    async def standing(self, change: Change, user_id: str) -> tuple[Refusal | None, Stale | None]:
        """Say why this person may not decide on a change (None if they may), and what of it is stale by now."""
        try:
            async with answered_in_time():
                policy = self.policy
                person, now, channel = await asyncio.gather(
                    self.people.person(user_id),
                    self._evaluate(policy, facts_of(change, policy)),
                    self.people.channel(change.request.channel, fresh=False),
                )
        except Refusal as refusal:
            return refusal, None
        stale = None
        if lost := channel_lost(policy, channel):
            stale = Stale(why="channel", sentence=lost)
        elif more := tightened_since(now, change.request.demand):
            stale = Stale(why="policy", sentence=more)
        why = self._bars_voter(change, now, person)
        return (Refusal("not-eligible", why) if why else None), stale

    async def no_longer(self, change: Change, at: datetime) -> Stale | None:
        """Look everybody and the channel up afresh and say what, at this moment, no longer holds of what was approved.

        Raises LookUpFailed.
        """
        if why := self.secrets_changed(change):
            return Stale(why="policy", sentence=why)
        policy, asked = self.policy, change.request.demand
        everyone = [change.requester, *(vote.by for vote in change.votes)]
        (now, members), answers, channel = await asyncio.gather(
            asyncio.gather(
                self._evaluate(policy, facts_of(change, policy), fresh=True),
                self._members(policy.defaults.requesters, fresh=True),
            ),
            each(partial(self.people.person, fresh=True), everyone),
            self.people.channel(change.request.channel),
        )
        people = [_answered(answers[user_id]) for user_id in everyone]
        if lost := channel_lost(policy, channel):
            return Stale(why="channel", sentence=lost)
        why = tightened_since(now, asked)
        # What was closed anyway, as it was asked for, waits: only what is newly closed is stale.
        if not why and change.may_be_sent(at) and not is_open(now.windows, now.freezes, at):
            why = f"The policy has other times now than when it was asked for. {say_opening(now, at)}"
        if why:
            return Stale(why="policy", sentence=why)
        if self._bars_requester(policy, people[0], members):
            return Stale(why="requester", sentence=f"<@{change.requester}> may no longer ask for changes.")
        left = [person.id for person in people[1:] if not self._bars_voter(change, now, person)]
        # Who has moved from one group to another may still be in the pool, but in nobody's place.
        missing = max(filled(one, left, escalated=change.escalated).number for one in (asked, now))
        if not missing:
            return None
        names = ", ".join(f"<@{user_id}>" for user_id in sorted({vote.by for vote in change.votes} - {*left}))
        who = f"{names} may no longer approve" if names else "Who approved is no longer in the groups that count"
        said = f"{who}, so {max(0, asked.approvals - missing)} of {asked.approvals} approvals are left."
        return Stale(why="approver", sentence=said)

    def secrets_changed(self, change: Change) -> str:
        """Say which secret the policy no longer gives to this change as it was approved; "" if it gives all."""
        request = change.request
        read = reading_of(request).values
        for use in request.secrets.values():
            secret = self.policy.secrets.get(use.name)
            if secret is None:
                return f"The policy no longer has the secret {use.name!r}."
            if secret.ref != use.ref:
                return f"The policy now keeps the secret {use.name!r} elsewhere than when this was asked for."
            asked = request.plan_id, request.proposed, read, request.known
            if why := rules.secret_problem(self.policy, use.name, *asked):
                return why
        return ""

    async def _no_requester(self, policy: Policy, user_id: str) -> str:
        person, members = await self._look_up(user_id, policy.defaults.requesters)
        return self._bars_requester(policy, person, members)

    async def _no_approver(self, policy: Policy, user_id: str) -> str:
        person, members = await self._look_up(user_id, list(ever_approving(policy)))
        if why := person.disqualified(self.team_id):
            return why
        return "" if person.id in everybody(ever_approving(policy), members) else "You approve nothing here."

    def _bars_requester(self, policy: Policy, person: Person, members: Members) -> str:
        allowed = policy.defaults.requesters
        if why := person.disqualified(self.team_id):
            return why
        if allowed and person.id not in everybody(allowed, members):
            return "The policy does not name you among those who may ask for changes."
        return ""

    def _bars_voter(self, change: Change, now: Demand, person: Person) -> str:
        """Say why a person does not count: they have to be in the pool that was recorded, and in today's as well."""
        if why := person.disqualified(self.team_id):
            return why
        asked = change.request.demand
        if person.id not in asked.pool and not (change.escalated and person.id in asked.escalate_pool):
            return "You are not among the approvers of this change."
        if person.id not in now.pool and not (change.escalated and person.id in now.escalate_pool):
            return "You are no longer among the approvers that the policy names."
        return ""

    async def _evaluate(self, policy: Policy, facts: Facts, *, fresh: bool = False) -> Demand:
        """Evaluate the policy with everybody who is in the groups that matter for this change."""
        members = await self._members(sorted(wanted_groups(policy, facts)), fresh=fresh)
        return evaluate(policy, replace(facts, members=members))

    async def _look_up(self, user_id: str, who: list[str]) -> tuple[Person, Members]:
        return await asyncio.gather(self.people.person(user_id), self._members(who))

    async def _members(self, who: Iterable[str], *, fresh: bool = False) -> Members:
        """Return who is in each group; nobody is in one that Slack answers not to have."""
        answers = await each(partial(self.people.members, fresh=fresh), sorted(filter(is_group, who)))
        members: Members = {}
        for group, answer in answers.items():
            if isinstance(answer, LookUpFailed) and not isinstance(answer, NoSuchGroup):
                raise answer
            members[group] = frozenset() if isinstance(answer, NoSuchGroup) else answer
        return members

    async def _gone(self, asked: Demand) -> str:
        """Say which groups of approvers there are none of in Slack, "" where all are there."""
        answers = await each(self.people.members, filter(is_group, asked.approvers))
        if gone := [group for group, answer in answers.items() if isinstance(answer, NoSuchGroup)]:
            return f"Slack has no user group {' and no '.join(gone)}, or it is disabled: have the policy corrected."
        return ""


def _answered(answer: Person | LookUpFailed) -> Person:
    """Return the person. Raises LookUpFailed where there was no answer."""
    if isinstance(answer, LookUpFailed):
        raise answer
    return answer
