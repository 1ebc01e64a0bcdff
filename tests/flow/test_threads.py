"""Asking for a change from the menu of a message: card and outcome go into its thread, and lead back to it."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from forms import alerts, shows
from threads import SHORTER, Message, address, approve, ask_at, form, links, outcome_under, top_level

from bot.playground.acts import fill, inputs, replies, said, whispered
from bot.playground.dbs.faults import Gate, hold
from bot.playground.dbs.plans import redis_on_ecs
from bot.playground.slack.faults import Fault
from bot.playground.slack.server import plain_text
from bot.playground.stage import CHANNEL, Stage

PLANS = [f"dbsinc{number:06}" for number in range(20)]

History = Callable[[Stage, Message], list[tuple[str, str, dict[str, Any]]]]

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def plans(running_stage: Stage) -> Iterator[str]:
    """Plans for one change each, in the account before the bot first lists it."""
    running_stage.dbs.plans |= {plan_id: redis_on_ecs(plan_id) for plan_id in PLANS}
    return iter(PLANS)


@pytest.fixture
def plan(plans: Iterator[str]) -> str:
    """A plan that no other test uses."""
    return next(plans)


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    """The running stage."""
    return shared_stage


async def test_a_message_that_is_in_no_thread_gets_one(stage: Stage, plan: str, history: History) -> None:
    message = await stage.olga.say("Shorten retention?", CHANNEL)
    card = await ask_at(stage, message, plan)
    assert card["thread_ts"] == message["ts"]
    requested = history(stage, card)[0][2]
    assert (requested["thread"], requested["origin"]) == (message["ts"], address(message))
    await stage.rita.click(card, "withdraw")
    assert said(await outcome_under(stage, message, card))["state"] == "withdrawn"


async def test_req08_another_request_is_refused_with_a_link_to_the_card_in_its_thread(stage: Stage, plan: str) -> None:
    message = await stage.olga.say("Shorten retention?", CHANNEL)
    card = await ask_at(stage, message, plan)
    view = await form(stage.rita, message, plan, {"BackupRetentionPeriod": "40"})
    assert f"<{address(card)}|See its card>" in " ".join(alerts(view))
    await stage.rita.type("reason", "Disk is full")
    await stage.rita.submit()
    assert address(card) in stage.rita.errors["reason"]


async def test_in_another_channel_the_card_stands_by_itself_and_leads_back_all_the_same(
    stage: Stage, plan: str, history: History
) -> None:
    stage.slack.add_channel("C0OTHER", "other")
    message = await stage.olga.say("Shorten retention?", CHANNEL)
    await form(stage.rita, message, plan)
    await stage.rita.choose("channel", "C0OTHER")
    await stage.rita.type("reason", "Disk is full")
    await stage.rita.submit()
    await stage.slack.wait_for(lambda: top_level(stage, "C0OTHER"))
    (card,) = top_level(stage, "C0OTHER")
    assert links(card) == [("Asked in this message", address(message))]
    assert history(stage, card)[0][2]["thread"] == ""
    assert replies(stage.slack, message, "card") == []
    await stage.rita.click(card, "withdraw")
    await stage.slack.wait_for(lambda: replies(stage.slack, card, "outcome", "C0OTHER"))


async def test_a_command_leads_back_to_nothing(stage: Stage, plan: str, history: History) -> None:
    await stage.rita.command(f"/backup-plan configure {plan}", channel=CHANNEL)
    await stage.rita.wait_for_view(lambda view: shows(view, plan))
    await fill(stage.rita, SHORTER)
    await stage.rita.submit()
    assert "thread" not in plain_text(await stage.rita.wait_for_view(lambda view: view["callback_id"] == "review"))
    await stage.rita.type("reason", "Disk is full")
    await stage.rita.submit()
    found = await stage.slack.wait_for(lambda: [one for one in top_level(stage) if plan in plain_text(one)])
    assert links(found[0]) == []
    requested = history(stage, found[0])[0][2]
    assert (requested["thread"], requested["origin"]) == ("", "")


async def test_from_a_direct_message_a_channel_has_to_be_chosen(stage: Stage, plan: str) -> None:
    dm = stage.slack.world.workspace.dm("U0RITA")
    message = await stage.rita.say("Shorten retention?", dm.id)
    view = await form(stage.rita, message, plan)
    assert "initial_conversation" not in inputs(view)["channel"]
    await stage.rita.choose("channel", CHANNEL)
    await stage.rita.type("reason", "Disk is full")
    await stage.rita.submit()
    found = await stage.slack.wait_for(lambda: [one for one in top_level(stage) if plan in plain_text(one)])
    assert links(found[0]) == [], "nobody else could follow it"


async def test_where_the_bot_is_not_the_review_says_so_and_stays_open(stage: Stage, plan: str) -> None:
    stage.slack.add_channel("C0SOLO", "solo", bot_is_member=False)
    stage.slack.add_channel("G0SOLO", "secret", bot_is_member=False, private=True)
    for channel in ("C0SOLO", "G0SOLO"):
        message = await stage.rita.say("Shorten retention?", channel)
        view = await form(stage.rita, message, plan)
        assert inputs(view)["channel"]["initial_conversation"] == channel
        await stage.rita.type("reason", "Disk is full")
        assert (await stage.rita.submit()).action == "errors"
        assert "bot" in stage.rita.errors["channel"]
        await stage.rita.close_view(everything=True)


async def test_req16_a_moment_that_has_passed_and_a_person_who_may_not_are_told(stage: Stage, plan: str) -> None:
    message = await stage.olga.say("Shorten retention?", CHANNEL)
    stage.slack.faults.error("views.open", "expired_trigger_id")
    await stage.rita.shortcut(message, "configure")
    assert "Please do that again" in await whispered(stage.slack, stage.rita)
    await stage.gus.shortcut(message, "configure")
    await stage.gus.wait_for_view(lambda view: "Guests cannot do that" in plain_text(view))
    assert plan not in plain_text(stage.gus.view or {})


@pytest.mark.parametrize("fault", [Fault(error="message_not_found"), Fault(slow=2.5), Fault(cut=True)])
async def test_without_a_link_back_everything_else_goes_on(stage: Stage, plan: str, fault: Fault) -> None:
    message = await stage.olga.say("Shorten retention?", CHANNEL)
    stage.slack.faults.add("chat.getPermalink", fault, times=2 if fault.cut else 1)  # aiohttp repeats what only reads
    card = await ask_at(stage, message, plan)
    assert links(card) == []
    await stage.rita.click(card, "withdraw")
    await outcome_under(stage, message, card)
    assert stage.slack.faults.pending == 0


async def test_req19_in_a_thread_too_nothing_is_posted_twice_when_an_answer_is_lost(stage: Stage, plan: str) -> None:
    """However much else is said there."""
    message = await stage.olga.say("Shorten retention?", CHANNEL)
    for _ in range(5):
        await stage.olga.say("What now?", CHANNEL, thread_ts=message["ts"])
    stage.slack.world.page_size = 2
    stage.slack.faults.answer_lost_after_processing("chat.postMessage")
    card = await ask_at(stage, message, plan)
    await stage.slack.wait_for(lambda: stage.slack.calls[-1].method == "conversations.replies")
    stage.slack.faults.answer_lost_after_processing("chat.postMessage")
    await stage.rita.click(card, "withdraw")
    await stage.slack.wait_for(lambda: stage.slack.faults.pending == 0)
    told = await outcome_under(stage, message, card)
    await stage.slack.wait_for(lambda: stage.slack.calls[-1].method == "conversations.replies")
    assert [len(replies(stage.slack, message, what)) for what in ("card", "outcome")] == [1, 1]
    assert said(told)["state"] == "withdrawn"
    stage.slack.world.page_size = None


async def test_req20_where_the_thread_is_gone_the_requester_is_told_alone(
    stage: Stage, plan: str, history: History
) -> None:
    """Before the card, and after it; the button in that direct message asks for a card that stands by itself."""
    rita = stage.rita
    message = await stage.olga.say("Shorten retention?", CHANNEL)
    await form(rita, message, plan)
    await rita.type("reason", "Disk is full")
    gate = Gate()
    stage.dbs.next("DescribeBackupPlanList", hold(gate, before=True), plan_id=plan)
    before = len(rita.dms)
    await rita.submit()
    await gate.reached.wait()
    stage.slack.delete_message(message["ts"])
    gate.release()
    await stage.slack.wait_for(lambda: len(rita.dms) == before + 1)
    assert "the message in whose thread it belongs was deleted" in plain_text(rita.dms[-1])
    await rita.click(rita.dms[-1], "withdraw")
    await stage.slack.wait_for(lambda: len(rita.dms) == before + 2)

    message = await stage.olga.say("And now?", CHANNEL)
    card = await ask_at(stage, message, plan)
    stage.dbs.change(plan, BackupRetentionPeriod=500)
    stage.slack.delete_message(message["ts"])
    await approve(stage, card)
    await stage.slack.wait_for(lambda: len(rita.dms) == before + 3)
    told = rita.dms[-1]
    assert said(told)["state"] == "stale"
    await stage.slack.wait_for(lambda: history(stage, card)[-1][2].get("via") == "dm")
    await rita.click(told, "new_request")
    await rita.wait_for_view(lambda view: shows(view, plan))
    await rita.submit()
    await rita.wait_for_view(lambda view: view["callback_id"] == "review")
    await rita.type("reason", "Still full")
    await rita.submit()
    found = await stage.slack.wait_for(lambda: [one for one in top_level(stage) if plan in plain_text(one)])
    assert history(stage, found[0])[0][2]["thread"] == ""


async def test_a_new_request_goes_where_its_button_is(stage: Stage, plan: str, history: History) -> None:
    message = await stage.olga.say("Shorten retention?", CHANNEL)
    card = await ask_at(stage, message, plan)
    stage.dbs.change(plan, BackupRetentionPeriod=500)
    await approve(stage, card)
    stale = await outcome_under(stage, message, card)
    assert said(stale)["state"] == "stale"
    await stage.olga.click(stale, "new_request")
    await stage.olga.wait_for_view(lambda view: shows(view, plan))
    await stage.olga.submit()
    view = await stage.olga.wait_for_view(lambda view: view["callback_id"] == "review")
    assert inputs(view)["channel"]["initial_conversation"] == CHANNEL
    await stage.olga.type("reason", "Still full")
    await stage.olga.submit()
    seen = partial(replies, stage.slack, message, "card")
    await stage.slack.wait_for(lambda: len(seen()) == 2)
    second = seen()[1]
    assert links(second) == [("Asked in this message", address(message))]
    assert history(stage, second)[0][1] == "U0OLGA"
