"""What the policy's rules are asked about a change: before it is requested, and again from its history."""

from collections.abc import Collection
from dataclasses import replace

from bot.core.change import Change
from bot.core.diff import diff
from bot.core.events import Requested
from bot.core.people import Channel
from bot.core.plan import normalise
from bot.core.policy import Policy
from bot.core.policy_rule import Facts
from bot.core.reading import Reading, Values
from bot.core.risks import NAME


def facts_for(
    reading: Reading,
    proposed: Values,
    known: Values | None,
    requester: str,
    channel: Channel,
    *,
    staying: Collection[str] = (),
) -> Facts:
    """Return the facts of a change that somebody is about to ask for; who is in which group is looked up elsewhere.

    `known` and `staying` are those of `diff`.
    """
    codes = diff(reading, proposed, known, staying=staying).codes
    return replace(facts_without_risks(reading, proposed, requester, channel), risks=codes)


def facts_of(change: Change, policy: Policy) -> Facts:
    """Return the same from a change's history, for a policy: finding out risks takes longest, and few ask for them."""
    request = change.request
    channel = Channel(request.channel, name=request.channel_name, creator=request.channel_creator)
    reading = reading_of(request)
    if policy.weighs_risks:
        return facts_for(reading, request.proposed, request.known, change.requester, channel)
    return facts_without_risks(reading, request.proposed, change.requester, channel)


def facts_without_risks(reading: Reading, proposed: Values, requester: str, channel: Channel) -> Facts:
    """Return the facts of a change of which nobody asks what it does to the plan, but for its name."""
    before, after = (normalise(values).get(NAME, "") for values in (reading.values, proposed))
    return Facts(
        plan_id=reading.plan_id,
        plan_name=before,
        new_name=after if after != before else "",
        region=reading.region,
        engine=reading.database_type,
        channel_id=channel.id,
        channel_name=channel.name,
        channel_creator=channel.creator,
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
        details=request.details,
        read_at=request.read_at,
    )
