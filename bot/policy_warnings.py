"""Looks at a policy that came into force and tells the log what will be refused, or told to nobody, because of it."""

import structlog

from bot.core.policy import Policy, ever_approving, everybody, is_group
from bot.errors import LookUpFailed, NoSuchGroup
from bot.looking_up import each
from bot.ports import People

log = structlog.get_logger("bot.policy_warnings")


async def warn_of_groups(policy: Policy, people: People) -> None:
    """Warn of whom Slack does not know or cannot be asked about, and of approvers who cannot reach their number.

    One more than the number is counted: one of them may be who asks.
    """
    named = {
        *ever_approving(policy),
        *policy.defaults.requesters,
        *(who for rule in policy.rules for who in rule.on_call),
    }
    members: dict[str, frozenset[str]] = {}
    for group, found in (await each(people.members, sorted(filter(is_group, named)))).items():
        if isinstance(found, NoSuchGroup):
            members[group] = frozenset()
            log.warning("group_unknown", group=group, hint="nobody is in it: correct the policy, or enable the group")
        elif isinstance(found, LookUpFailed):
            log.warning("group_unreachable", group=group, problem=str(found))
        else:
            members[group] = found
    nobody = await _warn_of_people(sorted(one for one in named if not is_group(one)), people)
    places = [("", policy.defaults.approvers, policy.defaults.approvals)]
    places += [
        (rule.name, one.who, one.at_least) for rule in policy.rules for one in rule.places(policy.defaults.approvals)
    ]
    for rule_name, who, number in places:
        if {one for one in who if is_group(one)} <= {*members}:
            able = everybody(tuple(who), members) - nobody
            if len(able) < number + 1:
                said = {"rule": rule_name} if rule_name else {}
                log.warning("few_approvers", people=len(able), approvals=number, **said)
    for channel in sorted({one for rule in policy.rules for one in rule.notify}):
        await _warn_of_channel(channel, people)


async def _warn_of_people(named: list[str], people: People) -> frozenset[str]:
    """Return those of the people whom the policy names by themselves that Slack does not know."""
    nobody: set[str] = set()
    for user_id, found in (await each(people.person, named)).items():
        if isinstance(found, LookUpFailed):
            log.warning("person_unreachable", person=user_id, problem=str(found))
        elif not found.is_known:
            nobody.add(user_id)
            log.warning("person_unknown", person=user_id, hint="nobody has this id: correct the policy")
    return frozenset(nobody)


async def _warn_of_channel(channel_id: str, people: People) -> None:
    try:
        channel = await people.channel(channel_id)
    except LookUpFailed as error:
        log.warning("channel_unreachable", channel=channel_id, problem=str(error))
        return
    if channel.is_shared_outside or not channel.bot_is_member:
        log.warning("channel_unreachable", channel=channel_id, shared=channel.is_shared_outside)
