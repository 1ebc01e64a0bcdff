"""Who may ask, approve and see, as the policy and Slack say it; who cannot be looked up in time may not."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from doubles import ANA, BEN, NOON, POLICY, REQUESTER, TEAM, Fault, MemoryPeople, World, wish

from bot import looking_up
from bot import rights as rights_module
from bot.core.change import Change, begin
from bot.core.events import chained
from bot.core.people import Person
from bot.core.policy import read_policy
from bot.core.policy_rule import Facts
from bot.errors import LookUpFailed, Refusal
from bot.looking_up import AT_ONCE
from bot.rights import Rights

OLGA = "U0OLGA"
FACTS = Facts(plan_id="dbs1", plan_name="orders", requester=REQUESTER)
ONLY_SOME = POLICY.replace('approvers = ["S0DBA"]', 'approvers = ["S0DBA"]\nrequesters = ["S0DEV", "U0RITA"]')
DISQUALIFIED: list[dict[str, Any]] = [
    {"is_deleted": True},
    {"is_guest": True},
    {"is_bot": True},
    {"is_stranger": True},
    {"team_id": "T0ELSE"},
]


@pytest.fixture
def people() -> MemoryPeople:
    found = MemoryPeople()
    found.people[OLGA] = Person(OLGA, TEAM)
    found.groups["S0DEV"] = frozenset({OLGA})
    return found


@pytest.fixture
def change() -> Change:
    """A change that Rita asked for, with Ana and Ben in its pool."""
    return begin(chained("", "c1", 1, REQUESTER, "2026-05-04T12:00:00.000Z", wish()))


def rights(people: MemoryPeople, policy: str = POLICY) -> Rights:
    read = read_policy(policy)
    return Rights(lambda: read, people, TEAM)


async def refusal_of(asked: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await asked
    return caught.value


# Asking


async def test_without_requesters_in_the_policy_every_full_member_may_ask(people: MemoryPeople) -> None:
    await rights(people).may_request(OLGA)


@pytest.mark.parametrize("who", [OLGA, REQUESTER])
async def test_requesters_are_named_by_group_or_by_themselves(people: MemoryPeople, who: str) -> None:
    await rights(people, ONLY_SOME).may_request(who)


async def test_who_is_not_named_among_the_requesters_may_not_ask(people: MemoryPeople) -> None:
    refusal = await refusal_of(rights(people, ONLY_SOME).may_request(ANA))
    assert refusal.sentence == "The policy does not name you among those who may ask for changes."


@pytest.mark.parametrize("flags", DISQUALIFIED)
async def test_req23_guests_outsiders_bots_and_the_deactivated_may_not_ask(
    people: MemoryPeople, flags: dict[str, Any]
) -> None:
    people.people[OLGA] = replace(people.people[OLGA], **flags)
    for policy in (POLICY, ONLY_SOME):
        assert (await refusal_of(rights(people, policy).may_request(OLGA))).reason == "not-allowed"


async def test_req23_who_cannot_be_looked_up_may_not_ask(people: MemoryPeople) -> None:
    people.next(OLGA, LookUpFailed("Slack did not answer"))
    refusal = await refusal_of(rights(people).may_request(OLGA))
    assert (refusal.reason, "nothing was recorded" in refusal.sentence) == ("look-up", True)


async def test_req15_a_look_up_that_takes_too_long_refuses_before_slack_gives_up(
    people: MemoryPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def for_ever() -> None:
        await asyncio.Event().wait()

    assert rights_module.LISTENER_LIMIT < 3
    monkeypatch.setattr(rights_module, "LISTENER_LIMIT", 0.02)
    people.next(OLGA, Fault(meanwhile=for_ever))
    assert (await refusal_of(rights(people).may_request(OLGA))).reason == "look-up"


# Seeing


@pytest.mark.parametrize("who", [ANA, BEN, OLGA, REQUESTER])
async def test_req36_who_may_ask_or_approve_may_see(people: MemoryPeople, who: str) -> None:
    await rights(people, ONLY_SOME).may_see(who)


async def test_req36_who_may_neither_ask_nor_approve_sees_nothing(people: MemoryPeople) -> None:
    people.people["U0EVE"] = Person("U0EVE", TEAM)
    refusal = await refusal_of(rights(people, ONLY_SOME).may_see("U0EVE"))
    assert "may request or approve" in refusal.sentence


# What is demanded


async def test_the_pool_is_everybody_behind_the_approvers_but_the_requester(people: MemoryPeople) -> None:
    asked = await rights(people).demand(FACTS)
    assert (asked.approvals, asked.approvers, asked.pool) == (2, ("S0DBA",), (ANA, BEN))


async def test_req02_who_is_named_twice_counts_once(people: MemoryPeople) -> None:
    policy = POLICY.replace('["S0DBA"]', '["S0DBA", "U0ANA", "S0TWO"]')
    people.groups["S0TWO"] = frozenset({ANA})
    assert (await rights(people, policy).demand(FACTS)).pool == (ANA, BEN)


async def test_req09_a_pool_that_cannot_reach_the_number_without_the_requester_is_refused(
    people: MemoryPeople,
) -> None:
    people.groups["S0DBA"] = frozenset({REQUESTER, ANA})
    refusal = await refusal_of(rights(people).demand(FACTS))
    assert refusal.reason == "pool"
    assert "2 people besides you" in refusal.sentence
    assert "come to only 1" in refusal.sentence


@pytest.mark.parametrize("flags", DISQUALIFIED)
async def test_req09_who_does_not_count_as_a_person_fills_no_pool(people: MemoryPeople, flags: dict[str, Any]) -> None:
    people.people[BEN] = replace(people.people[BEN], **flags)
    assert (await refusal_of(rights(people).demand(FACTS))).reason == "pool"


@pytest.mark.parametrize("who", ["S0DBA", ANA])
async def test_req34_a_group_or_person_that_cannot_be_asked_about_refuses(people: MemoryPeople, who: str) -> None:
    people.next(who, LookUpFailed("Slack did not answer"))
    assert (await refusal_of(rights(people).demand(FACTS))).reason == "look-up"


async def test_a_policy_that_changes_while_slack_is_asked_counts_from_the_next_question_on(
    people: MemoryPeople,
) -> None:
    old, new = read_policy(POLICY), read_policy(POLICY.replace('["S0DBA"]', '["S0NEW"]').replace("= 2", "= 1"))
    people.groups["S0NEW"] = frozenset({OLGA})
    policies = [old]
    asking = Rights(lambda: policies[-1], people, TEAM)

    async def reload() -> None:
        policies.append(new)

    people.next("S0DBA", Fault(meanwhile=reload))
    assert (await asking.demand(FACTS)).policy == old.digest
    assert asking.policy is new
    assert (await asking.demand(FACTS)).pool == (OLGA,)


# No further than the answer needs


def many(people: MemoryPeople, number: int) -> list[str]:
    """Put so many approvers into the group, who all count."""
    names = [f"U1{index:03}" for index in range(number)]
    people.people |= {name: Person(name, TEAM) for name in names}
    people.groups["S0DBA"] = frozenset(names)
    return names


async def test_of_many_approvers_only_as_many_are_asked_about_as_it_takes(people: MemoryPeople) -> None:
    many(people, 120)
    await rights(people).demand(FACTS)
    assert len([one for one in people.asked if one.startswith("U1")]) == 2


async def test_people_are_looked_up_side_by_side_and_not_too_many_at_once(people: MemoryPeople) -> None:
    names = many(people, 60)
    for name in names[:-2]:
        people.people[name] = replace(people.people[name], is_guest=True)
    inside: list[str] = []
    most: list[int] = []

    async def a_while() -> None:
        inside.append("")
        most.append(len(inside))
        for _ in range(5):
            await asyncio.sleep(0)
        inside.pop()

    for name in names:
        people.next(name, Fault(meanwhile=a_while))
    await rights(people).demand(FACTS)
    assert max(most) == AT_ONCE


async def test_who_fills_an_open_place_is_asked_about_first(people: MemoryPeople) -> None:
    many(people, 50)
    people.groups |= {"S0SRE": frozenset({"U9ZOE"})}
    people.people["U9ZOE"] = Person("U9ZOE", TEAM)
    policy = POLICY + '[[rules]]\nname = "both"\napprovers = [{ from = ["S0DBA"] }, { from = ["S0SRE"] }]\n'
    await rights(people, policy).demand(FACTS)
    assert sorted(one for one in people.asked if one[0] == "U") == ["U1000", "U9ZOE"]


async def test_one_who_is_not_answered_about_does_not_hold_up_the_others(
    people: MemoryPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def for_ever() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(looking_up, "SLOW", 0.01)
    first, *_ = many(people, 120)
    people.next(first, Fault(meanwhile=for_ever))
    assert (await rights(people).demand(FACTS)).approvals == 2


async def test_a_slack_that_does_not_answer_is_not_asked_about_everybody(people: MemoryPeople) -> None:
    for name in many(people, 120):
        people.next(name, LookUpFailed("ratelimited"))
    assert (await refusal_of(rights(people).demand(FACTS))).reason == "look-up"
    assert len(people.asked) < 10


# Whom Slack does not know


async def test_one_mistyped_approver_cannot_approve_and_the_others_can(people: MemoryPeople) -> None:
    policy = POLICY.replace('["S0DBA"]', '["S0DBA", "U0AAAAAA"]')
    assert (await rights(people, policy).demand(FACTS)).approvals == 2
    people.groups["S0DBA"] = frozenset({ANA})
    refusal = await refusal_of(rights(people, policy).demand(FACTS))
    assert (refusal.reason, "come to only 1; it takes 1 more" in refusal.sentence) == ("pool", True)


async def test_a_group_that_does_not_exist_refuses_by_name_where_it_is_needed(people: MemoryPeople) -> None:
    policy = POLICY.replace('["S0DBA"]', '["S0DBA", "S0TYPO"]')
    assert (await rights(people, policy).demand(FACTS)).pool == (ANA, BEN)
    people.groups["S0DBA"] = frozenset({ANA})
    refusal = await refusal_of(rights(people, policy).demand(FACTS))
    assert refusal.reason == "pool"
    assert "Slack has no user group S0TYPO, or it is disabled" in refusal.sentence


# Deciding


async def test_an_approver_in_the_pool_may_decide(people: MemoryPeople, change: Change) -> None:
    assert await rights(people).standing(change, ANA) == (None, None)


async def test_req04_who_joins_the_approvers_later_is_not_in_the_pool(people: MemoryPeople, change: Change) -> None:
    people.groups["S0DBA"] |= {OLGA}
    objection, _ = await rights(people).standing(change, OLGA)
    assert objection is not None
    assert objection.sentence == "You are not among the approvers of this change."


async def test_req04_the_requester_is_in_no_pool(people: MemoryPeople, change: Change) -> None:
    assert (await rights(people).standing(change, REQUESTER))[0] is not None


async def test_req06_who_left_the_approvers_may_no_longer_decide(people: MemoryPeople, change: Change) -> None:
    people.groups["S0DBA"] = frozenset({BEN})
    objection, _ = await rights(people).standing(change, ANA)
    assert objection is not None
    assert objection.sentence == "You are no longer among the approvers that the policy names."


@pytest.mark.parametrize("flags", DISQUALIFIED)
async def test_req23_an_approver_who_does_not_count_as_a_person_may_not_decide(
    people: MemoryPeople, change: Change, flags: dict[str, Any]
) -> None:
    people.people[ANA] = replace(people.people[ANA], **flags)
    objection, _ = await rights(people).standing(change, ANA)
    assert objection is not None
    assert objection.reason == "not-eligible"


@pytest.mark.parametrize("who", [ANA, "S0DBA"])
async def test_req23_an_approver_who_cannot_be_looked_up_may_not_decide(
    people: MemoryPeople, change: Change, who: str
) -> None:
    people.next(who, LookUpFailed("Slack did not answer"))
    objection, _ = await rights(people).standing(change, ANA)
    assert objection is not None
    assert objection.reason == "look-up"


# Once more before sending


async def test_what_still_holds_is_no_longer_nothing(people: MemoryPeople, tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        change = await world.approved()
    assert await rights(people).no_longer(change, NOON) is None
    assert sorted(people.fresh) == sorted([REQUESTER, ANA, BEN, "S0DBA", "C1"])


async def test_req35_a_secret_not_bound_to_what_was_left_out_makes_it_stale(
    people: MemoryPeople, tmp_path: Path
) -> None:
    """It was asked for before the policy said so, or before the bot knew to ask."""
    async with World(tmp_path) as world:
        change = await world.approved(baseline={**wish().baseline, "BackupGatewayId": "666"})
    stale = await rights(people).no_longer(change, NOON)
    assert stale is not None
    assert stale.why == "policy"
    assert "'orders-db' for gateway:666 (not sent, but DBS may keep it)" in stale.sentence


async def test_a_requester_whom_the_policy_no_longer_names_makes_it_stale(people: MemoryPeople, tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        change = await world.approved()
    policy = ONLY_SOME.replace('"S0DEV", "U0RITA"', '"S0DEV"')
    stale = await rights(people, policy).no_longer(change, NOON)
    assert stale is not None
    assert (stale.why, stale.sentence) == ("requester", f"<@{REQUESTER}> may no longer ask for changes.")
    people.groups["S0DEV"] |= {REQUESTER}
    assert await rights(people, policy).no_longer(change, NOON) is None


async def test_req02_one_approval_more_than_needed_makes_up_for_one_that_no_longer_counts(
    people: MemoryPeople, tmp_path: Path
) -> None:
    demand = wish().demand.model_copy(update={"approvals": 1})
    async with World(tmp_path) as world:
        change = await world.announced("c1", demand=demand)
        change = await world.approve(ANA)
    policy = POLICY.replace("approvals = 2", "approvals = 1")
    people.groups["S0DBA"] = frozenset({BEN})
    stale = await rights(people, policy).no_longer(change, NOON)
    assert stale is not None
    assert stale.sentence == f"<@{ANA}> may no longer approve, so 0 of 1 approvals are left."
    assert (
        await rights(people, policy).no_longer(
            replace(change, votes=(*change.votes, replace(change.votes[0], by=BEN))), NOON
        )
        is None
    )


async def test_a_freeze_that_came_after_the_request_keeps_it_from_being_sent(
    people: MemoryPeople, tmp_path: Path
) -> None:
    async with World(tmp_path) as world:
        change = await world.approved()
    policy = POLICY + '[[rules]]\nname = "holidays"\nfreezes = ["2026-05-04/2026-05-05"]\n'
    stale = await rights(people, policy).no_longer(change, NOON)
    assert stale is not None
    assert stale.why == "policy"
    assert stale.sentence.endswith("when it was asked for. It may be carried out from 2026-05-06 00:00 UTC on.")
    assert await rights(people, policy).no_longer(change, NOON + timedelta(days=2)) is None


@pytest.mark.parametrize(
    "tightened",
    ["approvals = 3", "deny = true", 'approvers = [{ from = ["S0DEV"] }]'],
    ids=["more people", "denied", "another group"],
)
async def test_a_rule_that_came_after_the_last_approval_makes_it_stale(
    people: MemoryPeople, tmp_path: Path, tightened: str
) -> None:
    async with World(tmp_path) as world:
        change = await world.approved()
    stale = await rights(people, f'{POLICY}[[rules]]\nname = "new"\n{tightened}\n').no_longer(change, NOON)
    assert stale is not None
    assert stale.why == "policy"


async def test_who_moved_to_another_group_no_longer_holds_the_place_they_approved_for(
    people: MemoryPeople, tmp_path: Path
) -> None:
    people.people |= {"U0CAT": Person("U0CAT", TEAM)}
    people.groups |= {"S0DBA": frozenset({ANA}), "S0SRE": frozenset({BEN, "U0CAT"})}
    policy = POLICY + '[[rules]]\nname = "both"\napprovers = [{ from = ["S0DBA"] }, { from = ["S0SRE"] }]\n'
    demand = await rights(people, policy).demand(FACTS)
    async with World(tmp_path) as world:
        change = await world.approved(demand=demand)
    assert await rights(people, policy).no_longer(change, NOON) is None
    people.groups |= {"S0DBA": frozenset({OLGA}), "S0SRE": frozenset({ANA, BEN})}
    stale = await rights(people, policy).no_longer(change, NOON)
    assert stale is not None
    assert (stale.why, "1 of 2 approvals are left" in stale.sentence) == ("approver", True)


async def test_req06_who_cannot_be_looked_up_before_sending_is_not_taken_for_eligible(
    people: MemoryPeople, tmp_path: Path
) -> None:
    async with World(tmp_path) as world:
        change = await world.approved()
    people.next(BEN, LookUpFailed("Slack did not answer"))
    with pytest.raises(LookUpFailed):
        await rights(people).no_longer(change, NOON)
