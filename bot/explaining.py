"""`policy explain`: who may approve a supposed change, how many, when, and why, as plain sentences.

It asks nobody but the policy file, unless told to read the plan from DBS or to look people up in Slack.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

from bot.config import DbsSettings, PaceSettings, PolicySettings, SlackSettings
from bot.core.evaluation import evaluate, wanted_groups
from bot.core.outlook import WhatIf, only_elsewhere, outlook, shortage, without_markup
from bot.core.policy import Policy, everybody, is_group
from bot.core.policy_words import both, explain
from bot.core.reading import Reading
from bot.core.supposed import Supposed
from bot.errors import BotError, DbsError, DbsRefused, LookUpFailed, NoSuchGroup
from bot.looking_up import each
from bot.policy_file import load_policy
from bot.ports import People

NO_VALUES = "No value is given with --set, so what hangs on a risk is told as an “if”."
TELLS = {"plans": "--name", "regions": "--region", "engines": "--engine", "channels": "--channel", "when": "--now"}
"""The option that settles each kind of condition; --read settles the first three as well, and often the last."""
REMEMBERED = (
    "What DBS does not show ({labels}) is sent as this bot last set it, and left out where it does not remember it. "
    "The ledger is not asked here; the review of the change says which."
)


async def explained(supposed: Supposed, at: datetime, *, read: bool, slack: bool) -> list[str]:
    """Return the answer, line by line. Raises ConfigError for settings or policy, BotError where a look-up fails."""
    policy = load_policy(PolicySettings.from_environment().policy_file)
    if read:
        supposed = replace(supposed, reading=await _read(supposed.plan_id))
    if not slack:
        return list(_answer(policy, supposed, None, at))
    async with _slack() as people:
        if supposed.channel.id:
            supposed = replace(supposed, channel=await people.channel(supposed.channel.id))
        groups = {*wanted_groups(policy, supposed.facts()), *filter(is_group, policy.defaults.requesters)}
        found = await each(people.members, sorted(groups))
    members: dict[str, frozenset[str]] = {}
    gone: list[str] = []
    for group, answer in found.items():
        if isinstance(answer, NoSuchGroup):
            gone.append(f"{answer}: nobody is in it.")
        elif isinstance(answer, LookUpFailed):
            raise answer
        members[group] = frozenset() if isinstance(answer, NoSuchGroup) else answer
    return [*_answer(policy, supposed, members, at), *gone]


def _answer(
    policy: Policy, supposed: Supposed, members: Mapping[str, frozenset[str]] | None, at: datetime
) -> Iterator[str]:
    facts = supposed.facts()
    yield from supposed.rows() or [NO_VALUES]
    yield ""
    asked = evaluate(policy, replace(facts, members=members or {}))
    lines = explain(asked, at, counted=members is not None)
    lines += [_may_ask(policy, facts.requester, members), only_elsewhere(policy, facts.channel_id)]
    if members is not None and not asked.denied:
        lines.append(shortage(asked))
    yield from (without_markup(line) for line in lines if line)
    what_ifs = outlook(policy, facts, supposed.unknown(), at)
    for what_if in what_ifs:
        yield ""
        yield without_markup(what_if.headline)
        yield from (f"  - {without_markup(line)}" for line in what_if.lines)
    groups = frozenset[str]() if asked.denied else wanted_groups(policy, facts)
    yield from _open_questions(supposed, groups, what_ifs, looked_up=members is not None)


def _may_ask(policy: Policy, by: str, members: Mapping[str, frozenset[str]] | None) -> str:
    allowed = policy.defaults.requesters
    if not by or not allowed or by in everybody(allowed, members or dict.fromkeys(allowed, frozenset())):
        return ""
    groups = [one for one in allowed if is_group(one)]
    if members is None and groups:
        return f"{by} may ask for it only as a member of {' or '.join(groups)}."
    return f"{by} may not ask for it: the policy does not name them among those who may."


def _open_questions(
    supposed: Supposed, groups: Iterable[str], what_ifs: Iterable[WhatIf], *, looked_up: bool
) -> Iterator[str]:
    """Say which options would settle what is open."""
    channel = supposed.channel
    if channel.id or (channel.name and channel.creator is None):
        tells = TELLS | {"channels": "--slack" if channel.id else "--creator"}
    else:
        tells = TELLS
    if not supposed.then:
        tells = tells | {"when": "--set"} | ({"plans": "--set"} if supposed.is_named else {})
    kinds = frozenset[str]().union(*(what_if.hangs_on for what_if in what_ifs))
    risks = frozenset[str]().union(*(what_if.risks for what_if in what_ifs))
    told = kinds if risks & supposed.told_by_values else kinds - {"when"}
    options = list(dict.fromkeys(option for kind, option in tells.items() if kind in told))
    hints = []
    if options:
        or_read = ", or --read to ask DBS" if told - {"channels"} and supposed.reading is None else ""
        hints.append(f"To know which “if” holds, give {both(options)}{or_read}.")
    if supposed.then and risks & supposed.told_by_ledger:
        hints.append(REMEMBERED.format(labels=", ".join(supposed.left_to_the_ledger)))
    if not looked_up and (named := sorted(groups)):
        hints.append(f"Nobody looked up who is in {both(named)}: --slack does.")
    yield from ["", *hints] if hints else []


async def _read(plan_id: str) -> Reading:
    from bot.alibaba.credentials import ChainedKeys  # noqa: PLC0415 - only --read needs Alibaba's libraries
    from bot.alibaba.dbs import DbsClient  # noqa: PLC0415

    settings, timeout = DbsSettings.from_environment(), PaceSettings.from_environment().dbs_timeout.total_seconds()
    client = DbsClient(
        settings.dbs_url,
        region=settings.dbs_region,
        keys=ChainedKeys(),
        timeout=timeout,
        parameters=settings.dbs_parameters,
    )
    async with client as dbs:
        try:
            return await dbs.read(plan_id)
        except DbsError as error:
            advice = error.advice if isinstance(error, DbsRefused) else ""
            raise BotError(f"DBS did not show {plan_id}: {error} {advice}".strip()) from error


@asynccontextmanager
async def _slack() -> AsyncIterator[People]:
    from bot.slack.people import SlackPeople  # noqa: PLC0415 - only --slack needs Slack's libraries
    from bot.slack.web import new_client, new_session  # noqa: PLC0415

    settings = SlackSettings.from_environment()
    session = new_session()
    try:
        yield SlackPeople(new_client(settings.slack_bot_token.get_secret_value(), settings.slack_api_url, session))
    finally:
        await session.close()
