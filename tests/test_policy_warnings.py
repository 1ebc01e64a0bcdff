"""What a policy's people and channels cannot do is told to the log when it comes into force."""

import pytest
from doubles import ANA, MemoryPeople
from structlog.testing import capture_logs

from bot.core.people import Channel
from bot.core.policy import read_policy
from bot.errors import LookUpFailed
from bot.policy_warnings import warn_of_groups

DEFAULTS = '[defaults]\napprovals = 2\napprovers = ["S0DBA"]\n'


async def warnings(people: MemoryPeople, rule: str = "") -> list[dict[str, object]]:
    policy = read_policy(DEFAULTS + (f'[[rules]]\nname = "r"\n{rule}\n' if rule else ""))
    with capture_logs() as logs:
        await warn_of_groups(policy, people)
    return [{**one, "log_level": one["log_level"]} for one in logs]


async def test_a_policy_whose_people_can_do_what_it_asks_warns_of_nothing() -> None:
    assert await warnings(MemoryPeople(), 'approvers = [{ from = ["S0DBA"], at_least = 2 }]\non_call = ["S0DBA"]') == []


async def test_a_group_of_a_rule_that_is_too_small_is_named_with_its_rule() -> None:
    people = MemoryPeople()
    people.groups["S0SRE"] = frozenset({ANA})
    (found,) = await warnings(people, 'approvers = [{ from = ["S0SRE"] }]')
    assert (found["event"], found["rule"], found["people"], found["approvals"]) == ("few_approvers", "r", 1, 1)


@pytest.mark.parametrize(
    "rule",
    [
        'approvers = ["S0GONE"]',
        'on_call = ["S0GONE"]',
        'remind_after = ["3m"]\nescalate_to = ["S0GONE"]',
    ],
)
async def test_a_group_of_a_rule_that_cannot_be_asked_about_is_named(rule: str) -> None:
    people = MemoryPeople()
    people.next("S0GONE", LookUpFailed("no_such_subteam"))
    (found,) = await warnings(people, rule)
    assert (found["event"], found["group"]) == ("group_unreachable", "S0GONE")


@pytest.mark.parametrize("rule", ['approvers = ["S0GONE"]', 'on_call = ["S0GONE"]'])
async def test_a_group_that_slack_does_not_have_is_named(rule: str) -> None:
    found = await warnings(MemoryPeople(), rule)
    assert ("group_unknown", "S0GONE") in [(one["event"], one.get("group")) for one in found]


async def test_people_whom_slack_does_not_know_are_named_and_not_counted() -> None:
    people = MemoryPeople()
    found = await warnings(people, 'approvers = [{ from = ["U0TYPO", "U0ANA", "U0BEN"], at_least = 2 }]')
    assert [(one["event"], one.get("person"), one.get("people")) for one in found] == [
        ("person_unknown", "U0TYPO", None),
        ("few_approvers", None, 2),
    ]


async def test_one_group_that_cannot_be_asked_about_hides_no_other_warning() -> None:
    people = MemoryPeople()
    people.groups |= {"S0DBA": frozenset({ANA})}
    people.next("S0AAA", LookUpFailed("no_such_subteam"))
    found = await warnings(people, 'on_call = ["S0AAA"]')
    assert [one["event"] for one in found] == ["group_unreachable", "few_approvers"]


@pytest.mark.parametrize(
    "channel",
    [Channel("C0AUDIT", is_shared_outside=True, bot_is_member=True), Channel("C0AUDIT", bot_is_member=False)],
    ids=["shared outside", "the bot is not in it"],
)
async def test_a_channel_that_will_not_be_told_is_named(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    people = MemoryPeople()

    async def look_up(_: str) -> Channel:
        return channel

    monkeypatch.setattr(people, "channel", look_up)
    (found,) = await warnings(people, 'notify = ["C0AUDIT"]')
    assert (found["event"], found["channel"]) == ("channel_unreachable", "C0AUDIT")
