"""Approving, denying, withdrawing: what counts and who comes first, over one real process with many changes."""

import asyncio
import copy
from collections.abc import Callable
from typing import Any

import pytest

from bot.playground.acts import ask, buttons, card_now, deny, outcome, replies, said, settled, whispered
from bot.playground.dbs.account import Effect
from bot.playground.dbs.faults import Gate, hold
from bot.playground.slack.person import Person
from bot.playground.slack.server import plain_text
from bot.playground.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHORTER = {"BackupRetentionPeriod": "30"}

Message = dict[str, Any]
Events = list[tuple[str, str, dict[str, Any]]]
History = Callable[[Stage, Message], Events]
NewPlan = Callable[..., str]


def kinds(events: Events) -> list[str]:
    return [kind for kind, _, _ in events]


def barred(events: Events) -> list[tuple[str, str, str]]:
    """Return (person, action, reason) of every refused click that is recorded."""
    return [(actor, data["action"], data["reason"]) for kind, actor, data in events if kind == "barred"]


def effects(stage: Stage, plan: str) -> list[Effect]:
    return [effect for effect in stage.dbs.effects if effect.plan_id == plan]


async def open_denial(person: Person, card: Message) -> None:
    await person.click(card, "deny")
    await person.wait_for_view(lambda view: view["callback_id"] == "deny")
    await person.type("reason", "Not tonight")


async def test_req04_the_requester_decides_nothing_although_in_the_approver_group(
    shared_stage: Stage, new_plan: NewPlan, history: History
) -> None:
    stage = shared_stage
    card = await ask(stage.slack, stage.rita, new_plan(), SHORTER)
    for action in ("approve", "approve", "deny"):
        await stage.rita.click(card, action)
    await whispered(stage.slack, stage.rita, 3)
    answers = sorted(answer["text"] for answer in stage.rita.ephemerals)
    own = "You asked for this change, so somebody else has to approve it."
    assert answers == [own, own, "You asked for this change: use Withdraw to take it back."]
    assert stage.rita.view is None
    assert barred(history(stage, card)) == [("U0RITA", "approve", "requester"), ("U0RITA", "deny", "requester")]
    assert said(card_now(stage.slack, card))["state"] == "pending"


async def test_req01_one_person_is_one_vote_and_two_at_once_are_one_execution(
    shared_stage: Stage, new_plan: NewPlan, history: History
) -> None:
    stage, plan = shared_stage, new_plan()
    card = await ask(stage.slack, stage.rita, plan, SHORTER)
    await asyncio.gather(*(stage.ana.click(card, "approve", stale=True) for _ in range(2)))
    assert await whispered(stage.slack, stage.ana) == "Your approval is already recorded; 1 more needed."
    await asyncio.gather(*(stage.ben.click(card, "approve", stale=True) for _ in range(2)))
    await outcome(stage.slack, card)
    await settled(stage.slack, card)
    assert kinds(history(stage, card)).count("approved") == 2
    assert len(effects(stage, plan)) == len(replies(stage.slack, card)) == 1
    assert barred(history(stage, card)) == []


async def test_req01_a_click_delivered_twice_counts_once(
    shared_stage: Stage, new_plan: NewPlan, history: History
) -> None:
    stage = shared_stage
    card = await ask(stage.slack, stage.rita, new_plan(), SHORTER)
    await stage.ana.click(card, "approve")
    again = await stage.slack.redeliver(times=3, together=True)
    assert all(delivery.ok for delivery in again)
    assert kinds(history(stage, card)) == ["requested", "announced", "approved"]
    assert stage.ana.ephemerals == []


async def test_req03_of_denials_and_a_withdrawal_at_once_one_counts_and_the_others_are_told(
    shared_stage: Stage, new_plan: NewPlan, history: History
) -> None:
    stage, plan = shared_stage, new_plan()
    card = await ask(stage.slack, stage.rita, plan, SHORTER)
    for person in (stage.ana, stage.ben):
        await open_denial(person, card)
    await asyncio.gather(stage.ana.submit(), stage.ben.submit(), stage.rita.click(card, "withdraw"))
    told, ended = await outcome(stage.slack, card), await settled(stage.slack, card)
    ((end, by),) = [(kind, actor) for kind, actor, _ in history(stage, card) if kind in {"denied", "withdrawn"}]
    assert said(told)["state"] == said(ended)["state"] == end
    winner = stage.slack.people[by]
    for person in {stage.ana, stage.ben} - {winner}:
        assert f"already {end} by @{winner.name} at " in person.errors["reason"]
    if winner is not stage.rita:
        assert f"already denied by <@{by}> at " in await whispered(stage.slack, stage.rita)
    assert (len(replies(stage.slack, card)), effects(stage, plan)) == (1, [])


