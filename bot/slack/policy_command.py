"""`/backup-plan policy <plan>`: what the policy asks for a change of a plan, told to one person."""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from bot.core.asked import facts_without_risks
from bot.core.demand import Demand
from bot.core.outlook import Unknown, only_elsewhere, outlook, shortage
from bot.core.people import Channel
from bot.core.policy import Policy, channel_problem
from bot.core.policy_rule import Facts
from bot.core.policy_words import explain
from bot.core.reading import Reading
from bot.errors import BotError, DbsError, Refusal
from bot.ports import Clock, Dbs
from bot.rights import Rights
from bot.slack.configure import trouble
from bot.slack.place import of_command
from bot.slack.sparing import Sparing
from bot.slack.text import escape, shortened
from bot.slack.typed_command import AROUND_AN_ID, SHOWN
from bot.slack.whisper import Whisper
from bot.tasks import Tasks

log = structlog.get_logger("bot.slack.policy_command")

A_MINUTE = 10
"""Plans that one person may ask about."""
QUICK = 1.5
"""Seconds: what takes longer is told after the answer, for which Slack waits three."""
ONE_PLAN = "`/backup-plan policy &lt;plan id&gt;` says what the policy asks for a change of that plan; it takes one id."
LATER = "{plan} is being read from DBS; the answer follows here."
FAILED = "The policy could not be explained; try again in a moment. ({problem})"


class PolicyCommand:
    """Answers the command."""

    def __init__(self, *, dbs: Dbs, rights: Rights, clock: Clock, whisper: Whisper, tasks: Tasks) -> None:
        self._dbs = dbs
        self._rights = rights
        self._clock = clock
        self._whisper = whisper
        self._tasks = tasks
        self._sparing = Sparing(A_MINUTE)

    async def answer(self, body: Mapping[str, Any], line: str) -> str:
        """Return the answer as mrkdwn, or where it takes too long, that it will follow."""
        words = line.split()
        plan_id = words[0].strip(AROUND_AN_ID) if len(words) == 1 else ""
        if not plan_id:
            return ONE_PLAN
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._tasks.start(self._tell(body, plan_id, told))
        try:
            async with asyncio.timeout(QUICK):
                return await told
        except TimeoutError:
            return LATER.format(plan=escape(shortened(plan_id, SHOWN)))

    async def _tell(self, body: Mapping[str, Any], plan_id: str, told: asyncio.Future[str]) -> None:
        try:
            said = await self._explained(body, plan_id)
        except Refusal as refusal:
            said = refusal.sentence
        except DbsError as error:
            said = escape(trouble(shortened(plan_id, SHOWN), error))
        except BotError as error:
            log.warning("policy_not_explained", kind=type(error).__name__, problem=str(error))
            said = FAILED.format(problem=escape(str(error)))
        if told.done():  # nobody waits any more
            await self._whisper(body, said)
        else:
            told.set_result(said)

    async def _explained(self, body: Mapping[str, Any], plan_id: str) -> str:
        """Explain for a change by this person in this channel. Raises Refusal and DbsError."""
        user_id = body["user_id"]
        with self._sparing.turn(user_id):
            return await self._explained_to(user_id, body, plan_id)

    async def _explained_to(self, user_id: str, body: Mapping[str, Any], plan_id: str) -> str:
        await self._rights.may_see(user_id)
        objection = await self._objection(user_id)
        channel = await self._rights.channel(of_command(body).channel)
        reading = await self._dbs.read(plan_id)
        policy, now = self._rights.policy, self._clock.now()
        facts = facts_without_risks(reading, reading.values, "" if objection else user_id, channel)
        asked = await self._rights.asked(policy, facts)
        lines = [
            *explain(_in_code(asked), now),
            objection,
            _not_here(policy, channel),
            await self._too_few(asked, facts),
        ]
        said = [_header(reading, facts), *(f"• {line}" for line in lines if line)]
        for what_if in outlook(policy, facts, _unknown(facts), now):
            said += ["", what_if.headline, *(f"• {line}" for line in what_if.lines)]
        return "\n".join(said)

    async def _objection(self, user_id: str) -> str:
        """Say why somebody who may approve may not ask; "" if they may."""
        try:
            await self._rights.may_request(user_id)
        except Refusal as refusal:
            if refusal.reason != "not-allowed":
                raise
            return refusal.sentence
        return ""

    async def _too_few(self, asked: Demand, facts: Facts) -> str:
        """Say that it would be refused for want of approvers; "" if it would not."""
        if asked.denied or not facts.requester:
            return "" if asked.denied else shortage(asked)
        try:
            await self._rights.demand(facts)
        except Refusal as refusal:
            return refusal.sentence
        return ""


def _header(reading: Reading, facts: Facts) -> str:
    name = f"*{escape(reading.values.get('BackupPlanName', ''))}* (`{escape(reading.plan_id)}`)"
    by = " that you ask for" if facts.requester else " that somebody asks for"
    return f"A change of {name}{by}{f' in <#{facts.channel_id}>' if facts.channel_id else ''}:"


def _not_here(policy: Policy, channel: Channel) -> str:
    return only_elsewhere(policy, channel.id) or (channel_problem(policy, channel) if channel.id else "")


def _unknown(facts: Facts) -> Unknown:
    kinds = {"regions": facts.region, "engines": facts.engine, "channels": facts.channel_name}
    # A change can give the plan any name, and rules are asked about that as well.
    return Unknown(kinds=frozenset({"plans", *(kind for kind, known in kinds.items() if not known)}))


def _in_code(asked: Demand) -> Demand:
    """Put why a rule applies into code: two patterns with a `*` would make what is between them bold."""
    rules = tuple(rule.model_copy(update={"because": f"`{escape(rule.because)}`"}) for rule in asked.rules)
    return asked.model_copy(update={"rules": rules})
