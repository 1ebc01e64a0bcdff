"""Who counts as an approver: groups, numbers, outsiders, and people of whom Slack does not tell."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from bot.playground.acts import ask, card_now, outcome, said, whispered
from bot.playground.slack.faults import Fault
from bot.playground.slack.server import plain_text
from bot.playground.stage import POLICY, Stage

REDIS = "dbsredisecs01"
SHORTER = {"BackupRetentionPeriod": "30"}

Message = dict[str, Any]
Events = list[tuple[str, str, dict[str, Any]]]
History = Callable[[Stage, Message], Events]
OpenStage = Callable[..., Awaitable[Stage]]


def kinds(events: Events) -> list[str]:
    return [kind for kind, _, _ in events]


def policy(approvals: int, approvers: str) -> str:
    """Return the playground's policy with other approvers."""
    return POLICY.replace("approvals = 2", f"approvals = {approvals}").replace('["S0DBA"]', approvers)


async def test_req02_somebody_in_two_groups_counts_once_and_more_approvals_than_needed_block_nothing(
    open_stage: OpenStage, history: History
) -> None:
    stage = await open_stage(policy=policy(3, '["S0DBA", "S0OPS", "U0OLGA", "U0ANA"]'))
    stage.slack.add_group("S0OPS", [stage.ana, stage.ben])
    await stage.start_bot()
    card = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    assert "0 of 3" in plain_text(card)
    await stage.ana.click(card, "approve")
    await stage.ana.click(card, "approve")
    assert await whispered(stage.slack, stage.ana) == "Your approval is already recorded; 2 more needed."
    await stage.ben.click(card, "approve")
    assert stage.dbs.effects == []
    await stage.olga.click(card, "approve")
    await outcome(stage.slack, card)
    approved = [actor for kind, actor, _ in history(stage, card) if kind == "approved"]
    assert approved == ["U0ANA", "U0BEN", "U0OLGA"]


async def test_one_approval_may_be_enough_and_is_still_somebody_elses(open_stage: OpenStage) -> None:
    stage = await open_stage(policy=policy(1, '["U0RITA", "U0ANA"]'))
    await stage.start_bot()
    card = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    await stage.rita.click(card, "approve")
    await whispered(stage.slack, stage.rita)
    assert said(card_now(stage.slack, card))["state"] == "pending"
    await stage.ana.click(card, "approve")
    await outcome(stage.slack, card)
    assert len(stage.dbs.effects) == 1


async def test_req05_a_click_after_expiry_is_refused_although_nobody_swept(
    open_stage: OpenStage, history: History
) -> None:
    stage = await open_stage(policy=POLICY.replace('"4h"', '"1s"'), SWEEP_INTERVAL="1h")
    await stage.start_bot()
    card = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    await asyncio.sleep(1)
    await stage.ana.click(card, "approve")
    assert "This change expired at " in await whispered(stage.slack, stage.ana)
    await stage.ben.click(card, "deny")
    assert "This change expired at " in await whispered(stage.slack, stage.ben)
    await stage.rita.click(card, "withdraw")
    assert "This change expired at " in await whispered(stage.slack, stage.rita)
    assert kinds(history(stage, card)) == ["requested", "announced"]


async def test_req06_whoever_left_or_joined_the_group_since_does_not_count(stage: Stage, history: History) -> None:
    await stage.start_bot()
    card = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    stage.slack.add_group("S0DBA", ["U0ANA", "U0OLGA"])
    await stage.bots[0].end()
    await stage.start_bot()  # what the first one knew about people is forgotten
    await stage.ben.click(card, "approve")
    assert await whispered(stage.slack, stage.ben) == "You are no longer among the approvers that the policy names."
    await stage.olga.click(card, "approve")
    assert await whispered(stage.slack, stage.olga) == "You are not among the approvers of this change."
    await stage.ana.click(card, "approve")
    assert kinds(history(stage, card))[2:] == ["barred", "barred", "approved"]


async def test_req23_outsiders_guests_bots_and_deactivated_people_decide_nothing(
    stage: Stage, history: History
) -> None:
    """Even those who are in the approver group."""
    add = stage.slack.add_person
    strangers = {
        add("guest", id="U1GUEST", restricted=True): "Guests cannot do that",
        add("visitor", id="U1VISITOR", ultra_restricted=True): "Guests cannot do that",
        add("connect", id="U1CONNECT", team_id="T0OTHER"): "you belong to another one",
        add("stranger", id="U1STRANGER", stranger=True): "you belong to another one",
        add("machine", id="U1MACHINE", bot=True): "Only people can do that",
        add("former", id="U1FORMER", deleted=True): "This account is deactivated",
    }
    stage.slack.add_group("S0DBA", ["U0ANA", "U0BEN", *strangers])
    stage.slack.channel("C0OPS").members |= {person.id for person in strangers}
    await stage.start_bot()
    card = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    for person, why in strangers.items():
        for n, action in enumerate(("approve", "deny"), start=1):
            await person.click(card, action)
            assert why in await whispered(stage.slack, person, n)
        assert person.view is None
    events = history(stage, card)
    assert kinds(events)[2:] == ["barred"] * 12
    assert {who for _, who, _ in events[2:]} == {person.id for person in strangers}


async def test_req23_who_cannot_be_looked_up_is_refused_within_three_seconds(stage: Stage, history: History) -> None:
    faults = {"U0ZA": Fault(error="internal_error"), "U0ZB": Fault(slow=4.0), "U0ZC": Fault(retry_after=30)}
    people = {stage.slack.add_person(user_id.lower(), id=user_id): fault for user_id, fault in faults.items()}
    stage.slack.add_group("S0DBA", ["U0ANA", "U0BEN", *people])
    stage.slack.channel("C0OPS").members |= faults.keys()
    await stage.start_bot()
    card = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    for person, fault in people.items():
        stage.slack.faults.add("users.info", fault, when=partial(is_about, person.id))
    async with asyncio.timeout(3):
        await asyncio.gather(*(person.click(card, "approve") for person in people))
        for person in people:
            assert "Slack did not say in time who may do this" in await whispered(stage.slack, person)
    assert [person.notices for person in people] == [[], [], []]
    assert kinds(history(stage, card)) == ["requested", "announced"]
    again = next(iter(people))
    await again.click(card, "approve")
    assert kinds(history(stage, card)) == ["requested", "announced", "approved"]


def is_about(user_id: str, args: dict[str, Any]) -> bool:
    return bool(args["user"] == user_id)