async def test_a_denial_takes_a_reason_and_says_it_to_the_requester(
    shared_stage: Stage, new_plan: NewPlan, history: History
) -> None:
    stage = shared_stage
    card = await ask(stage.slack, stage.rita, new_plan(), SHORTER)
    await stage.ana.click(card, "approve")
    await stage.ana.click(card, "deny")  # who approved may think better of it
    view = await stage.ana.wait_for_view(lambda view: view["callback_id"] == "deny")
    assert [block["block_id"] for block in view["blocks"] if block["type"] == "input"] == ["reason"]
    await stage.ana.type("reason", "Ask legal first")
    await stage.ana.submit()
    told = plain_text(await outcome(stage.slack, card))
    for text in (told, plain_text(await settled(stage.slack, card))):
        assert "Denied" in text
        assert "Ask legal first" in text
        assert "<@U0ANA>" in text
    assert "<@U0RITA>" in told, "Slack lets only those know who are named"
    assert ("denied", "U0ANA", {"reason": "Ask legal first"}) in history(stage, card)


@pytest.mark.parametrize("way", ["denied", "withdrawn"])
async def test_what_is_approved_can_be_stopped_until_it_is_sent(
    shared_stage: Stage, new_plan: NewPlan, history: History, way: str
) -> None:
    stage, plan, gate = shared_stage, new_plan(), Gate()
    card = await ask(stage.slack, stage.rita, plan, SHORTER)
    stage.dbs.next("DescribeBackupPlanList", hold(gate, before=True), plan_id=plan)
    await stage.ana.click(card, "approve")
    await stage.ben.click(card, "approve")
    await asyncio.wait_for(gate.reached.wait(), 5)
    await stage.slack.wait_for(lambda: buttons(card_now(stage.slack, card)) == ["deny", "withdraw"])
    assert "can be denied or withdrawn" in plain_text(card_now(stage.slack, card))
    if way == "denied":
        await deny(stage.ben, card)
    else:
        await stage.rita.click(card, "withdraw")
    assert said(await outcome(stage.slack, card))["state"] == way
    assert buttons(await settled(stage.slack, card)) == []
    gate.release()
    await asyncio.sleep(0.1)  # the attempt finds out
    assert "sent" not in kinds(history(stage, card))
    assert effects(stage, plan) == []


async def test_what_is_sent_cannot_be_stopped_any_more(shared_stage: Stage, new_plan: NewPlan) -> None:
    stage, plan, gate = shared_stage, new_plan(), Gate()
    card = await ask(stage.slack, stage.rita, plan, SHORTER)
    stage.dbs.next("ConfigureBackupPlan", hold(gate), plan_id=plan)
    await stage.ana.click(card, "approve")
    await stage.ben.click(card, "approve")
    await asyncio.wait_for(gate.reached.wait(), 5)
    await stage.rita.click(card, "withdraw", stale=True)
    await stage.ana.click(card, "deny", stale=True)
    late = "This change is being carried out; the thread will say what came of it."
    assert [await whispered(stage.slack, person) for person in (stage.rita, stage.ana)] == [late, late]
    assert stage.ana.view is None
    gate.release()
    assert said(await outcome(stage.slack, card))["state"] == "applied"


