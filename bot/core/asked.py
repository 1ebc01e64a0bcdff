"""What the policy's rules are asked about a change: before it is requested, and again from its history."""

from bot.core.change import Change
from bot.core.diff import diff
from bot.core.events import Requested
from bot.core.people import Channel
from bot.core.policy_rule import Facts
from bot.core.reading import Reading, Values


def facts_for(reading: Reading, proposed: Values, known: Values | None, requester: str, channel: Channel) -> Facts:
    """Return the facts of a change that somebody is about to ask for; who is in which group is looked up elsewhere."""
    return Facts(
        plan_id=reading.plan_id,
        plan_name=reading.values.get("BackupPlanName", ""),
        region=reading.region,
        engine=reading.database_type,
        channel_id=channel.id,
        channel_name=channel.name,
        risks=frozenset(risk.code for risk in diff(reading, proposed, known).risks),
        requester=requester,
    )


def facts_of(change: Change) -> Facts:
    """Return the same from a change's history."""
    request = change.request
    channel = Channel(request.channel, name=request.channel_name)
    return facts_for(reading_of(request), request.proposed, request.known, change.requester, channel)


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
