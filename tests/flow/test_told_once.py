"""One process waits as Slack asks, another sweeps: each thing is told once, and where Slack refuses it, elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from bot.playground.acts import ask, buttons, card_now, cards, deny, kind, outcome, replies, said, settled, whispered
from bot.playground.slack.faults import Fault
from bot.playground.slack.server import plain_text
from bot.playground.stage import CHANNEL, Stage

REDIS = "dbsredisecs01"
SHORTER = {"BackupRetentionPeriod": "30"}

OpenStage = Callable[..., Awaitable[Stage]]
History = Callable[[Stage, dict[str, Any]], list[tuple[str, str, dict[str, Any]]]]


async def test_two_replicas_tell_an_outcome_once_that_slack_makes_wait(open_stage: OpenStage, history: History) -> None:
    """Slack takes long to say so of the card's drawing, and has it wait for less long than the outcome."""
    stage = await open_stage(TELL_GRACE="6s", SWEEP_INTERVAL="1s")
    first, _ = await stage.start_bot(), await stage.start_bot()
    stage.slack.point_at(first.events_url)
    card = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    stage.slack.faults.ratelimit("chat.postMessage", 12)
    stage.slack.faults.add("chat.update", Fault(slow=6.4, retry_after=0))
    await deny(stage.ana, card)
    await outcome(stage.slack, card, seconds=30)
    await stage.slack.wait_for(lambda: history(stage, card)[-1][0] == "told")
    await settled(stage.slack, card, seconds=20)
    await asyncio.sleep(7)  # for a process that would still wait
    posted = [call for call in stage.slack.journal.called("chat.postMessage") if not call.error]
    assert len(posted) == 2, "the card and its outcome"
    assert len(replies(stage.slack, card)) == 1


@pytest.mark.parametrize("code", ["cannot_reply_to_message", "ekm_access_denied", "msg_too_long", "no_such_code"])
async def test_whatever_slack_refuses_in_the_thread_is_told_by_dm(stage: Stage, history: History, code: str) -> None:
    await stage.start_bot()
    card = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    in_thread = partial(lambda args, ts: args.get("thread_ts") == ts, ts=card["ts"])
    stage.slack.faults.add("chat.postMessage", Fault(error=code), times=99, when=in_thread)
    await deny(stage.ana, card)
    await stage.slack.wait_for(lambda: history(stage, card)[-1][0] == "told")
    (told,) = stage.rita.dms
    assert (kind(told), said(told)["state"], history(stage, card)[-1][2]["via"]) == ("outcome", "denied", "dm")


async def test_a_requester_hears_that_the_card_was_deleted_and_withdraws_there(stage: Stage) -> None:
    await stage.start_bot()
    card = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    await stage.ana.click(card, "approve")
    stage.slack.delete_message(card["ts"])
    (note,) = await stage.slack.wait_for(lambda: stage.rita.dms)
    assert "The card of this change was deleted" in plain_text(note)
    assert buttons(note) == ["withdraw"]
    await stage.rita.click(note, "withdraw")
    await stage.slack.wait_for(lambda: len(stage.rita.dms) == 2)
    assert said(stage.rita.dms[1])["state"] == "withdrawn"
    other = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    assert said(other)["change_id"] != said(card)["change_id"]


async def test_an_ended_card_loses_its_buttons_when_the_bot_is_back(stage: Stage, history: History) -> None:
    """At once, where somebody clicks on it."""
    await stage.start_bot()
    card = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    ops = stage.slack.channel(CHANNEL)
    ops.bot_is_member = False
    await stage.rita.click(card, "withdraw")
    await stage.slack.wait_for(lambda: history(stage, card)[-1][0] == "told")
    refused = lambda: [call for call in stage.slack.journal.called("chat.update") if call.error]  # noqa: E731
    await stage.slack.wait_for(refused)
    assert "approve" in buttons(card_now(stage.slack, card))
    ops.bot_is_member = True
    await stage.ana.click(card_now(stage.slack, card), "approve")
    assert buttons(await settled(stage.slack, card)) == []


async def test_a_click_on_the_other_of_two_cards_takes_its_buttons_off(stage: Stage) -> None:
    """Slack takes the first post in only after the bot has looked for it and posted again."""
    await stage.start_bot()
    late = asyncio.Event()
    is_card = lambda args: "'kind': 'card'" in str(args.get("metadata"))  # noqa: E731
    stage.slack.faults.add("chat.postMessage", Fault(gate=late), when=is_card)
    card = await ask(stage.slack, stage.rita, REDIS, SHORTER, seconds=20)
    late.set()
    await stage.slack.wait_for(lambda: len(cards(stage.slack)) == 2)
    twin = next(one for one in cards(stage.slack) if one["ts"] != card["ts"])
    await stage.rita.click(card, "withdraw")
    await settled(stage.slack, card)
    assert "approve" in buttons(card_now(stage.slack, twin))
    await stage.ana.click(card_now(stage.slack, twin), "approve")
    assert "already withdrawn" in await whispered(stage.slack, stage.ana)
    assert buttons(await settled(stage.slack, twin)) == []
    assert buttons(card_now(stage.slack, card)) == []
