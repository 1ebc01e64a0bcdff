"""Asks Slack what the policy needs to know about people, and the policy what follows from it.

While a person waits for an answer, look-ups are bounded and a failed one refuses; before sending, everybody is looked
up afresh.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bot.core import policy as rules
from bot.core.change import Change
from bot.core.events import Demand, Stale
from bot.core.people import Person
from bot.core.policy import Policy, everybody, is_group
from bot.errors import LookUpFailed, Refusal
from bot.ports import People

Members = dict[str, frozenset[str]]
"""User-group id → the user ids in it."""

LISTENER_LIMIT = 2.0
"""Seconds: Slack gives up on an unanswered click after three."""


@asynccontextmanager
async def answered_in_time() -> AsyncIterator[None]:
    """Turn a look-up that fails or takes too long into a Refusal: not knowing somebody is no reason to let them."""
    try:
        async with asyncio.timeout(LISTENER_LIMIT):
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

    async def demand(self, requester: str) -> Demand:
        """Say who must approve what this person asks for. Raises Refusal where too few people can."""
        async with answered_in_time():
            policy = self.policy
            members = await self._members(policy.defaults.approvers)
            asked = rules.demand(policy, requester, members)
            eligible = 0
            for user_id in asked.pool:
                person = await self.people.person(user_id)
                eligible += not person.disqualified(self.team_id)
                if eligible >= asked.approvals:
                    return asked
        raise Refusal(
            "pool",
            f"{asked.approvals} people besides you have to approve this, but the policy's approvers come to only "
            f"{eligible}. Have the approver group or the policy extended.",
        )

    async def objection(self, change: Change, user_id: str) -> Refusal | None:
        """Say why this person may not decide on a change; None if they may."""
        try:
            async with answered_in_time():
                if user_id in change.request.demand.pool:
                    why = await self._no_approver(self.policy, user_id)
                else:
                    person = await self.people.person(user_id)
                    why = person.disqualified(self.team_id) or "You are not among the approvers of this change."
        except Refusal as refusal:
            return refusal
        return Refusal("not-eligible", why) if why else None

    def tightened(self, change: Change) -> str:
        """Say why the policy now wants more than it did; "" if it does not."""
        return rules.tightened(self.policy, change.request.demand)

    async def no_longer(self, change: Change) -> Stale | None:
        """Look everybody up afresh and say what no longer holds of what was approved. Raises LookUpFailed."""
        if why := self.tightened(change) or self.secrets_changed(change):
            return Stale(why="policy", sentence=why)
        policy = self.policy
        members = await self._members([*policy.defaults.approvers, *policy.defaults.requesters], fresh=True)
        everyone = [change.requester, *(vote.by for vote in change.votes)]
        people = await asyncio.gather(*(self.people.person(user_id, fresh=True) for user_id in everyone))
        if self._bars_requester(policy, people[0], members):
            return Stale(why="requester", sentence=f"<@{change.requester}> may no longer ask for changes.")
        pool, needed = change.request.demand.pool, change.request.demand.approvals
        gone = {
            person.id for person in people[1:] if person.id not in pool or self._bars_approver(policy, person, members)
        }
        left = len({vote.by for vote in change.votes} - gone)
        if left >= needed:
            return None
        names = ", ".join(f"<@{user_id}>" for user_id in sorted(gone))
        said = f"{names} may no longer approve, so {left} of {needed} approvals are left."
        return Stale(why="approver", sentence=said)

    def secrets_changed(self, change: Change) -> str:
        """Say which secret the policy no longer gives to this change as it was approved; "" if it gives all."""
        for use in change.request.secrets.values():
            secret = self.policy.secrets.get(use.name)
            if secret is None:
                return f"The policy no longer has the secret {use.name!r}."
            if secret.ref != use.ref:
                return f"The policy now keeps the secret {use.name!r} elsewhere than when this was asked for."
            if why := rules.secret_problem(self.policy, use.name, change.request.plan_id, change.request.proposed):
                return why
        return ""

    async def _no_requester(self, policy: Policy, user_id: str) -> str:
        person, members = await self._look_up(user_id, policy.defaults.requesters)
        return self._bars_requester(policy, person, members)

    async def _no_approver(self, policy: Policy, user_id: str) -> str:
        person, members = await self._look_up(user_id, policy.defaults.approvers)
        return self._bars_approver(policy, person, members)

    def _bars_requester(self, policy: Policy, person: Person, members: Members) -> str:
        allowed = policy.defaults.requesters
        if why := person.disqualified(self.team_id):
            return why
        if allowed and person.id not in everybody(allowed, members):
            return "The policy does not name you among those who may ask for changes."
        return ""

    def _bars_approver(self, policy: Policy, person: Person, members: Members) -> str:
        if why := person.disqualified(self.team_id):
            return why
        if person.id not in everybody(policy.defaults.approvers, members):
            return "You are no longer among the approvers that the policy names."
        return ""

    async def _look_up(self, user_id: str, who: list[str]) -> tuple[Person, Members]:
        return await asyncio.gather(self.people.person(user_id), self._members(who))

    async def _members(self, who: list[str], *, fresh: bool = False) -> Members:
        groups = sorted({one for one in who if is_group(one)})
        members = await asyncio.gather(*(self.people.members(group, fresh=fresh) for group in groups))
        return dict(zip(groups, members, strict=True))
