"""What the policy's rules are asked about a change: before it is requested, and again from its history."""

from dataclasses import replace

from bot.core.change import Change
from bot.core.diff import diff
from bot.core.events import Requested
from bot.core.people import Channel
from bot.core.policy import Policy
from bot.core.policy_rule import Facts
from bot.core.reading import Reading, Values


def facts_for(reading: Reading, proposed: Values, known: Values | None, requester: str, channel: Channel) -> Facts:
    """Return the facts of a change that somebody is about to ask for; who is in which group is looked up elsewhere."""
    risks = frozenset(risk.code for risk in diff(reading, proposed, known).risks)
    return replace(_facts(reading, requester, channel), risks=risks)


def facts_of(change: Change, policy: Policy) -> Facts:
    """Return the same from a change's history, for a policy: finding out risks takes longest, and few ask for them."""
    request = change.request
    channel, reading = Channel(request.channel, name=request.channel_name), reading_of(request)
    if policy.weighs_risks:
        return facts_for(reading, request.proposed, request.known, change.requester, channel)
    return _facts(reading, change.requester, channel)


def _facts(reading: Reading, requester: str, channel: Channel) -> Facts:
    return Facts(
        plan_id=reading.plan_id,
        plan_name=reading.values.get("BackupPlanName", ""),
        region=reading.region,
        engine=reading.database_type,
        channel_id=channel.id,
        channel_name=channel.name,
        requester=requester,
    )


def reading_of(request: Requested) -> Reading:
    """Return the plan as it was read for a request."""
    values = {name: text for name, text in request.baseline.items() if name not in {"DatabaseType", "BackupMethod"}}
    return Reading(
        values=values,
        database_type=request.baseline.get("DatabaseType", ""),
        backup_method=request.baseline.get("BackupMethod", ""),
        status=request.status,
        region=request.region,
    )