async def test_only_the_requester_withdraws_and_only_approvers_deny(
    shared_stage: Stage, new_plan: NewPlan, history: History
) -> None:
    stage = shared_stage
    card = await ask(stage.slack, stage.rita, new_plan(), SHORTER)
    await stage.ana.click(card, "withdraw")
    assert await whispered(stage.slack, stage.ana) == "Only <@U0RITA>, who asked for this change, can withdraw it."
    for n in (1, 2):
        await stage.olga.click(card, "deny")
        assert await whispered(stage.slack, stage.olga, n) == "You are not among the approvers of this change."
    assert stage.olga.view is None
    assert barred(history(stage, card)) == [("U0ANA", "withdraw", "not-requester"), ("U0OLGA", "deny", "not-eligible")]
    await stage.rita.click(card, "withdraw")
    assert plain_text(await outcome(stage.slack, card)).startswith("*Withdrawn* by <@U0RITA>. Nothing was sent.")
    assert buttons(await settled(stage.slack, card)) == []


async def test_req07_a_button_decides_its_own_change_and_one_of_another_version_none(
    shared_stage: Stage, new_plan: NewPlan, history: History
) -> None:
    stage, plans = shared_stage, [new_plan(), new_plan()]
    first, second = [await ask(stage.slack, stage.rita, plan, SHORTER) for plan in plans]
    older = copy.deepcopy(second)
    for button in older["blocks"][-1]["elements"]:
        button["value"] = f"{said(second)['change_id']}.{'0' * 64}"
    await stage.ana.click(older, "approve", stale=True)
    assert "another version of the request" in await whispered(stage.slack, stage.ana)
    older["blocks"][-1]["elements"][0]["action_id"] = "agree"
    await stage.ana.click(older, "agree", stale=True)
    assert "older version of the bot" in await whispered(stage.slack, stage.ana, 2)
    await stage.ana.click(second, "approve")
    await stage.ben.click(second, "approve")
    assert said(await outcome(stage.slack, second))["state"] == "applied"
    assert kinds(history(stage, first)) == ["requested", "announced"]
    assert [len(effects(stage, plan)) for plan in plans] == [0, 1]


async def test_req24_who_acts_is_whom_slack_names_not_whoever_opened_the_view(
    shared_stage: Stage, new_plan: NewPlan, history: History
) -> None:
    stage = shared_stage
    first, second = [await ask(stage.slack, stage.rita, new_plan(), SHORTER) for _ in range(2)]
    await deny(stage.ana, first)
    forged = copy.deepcopy(stage.slack.deliveries[-1].payload)
    forged["user"] |= {"id": "U0OLGA", "name": "olga"}
    forged["view"]["private_metadata"] = said(second)["change_id"]
    delivery = await stage.slack.deliver("interactive", forged)
    assert "You are not among the approvers of this change." in delivery.answer
    assert barred(history(stage, second)) == [("U0OLGA", "deny", "not-eligible")]


async def test_req23_a_click_from_another_workspace_counts_for_nothing_whatever_slack_says_of_the_person(
    shared_stage: Stage, new_plan: NewPlan, history: History
) -> None:
    stage = shared_stage
    card = await ask(stage.slack, stage.rita, new_plan(), SHORTER)
    await stage.ana.click(card, "approve")
    forged = copy.deepcopy(stage.slack.deliveries[-1].payload)
    forged["user"] |= {"id": "U0BEN", "name": "ben", "team_id": "T0OTHER"}
    assert (await stage.slack.deliver("interactive", forged)).ok
    assert barred(history(stage, card)) == [("U0BEN", "approve", "outsider")]
    assert kinds(history(stage, card)).count("approved") == 1


async def test_req31_the_history_has_every_step(shared_stage: Stage, new_plan: NewPlan, history: History) -> None:
    stage = shared_stage
    card = await ask(stage.slack, stage.rita, new_plan(), SHORTER)
    for action in ("approve", "approve", "deny"):
        await stage.olga.click(card, action)
    await whispered(stage.slack, stage.olga, 3)
    await stage.ana.click(card, "approve")
    await stage.ben.click(card, "approve")
    await outcome(stage.slack, card)
    await stage.slack.wait_for(lambda: kinds(history(stage, card))[-1] == "told")
    assert [(kind, actor) for kind, actor, _ in history(stage, card)] == [
        ("requested", "U0RITA"),
        ("announced", "bot"),
        ("barred", "U0OLGA"),
        ("barred", "U0OLGA"),
        ("approved", "U0ANA"),
        ("approved", "U0BEN"),
        ("started", "bot"),
        ("sent", "bot"),
        ("applied", "bot"),
        ("told", "bot"),
    ]
