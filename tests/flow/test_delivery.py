"""What people see although Slack asks to wait, loses answers, refuses blocks, or the card is gone."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from bot.playground.acts import (
    ask,
    buttons,
    card_now,
    cards,
    fill,
    kind,
    open_form,
    outcome,
    replies,
    said,
    settled,
    whispered,
)
from bot.playground.dbs.faults import Gate, hold
from bot.playground.dbs.plans import redis_on_ecs
from bot.playground.slack.faults import Fault
from bot.playground.slack.person import Person
from bot.playground.slack.server import plain_text
from bot.playground.stage import CHANNEL, Stage

REDIS = "dbsredisecs01"
SHORTER = {"BackupRetentionPeriod": "30"}
SOON = {"TELL_GRACE": "1s", "SWEEP_INTERVAL": "1s"}

Message = dict[str, Any]
History = Callable[[Stage, Message], list[tuple[str, str, dict[str, Any]]]]
OpenStage = Callable[..., Awaitable[Stage]]


async def approve(stage: Stage, card: Message) -> None:
    await stage.ana.click(card, "approve")
    await stage.ben.click(card, "approve")


def prepare(stage: Stage, case: str) -> tuple[Person, str, str]:
    """Give a case a requester, a channel and a plan of its own, so that several are lived through at once."""
    person = stage.slack.add_person(case)
    channel, plan = f"C0{case.upper()}", f"dbs{case}"
    stage.slack.add_channel(channel, case, [stage.ana, stage.ben, person])
    stage.dbs.plans[plan] = redis_on_ecs(plan)
    return person, channel, plan


def has_dms(stage: Stage, count: int) -> bool:
    return len(stage.rita.dms) == count


def answered(stage: Stage, method: str) -> list[str]:
    """Return what became of each call of a method: its error, `lost` without an answer, `ok`."""
    calls = stage.slack.journal.called(method)
    return ["ok" if call.answer and call.answer["ok"] else call.error or "lost" for call in calls]


async def test_req19_what_slack_asks_to_wait_with_is_delivered_later_in_order_and_once(open_stage: OpenStage) -> None:
    stage = await open_stage(**SOON)
    await stage.start_bot()
    faults = stage.slack.faults
    faults.ratelimit("chat.postMessage", 1)
    card = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    refused, posted = stage.slack.journal.called("chat.postMessage")
    assert refused.error == "ratelimited"
    assert posted.at - refused.at >= 1
    faults.ratelimit("chat.update", 1)
    await stage.ana.click(card, "approve")
    await stage.slack.wait_for(lambda: "1 of 2" in plain_text(card_now(stage.slack, card)))
    assert answered(stage, "chat.update") == ["ratelimited", "ok"]
    faults.ratelimit("chat.postMessage", 1, times=2)
    faults.ratelimit("chat.update", 1)
    await stage.ben.click(card, "approve")
    await outcome(stage.slack, card)
    assert buttons(await settled(stage.slack, card)) == []
    assert answered(stage, "chat.postMessage") == ["ratelimited", "ok", "ratelimited", "ratelimited", "ok"]
    assert (len(cards(stage.slack)), len(replies(stage.slack, card)), len(stage.dbs.effects)) == (1, 1, 1)
    assert faults.pending == 0


ANSWERS = {
    "lost": Fault(lose_answer=True),
    "cut": Fault(cut=True),
    "503": Fault(status=503),
    "internal": Fault(error="internal_error"),
}


async def test_req19_whatever_becomes_of_an_answer_nothing_is_posted_twice_or_not_at_all(
    open_stage: OpenStage, history: History
) -> None:
    """Card and outcome each meet one fault, while another app claims in the thread to have told the outcome."""
    stage = await open_stage(**SOON)
    asking = {case: prepare(stage, case) for case in ANSWERS}
    await stage.start_bot()

    async def live_through(case: str, fault: Fault) -> None:
        person, channel, plan = asking[case]
        stage.slack.faults.add("chat.postMessage", fault, when=lambda args: args["channel"] == channel)
        card = await ask(stage.slack, person, plan, SHORTER, channel=channel)
        await stage.slack.wait_for(lambda: ("announced", "bot") in [event[:2] for event in history(stage, card)])
        claim = {
            "change_id": said(card)["change_id"],
            "kind": "outcome",
            "state": "applied",
            "seq": 9,
            "head": "f" * 64,
        }
        metadata = {"event_type": "backup_plan_change", "event_payload": claim}
        stage.slack.post_as_other_bot(channel, "Applied.", thread_ts=card["ts"], metadata=metadata)
        stage.slack.faults.add("chat.postMessage", fault, when=lambda args: args["channel"] == channel)
        await approve(stage, card)
        await stage.slack.wait_for(lambda: history(stage, card)[-1][0] == "told", 20)
        shown = replies(stage.slack, card, channel=channel)
        (told,) = [reply for reply in shown if reply["bot_id"] == stage.slack.bot_id]
        assert history(stage, card)[-1][2]["ts"] == told["ts"]
        assert len(cards(stage.slack, channel)) == 1
        assert person.dms == []

    await asyncio.gather(*(live_through(case, fault) for case, fault in ANSWERS.items()))
    assert len(stage.dbs.effects) == len(ANSWERS)
    assert stage.slack.faults.pending == 0


async def test_req20_where_card_or_channel_is_gone_the_outcome_reaches_the_requester(
    stage: Stage, history: History
) -> None:
    stage.slack.add_channel("C1ARCHIVED", "archived")
    stage.slack.add_channel("C1REMOVED", "removed")
    stage.slack.add_channel("G1SECRET", "secret", private=True)
    await stage.start_bot()
    where = {CHANNEL: "deleted", "C1ARCHIVED": "archived", "C1REMOVED": "removed", "G1SECRET": "secret"}
    gates, made = [Gate() for _ in where], []
    for gate, (channel, name) in zip(gates, where.items(), strict=True):
        plan = f"dbs{name}"
        stage.dbs.plans[plan] = redis_on_ecs(plan, BackupPlanName=name)
        stage.dbs.next("ConfigureBackupPlan", hold(gate), plan_id=plan)
        made.append(await ask(stage.slack, stage.rita, plan, SHORTER, channel=channel))
        await approve(stage, made[-1])
        await asyncio.wait_for(gate.reached.wait(), 5)
    stage.slack.delete_message(made[0]["ts"])
    stage.slack.channel("C1ARCHIVED").archived = True
    stage.slack.channel("C1REMOVED").bot_is_member = False
    stage.slack.channel("G1SECRET").bot_is_member = False
    for gate in gates:
        gate.release()
    await stage.slack.wait_for(lambda: len(stage.rita.dms) == 4)
    assert len(stage.dbs.effects) == 4
    for card, name in zip(made, where.values(), strict=True):
        (told,) = [dm for dm in stage.rita.dms if said(dm)["change_id"] == said(card)["change_id"]]
        assert (kind(told), said(told)["state"]) == ("outcome", "applied")
        text = plain_text(told)
        assert text.startswith(f"Plan {name} (dbs{name})\nYou are told here because")
        assert text.endswith(f"history {said(told)['head'][:16]}")
    await stage.slack.wait_for(lambda: all(history(stage, card)[-1][0] == "told" for card in made))
    assert [history(stage, card)[-1][2]["via"] for card in made] == ["dm"] * 4


async def test_req20_a_card_that_cannot_be_posted_is_said_to_the_requester_and_follows_when_it_can(
    open_stage: OpenStage, history: History
) -> None:
    stage = await open_stage(**SOON)
    ops = stage.slack.channel(CHANNEL)
    await stage.start_bot()
    for n, plan in enumerate((REDIS, "dbsmssqlagent"), start=1):
        gate = Gate()
        ops.bot_is_member = True
        await open_form(stage.rita, plan)
        await fill(stage.rita, SHORTER)
        await stage.rita.submit()
        await stage.rita.wait_for_view(lambda view: view["callback_id"] == "review")
        await stage.rita.type("reason", "Disk is full")
        stage.dbs.next("DescribeBackupPlanList", hold(gate, before=True), plan_id=plan)
        await stage.rita.submit()
        await asyncio.wait_for(gate.reached.wait(), 5)
        ops.bot_is_member = False
        gate.release()
        await stage.slack.wait_for(partial(has_dms, stage, n))
    first, second = stage.rita.dms
    assert "The card could not be posted" in plain_text(first)
    assert (kind(first), buttons(first)) == ("note", ["withdraw"])
    await stage.rita.click(second, "withdraw")
    await stage.slack.wait_for(lambda: len(stage.rita.dms) == 3)
    assert said(stage.rita.dms[2])["state"] == "withdrawn"
    ops.bot_is_member = True
    (card,) = await stage.slack.wait_for(lambda: cards(stage.slack), 60)  # it is tried ever more rarely
    assert said(card)["change_id"] == said(first)["change_id"]
    await approve(stage, card)
    assert said(await outcome(stage.slack, card))["state"] == "applied"
    assert [event for event, _, _ in history(stage, second)] == ["requested", "withdrawn", "told"]
    assert len(stage.rita.dms) == 3


async def test_req21_an_older_update_that_lands_late_is_repaired(open_stage: OpenStage, history: History) -> None:
    """Two replicas on one ledger, each with one approval: one execution, one outcome, and a true card in the end."""
    stage = await open_stage(**SOON)
    first, second = await stage.start_bot(), await stage.start_bot()
    stage.slack.point_at(first.events_url)
    card = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    late = asyncio.Event()
    stage.slack.faults.gate("chat.update", late)
    await stage.ana.click(card, "approve")
    await stage.slack.wait_for(lambda: stage.slack.faults.pending == 0)
    stage.slack.point_at(second.events_url)
    await stage.ben.click(card, "approve")
    await outcome(stage.slack, card)
    await settled(stage.slack, card)
    late.set()
    await stage.slack.wait_for(lambda: "approve" in buttons(card_now(stage.slack, card)))
    await stage.ana.click(card_now(stage.slack, card), "approve")
    assert "This change was already applied at " in await whispered(stage.slack, stage.ana)
    assert buttons(await settled(stage.slack, card)) == []
    assert len(replies(stage.slack, card)) == len(stage.dbs.effects) == 1
    assert [actor for event, actor, _ in history(stage, card) if event == "approved"] == ["U0ANA", "U0BEN"]


async def test_a_slack_that_takes_no_tables_gets_everything_in_plainer_blocks(stage: Stage) -> None:
    codes = ("invalid_blocks", "invalid_attachments", "internal_error")
    asking = {code: prepare(stage, code) for code in codes}
    await stage.start_bot()

    def has_table(args: dict[str, Any]) -> bool:
        return any(block["type"] in {"table", "container"} for block in args.get("blocks", []))

    async def live_through(code: str) -> None:
        person, channel, plan = asking[code]
        for method in ("chat.postMessage", "chat.update"):
            fits = partial(lambda args, channel: args["channel"] == channel and has_table(args), channel=channel)
            stage.slack.faults.add(method, Fault(error=code), times=9, when=fits)
        card = await ask(stage.slack, person, plan, SHORTER, channel=channel)
        assert {block["type"] for block in card["blocks"]} == {"header", "section", "rich_text", "context", "actions"}
        text = plain_text(card)
        assert "Backup retention: 730 days → 30 days" in text
        assert "Source instance: i-bp1redis01 → i-bp1redis01" in text
        assert buttons(card) == ["approve", "deny", "withdraw"]
        await approve(stage, card)
        assert said(await outcome(stage.slack, card, channel))["state"] == "applied"
        assert buttons(await settled(stage.slack, card, channel)) == []
        assert len(cards(stage.slack, channel)) == 1
        in_vain = [call for call in stage.slack.calls if call.args.get("channel") == channel and has_table(call.args)]
        assert len(in_vain) == 1, "asked for once, not each time"

    await asyncio.gather(*(live_through(code) for code in codes))
