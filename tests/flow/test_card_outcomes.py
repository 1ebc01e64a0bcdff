"""Cards and outcomes as people read them, and the buttons that lead on, over one real process."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bot.playground.acts import (
    ask,
    buttons,
    card_now,
    deny,
    fill,
    inputs,
    kind,
    new_card,
    outcome,
    replies,
    said,
    settled,
    whispered,
)
from bot.playground.dbs.faults import Gate, cut, hold, refuse, then
from bot.playground.slack.server import plain_text
from bot.playground.stage import CHANNEL, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHORTER = {"BackupRetentionPeriod": "30"}
TYPED = "<!channel> <@U0BEN> <https://evil.example|ok> `code` *bold* https://evil.example :tada: &"
HOSTILE = f"{TYPED} \u202egnp.exe"

Message = dict[str, Any]
NewPlan = Callable[..., str]


async def approve(stage: Stage, card: Message) -> None:
    await stage.ana.click(card, "approve")
    await stage.ben.click(card, "approve")


async def stuck(stage: Stage, plan: str) -> Message:
    """Bring a change to where nobody knows whether it was applied: unanswered, and the plan is something else."""
    card = await ask(stage.slack, stage.rita, plan, SHORTER)
    stage.dbs.next("ConfigureBackupPlan", cut(), plan_id=plan)
    sent = len(stage.dbs.calls("ConfigureBackupPlan"))
    await approve(stage, card)
    await stage.slack.wait_for(lambda: len(stage.dbs.calls("ConfigureBackupPlan")) > sent)
    stage.dbs.change(plan, BackupRetentionPeriod=99)
    return card


def ends_with_its_head(message: Message) -> bool:
    return plain_text(message).endswith(f"history {said(message)['head'][:16]}")


async def test_the_card_says_everything_that_is_decided_on(shared_stage: Stage, new_plan: NewPlan) -> None:
    stage, plan = shared_stage, new_plan()
    card = await ask(stage.slack, stage.rita, plan, {**SHORTER, "BackupPeriod": "Monday"}, reason="Disk is full")
    text = plain_text(card)
    for part in (
        f"Plan session cache ({plan})",
        "<@U0RITA>",
        "cn-hangzhou",
        "0 of 2",
        "Disk is full",
        "Parameter | Now | Proposed",
        "Backup retention | 730 days | 30 days",
        "Backup days | Monday, Thursday | Monday",
        "Source instance: i-bp1redis01",
        "Backups are kept for 30 days instead of 730",
        "<!subteam^S0DBA>",
        "digest ",
    ):
        assert part in text
    (folded,) = [block for block in card["blocks"] if block["type"] == "container"]
    assert folded["is_collapsible"]
    assert folded["default_collapsed"]
    assert "Source instance" not in plain_text({"blocks": [one for one in card["blocks"] if one is not folded]})
    assert buttons(card) == ["approve", "deny", "withdraw"]
    asked = await stage.ana.click(card, "approve", accept=False)
    assert asked.confirm is not None
    assert f"Plan session cache ({plan})" in asked.confirm["text"]["text"]
    assert "Backup retention: 730 days → 30 days" in asked.confirm["text"]["text"]
    assert said(card_now(stage.slack, card))["state"] == "pending"


async def test_every_message_carries_the_head_of_the_history_when_it_was_written(
    shared_stage: Stage, new_plan: NewPlan
) -> None:
    stage, plan = shared_stage, new_plan()
    card = await ask(stage.slack, stage.rita, plan, SHORTER)
    assert card["metadata"]["event_type"] == "backup_plan_change"
    assert set(said(card)) == {"change_id", "kind", "state", "seq", "head"}
    assert (said(card)["kind"], said(card)["state"], said(card)["seq"]) == ("card", "pending", 1)
    await stage.ana.click(card, "approve")
    await stage.slack.wait_for(lambda: said(card_now(stage.slack, card))["seq"] == 3)
    await stage.ben.click(card, "approve")
    told, ended = await outcome(stage.slack, card), await settled(stage.slack, card)
    assert (said(told)["kind"], said(told)["state"], said(told)["seq"]) == ("outcome", "applied", 7)
    assert ends_with_its_head(told)
    assert len(said(told)["head"]) == 64
    assert said(ended)["kind"] == "card"
    assert said(ended)["seq"] >= 7
    assert "history" not in plain_text(ended), "a card is edited; what it said before is gone"


async def test_applied_says_what_was_read_back_and_how_the_plan_is(shared_stage: Stage, new_plan: NewPlan) -> None:
    stage, plan = shared_stage, new_plan()
    card = await ask(stage.slack, stage.rita, plan, SHORTER)
    await approve(stage, card)
    told = await outcome(stage.slack, card)
    text = plain_text(told)
    assert text.startswith("*Applied.* <@U0RITA>: DBS accepted the change.\nRequestId ")
    assert "values that DBS shows are as sent." in text
    assert "Plan status: running. Nothing is left to do." in text
    assert buttons(await settled(stage.slack, card)) == buttons(told) == []


async def test_req11_stale_says_what_moved_and_asks_again_with_the_same_values(
    shared_stage: Stage, new_plan: NewPlan
) -> None:
    stage, plan = shared_stage, new_plan()
    card = await ask(stage.slack, stage.rita, plan, {**SHORTER, "BackupPlanName": "sessions"})
    stage.dbs.change(plan, BackupStartTime="03:00")
    await approve(stage, card)
    told = await outcome(stage.slack, card)
    assert "*Stale.* <@U0RITA>: nothing was sent." in plain_text(told)
    assert "Start time | 14:22 UTC | 03:00 UTC" in plain_text(told)
    assert ends_with_its_head(told)
    assert buttons(await settled(stage.slack, card)) == []
    assert (buttons(told), [one for one in stage.dbs.effects if one.plan_id == plan]) == (["new_request"], [])
    await stage.rita.click(told, "new_request")
    view = await stage.rita.wait_for_view(lambda view: "BackupPlanName" in inputs(view))
    assert inputs(view)["BackupRetentionPeriod"]["initial_value"] == "30"
    assert inputs(view)["BackupPlanName"]["initial_value"] == "sessions"
    await stage.rita.submit()
    await stage.rita.wait_for_view(lambda view: view["callback_id"] == "review")
    await stage.rita.type("reason", "Once more")
    await stage.rita.submit()
    again = await new_card(stage.slack, seen={card["ts"] for card in stage.slack.channel("C0OPS").messages})
    assert said(again)["change_id"] != said(card)["change_id"]
    assert "Backup retention | 730 days | 30 days" in plain_text(again)


async def test_req27_refused_says_what_dbs_said_and_what_to_do(shared_stage: Stage, new_plan: NewPlan) -> None:
    stage, plan = shared_stage, new_plan()
    card = await ask(stage.slack, stage.rita, plan, SHORTER)
    stage.dbs.next("ConfigureBackupPlan", refuse("InvalidParameter.Retention", "Too short."), plan_id=plan)
    await approve(stage, card)
    told = await outcome(stage.slack, card)
    text = plain_text(told)
    assert text.startswith("*Refused.* <@U0RITA>: DBS refused the change: nothing was applied.")
    assert "InvalidParameter.Retention: Too short.\nRequestId " in text
    assert "New request opens the form" in text
    assert (buttons(told), ends_with_its_head(told)) == (["new_request"], True)
    assert buttons(await settled(stage.slack, card)) == []


async def test_stuck_says_what_to_check_and_reads_again_for_those_who_may_see_plans(
    shared_stage: Stage, new_plan: NewPlan
) -> None:
    stage, plan = shared_stage, new_plan()
    card = await stuck(stage, plan)
    told = await outcome(stage.slack, card)
    text = plain_text(told)
    assert text.startswith("*Stuck.* <@U0RITA>: whether the change was applied is not known")
    assert "Backup retention | 730 days | 99 days" in text
    assert "Open the plan in the DBS console" in text
    assert buttons(told) == ["read_again", "new_request"]
    await stage.gus.click(told, "read_again")
    assert "shown only to people who may request or approve" in await whispered(stage.slack, stage.gus)
    assert replies(stage.slack, card, "note")[1:] == []
    notes = len(replies(stage.slack, card, "note"))
    await stage.ana.click(told, "read_again")
    await stage.slack.wait_for(lambda: len(replies(stage.slack, card, "note")) > notes)
    note = replies(stage.slack, card, "note")[-1]
    assert "Backup retention: was 730 days, now 99 days" in plain_text(note)
    assert ends_with_its_head(note)
    stage.dbs.change(plan, BackupRetentionPeriod=30)
    await stage.ana.click(told, "read_again")
    await stage.slack.wait_for(lambda: len(replies(stage.slack, card, "note")) > notes + 1)
    assert "now as it was proposed" in plain_text(replies(stage.slack, card, "note")[-1])


async def test_read_again_is_for_once_at_a_time_and_thrice_a_minute(shared_stage: Stage, new_plan: NewPlan) -> None:
    stage, plan = shared_stage, new_plan()
    card = await stuck(stage, plan)
    told = await outcome(stage.slack, card)
    before = len(replies(stage.slack, card, "note"))
    gate = Gate()
    stage.dbs.next("DescribeBackupPlanList", hold(gate, before=True), plan_id=plan)
    await stage.ana.click(told, "read_again")
    await stage.ana.click(told, "read_again")
    assert "being done already" in await whispered(stage.slack, stage.ana)
    gate.release()
    await stage.slack.wait_for(lambda: len(replies(stage.slack, card, "note")) > before)
    for _ in range(2):
        count = len(replies(stage.slack, card, "note"))
        await stage.ana.click(told, "read_again")
        await stage.slack.wait_for(lambda: len(replies(stage.slack, card, "note")) > count)  # noqa: B023 - awaited here
    asked = len(stage.dbs.requests)
    for _ in range(22):
        await stage.ana.click(told, "read_again")
    await stage.slack.wait_for(lambda: "3 times within a minute" in str(stage.ana.ephemerals[-1:]))
    assert (len(replies(stage.slack, card, "note")), len(stage.dbs.requests)) == (before + 3, asked)


async def test_read_again_on_a_direct_message_is_answered_there(shared_stage: Stage, new_plan: NewPlan) -> None:
    stage, plan = shared_stage, new_plan()
    before = len(stage.rita.dms)
    card = await stuck(stage, plan)
    stage.slack.delete_message(card["ts"])
    await stage.slack.wait_for(lambda: len(stage.rita.dms) > before)
    dm = stage.rita.dms[-1]
    assert kind(dm) == "outcome"
    await stage.rita.click(dm, "read_again")
    assert "was 730 days, now 99 days" in await whispered(stage.slack, stage.rita)


@pytest.mark.parametrize("how", ["shared outside", "bot removed"])
async def test_read_again_where_nothing_may_be_posted_is_answered_privately(
    shared_stage: Stage, new_plan: NewPlan, how: str
) -> None:
    stage, plan = shared_stage, new_plan()
    card = await stuck(stage, plan)
    told = await outcome(stage.slack, card)
    ops, notes = stage.slack.channel(CHANNEL), len(replies(stage.slack, card, "note"))
    try:
        ops.ext_shared, ops.bot_is_member = how == "shared outside", how != "bot removed"
        await stage.ana.click(told, "read_again")
        assert "was 730 days, now 99 days" in await whispered(stage.slack, stage.ana)
    finally:
        ops.ext_shared, ops.bot_is_member = False, True
    assert len(replies(stage.slack, card, "note")) == notes


async def test_new_request_is_for_those_who_may_ask(shared_stage: Stage, new_plan: NewPlan) -> None:
    stage, plan = shared_stage, new_plan()
    card = await ask(stage.slack, stage.rita, plan, SHORTER)
    stage.dbs.change(plan, BackupStartTime="03:00")
    await approve(stage, card)
    told = await outcome(stage.slack, card)
    await stage.gus.click(told, "new_request")
    view = await stage.gus.wait_for_view(lambda view: "Guests cannot do that" in plain_text(view))
    assert inputs(view) == {}
    await stage.olga.click(told, "new_request")
    await stage.olga.wait_for_view(lambda view: "BackupPlanName" in inputs(view))


async def test_a_status_that_still_moves_is_said_with_what_to_do(shared_stage: Stage, new_plan: NewPlan) -> None:
    stage, plan = shared_stage, new_plan(BackupPlanStatus="init")
    stage.dbs.next("ConfigureBackupPlan", then("init", message="precheck failed: <!here>"), plan_id=plan)
    card = await ask(stage.slack, stage.rita, plan, SHORTER)
    await approve(stage, card)
    text = plain_text(await outcome(stage.slack, card))
    assert "Plan status: init. The precheck has not passed" in text
    assert "precheck failed" in text
    assert "It may still move by itself" in text


@pytest.mark.parametrize("how", ["denied", "withdrawn", "applied"])
async def test_req21_a_copy_of_the_card_from_before_answers_with_the_outcome(
    shared_stage: Stage, new_plan: NewPlan, how: str
) -> None:
    stage = shared_stage
    card = await ask(stage.slack, stage.rita, new_plan(), SHORTER)
    if how == "denied":
        await deny(stage.ben, card)
    elif how == "withdrawn":
        await stage.rita.click(card, "withdraw")
    else:
        await approve(stage, card)
    ended = await settled(stage.slack, card)
    assert buttons(ended) == []
    await outcome(stage.slack, card)
    by = {"denied": " by <@U0BEN>", "withdrawn": " by <@U0RITA>", "applied": ""}[how]
    for person, action in ((stage.ana, "approve"), (stage.ben, "deny"), (stage.rita, "withdraw")):
        seen = len(person.ephemerals)
        await person.click(card, action, stale=True)
        assert f"This change was already {how}{by} at " in await whispered(stage.slack, person, seen + 1)
        assert person.view is None


async def test_req13_what_people_and_dbs_write_is_shown_and_never_obeyed(
    shared_stage: Stage, new_plan: NewPlan
) -> None:
    stage, plan = shared_stage, new_plan(BackupPlanName=HOSTILE)
    first = len(stage.slack.calls)
    cards = []
    for _ in range(2):
        seen = {card["ts"] for card in stage.slack.channel("C0OPS").messages}
        await stage.rita.command(f"/backup-plan configure {plan}", channel="C0OPS")
        await stage.rita.wait_for_view(lambda view: "BackupRetentionPeriod" in inputs(view))
        await fill(stage.rita, {**SHORTER, "OSSBucketName": TYPED})
        await stage.rita.submit()
        await stage.rita.wait_for_view(lambda view: view["callback_id"] == "review")
        await stage.rita.type("reason", HOSTILE)
        await stage.rita.submit()
        cards.append(await new_card(stage.slack, seen=seen))
        if len(cards) == 1:
            stage.dbs.next("ConfigureBackupPlan", refuse("Bad", HOSTILE), plan_id=plan)
            await approve(stage, cards[0])
            refused = await outcome(stage.slack, cards[0])
    await deny(stage.ana, cards[1], HOSTILE)
    denied, ended = await outcome(stage.slack, cards[1]), await settled(stage.slack, cards[1])
    for message in (*cards, denied, ended):
        assert HOSTILE.replace("\u202e", "⟨U+202E⟩") in plain_text(message)
    assert TYPED in plain_text(cards[0])
    assert TYPED in plain_text(refused)
    calls = stage.slack.calls[first:]
    in_mrkdwn = [text for call in calls for text in markup(call.args)]
    for part in ("<!channel>", "<https://evil", "`code`", "*bold*", "evil.example", ":tada:"):
        assert [text for text in in_mrkdwn if part in text] == []
    for call in calls:
        line = str(call.args.get("text", ""))
        assert "<!channel>" not in line, "what notifications show is mrkdwn too"
        assert "<https" not in line
        assert "\u202e" not in str(call.args)


def markup(value: Any) -> Iterator[str]:
    """Return every text that Slack reads as mrkdwn inside blocks."""
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield value["text"]
        for inner in value.values():
            yield from markup(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from markup(inner)
