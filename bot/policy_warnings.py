"""Looks at a policy that came into force and tells the log what will be refused, or told to nobody, because of it."""

import structlog

from bot.core.policy import Policy, ever_approving, everybody, is_group
from bot.errors import LookUpFailed
from bot.ports import People

log = structlog.get_logger("bot.policy_warnings")


async def warn_of_groups(policy: Policy, people: People) -> None:
    """Warn of groups and channels that cannot be asked about, and of approvers who cannot reach their number.

    One more than the number is counted: one of them may be who asks.
    """
    named = {
        *ever_approving(policy),
        *policy.defaults.requesters,
        *(who for rule in policy.rules for who in rule.on_call),
    }
    members: dict[str, frozenset[str]] = {}
    for group in sorted(filter(is_group, named)):
        try:
            members[group] = await people.members(group)
        except LookUpFailed as error:
            log.warning("group_unreachable", group=group, problem=str(error))
    places = [("", policy.defaults.approvers, policy.defaults.approvals)]
    places += [
        (rule.name, one.who, one.at_least) for rule in policy.rules for one in rule.places(policy.defaults.approvals)
    ]
    for rule_name, who, number in places:
        if {one for one in who if is_group(one)} <= {*members} and len(everybody(tuple(who), members)) < number + 1:
            said = {"rule": rule_name} if rule_name else {}
            log.warning("few_approvers", people=len(everybody(tuple(who), members)), approvals=number, **said)
    for channel in sorted({one for rule in policy.rules for one in rule.notify}):
        await _warn_of_channel(channel, people)


async def _warn_of_channel(channel_id: str, people: People) -> None:
    try:
        channel = await people.channel(channel_id)
    except LookUpFailed as error:
        log.warning("channel_unreachable", channel=channel_id, problem=str(error))
        return
    if channel.is_shared_outside or not channel.bot_is_member:
        log.warning("channel_unreachable", channel=channel_id, shared=channel.is_shared_outside)
