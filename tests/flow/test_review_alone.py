"""The review where it depends on the policy, on Socket Mode, or on more than one process."""

import asyncio
import sqlite3
from contextlib import closing

from forms import alerts, review

from bot.playground.acts import ask, cards, fill, new_card
from bot.playground.slack.server import plain_text
from bot.playground.stage import CHANNEL, POLICY, Stage

RDS, REDIS = "dbsmysqlrds01", "dbsredisecs01"
TIGHT = {"BackupRetentionPeriod": "30", "SourceEndpointPassword": "orders-db"}


def requests(stage: Stage) -> int:
    """How many changes were ever asked for."""
    with closing(sqlite3.connect(stage.ledger_file)) as ledger, ledger:
        return int(ledger.execute("select count(*) from events where type = 'requested'").fetchone()[0])


async def test_req36_a_channel_that_cannot_serve_is_refused_on_its_input_and_nothing_is_posted(stage: Stage) -> None:
    stage.policy_file.write_text(
        POLICY.replace("expires_after", 'channels = ["C0OPS", "C0OUT", "C0SOON", "C0OLD", "C0SOLO"]\nexpires_after')
    )
    places = {
        "C0ELSE": ("policy does not allow", stage.slack.add_channel("C0ELSE")),
        "C0OUT": ("shared with another organisation", stage.slack.add_channel("C0OUT", ext_shared=True)),
        "C0SOON": ("shared with another organisation", stage.slack.add_channel("C0SOON", pending_ext_shared=True)),
        "C0OLD": ("archived", stage.slack.add_channel("C0OLD")),
        "C0SOLO": ("not in this channel: invite it", stage.slack.add_channel("C0SOLO", bot_is_member=False)),
        "C0HIDE": ("", stage.slack.add_channel("C0HIDE", bot_is_member=False, private=True)),
    }
    await stage.start_bot()
    rita = stage.rita
    view = await review(rita, RDS, TIGHT)
    assert "<#C0OUT>" in plain_text(view), "the allowed channels are named"
    await rita.type("reason", "Disk is full")
    for channel_id, (words, place) in places.items():
        await rita.choose("channel", channel_id)
        place.archived = channel_id == "C0OLD"
        assert (await rita.submit()).action == "errors"
        assert list(rita.errors) == ["channel"]
        assert words in rita.errors["channel"]
        assert (rita.view or {})["callback_id"] == "review"
    assert requests(stage) == 0
    await rita.choose("channel", CHANNEL)
    assert (await rita.submit()).action == "clear"
    await new_card(stage.slack)
    assert not any(place.log for _, place in places.values())


async def test_req09_a_pool_too_small_without_the_requester_is_refused(stage: Stage) -> None:
    stage.slack.add_group("S0DBA", ["U0ANA", "U0RITA", "U0GUS"])
    bot = await stage.start_bot()
    assert "few_approvers" not in bot.log, "two could be reached, were the third no guest"
    rita = stage.rita
    view = await review(rita, RDS, TIGHT)
    sentence = "2 people besides you have to approve this, but the policy's approvers come to only 1; it takes 1 more."
    assert sentence in alerts(view)[0]
    await rita.type("reason", "Disk is full")
    assert (await rita.submit()).action == "errors"
    assert sentence in rita.errors["reason"]
    assert (rita.view or {})["callback_id"] == "review"
    assert requests(stage) == 0


async def test_req08_a_second_open_change_of_a_plan_is_refused_with_a_link_on_any_replica(stage: Stage) -> None:
    await stage.start_bot()
    rita, olga = stage.rita, stage.olga
    await review(olga, RDS, {**TIGHT, "BackupPlanName": "second"})
    card = await ask(stage.slack, rita, RDS, TIGHT)
    link = f"archives/{CHANNEL}/p{card['ts'].replace('.', '')}"
    other = await stage.start_bot()
    stage.slack.point_at(other.events_url)
    await olga.type("reason", "Me too")
    assert (await olga.submit()).action == "errors"
    assert "is still open" in olga.errors["reason"]
    assert link in olga.errors["reason"]
    told = await review(olga, RDS, TIGHT)
    assert "is still open" in alerts(told)[0]
    assert link in alerts(told)[0]
    await olga.close_view()
    assert link in alerts(olga.view or {})[0], "and the form says so too"
    assert len(cards(stage.slack)) == requests(stage) == 1
    await rita.click(card, "withdraw")
    await review(olga, RDS, TIGHT)
    await olga.type("reason", "Now then")
    assert (await olga.submit()).action == "clear"


async def test_going_back_from_the_review_and_submitting_again_reviews_what_is_typed_now(socket_stage: Stage) -> None:
    stage = socket_stage
    await stage.start_bot()
    rita = stage.rita
    await review(rita, RDS, TIGHT)
    await rita.close_view()
    await fill(rita, {"BackupRetentionPeriod": "60", "BackupObjects": "orders\n!orders.audit_*"})
    assert (await rita.submit()).action == "push"
    view = await rita.wait_for_view(lambda view: view["callback_id"] == "review")
    assert "730 days → 60 days" in plain_text(view)
    assert "invoices: whole database → orders: whole database except audit_*" in plain_text(view)
    await rita.type("reason", "Disk is full")
    assert (await rita.submit()).action == "clear"
    card = plain_text(await new_card(stage.slack))
    assert "730 days | 60 days" in card
    assert "30 days" not in card.replace("730 days", "")


async def test_req17_a_submission_delivered_again_while_it_is_in_progress_gets_the_same_answer(stage: Stage) -> None:
    first = await stage.start_bot()
    second = await stage.start_bot()
    rita = stage.rita
    stage.slack.point_at(first.events_url)
    await review(rita, RDS, TIGHT)
    await rita.type("reason", "Disk is full")
    late = asyncio.Event()
    stage.slack.faults.gate("conversations.info", late)
    looked = len(stage.slack.journal.called("conversations.info"))
    submitting = asyncio.create_task(rita.submit())
    await stage.slack.wait_for(lambda: len(stage.slack.journal.called("conversations.info")) > looked)
    payload = stage.slack.deliveries[-1]
    repeating = asyncio.create_task(stage.slack.redeliver(payload, times=3, together=True))
    await stage.slack.wait_for(lambda: len([one for one in stage.slack.deliveries if one.body == payload.body]) == 4)
    await asyncio.sleep(0.1)
    assert len(stage.slack.journal.called("conversations.info")) == looked + 1, "they wait, and nothing is begun again"
    late.set()
    assert (await submitting).action == "clear"
    assert {one.answer for one in await repeating} == {payload.answer}
    await new_card(stage.slack)
    (later,) = await stage.slack.redeliver(payload)
    stage.slack.point_at(second.events_url)
    elsewhere = await stage.slack.redeliver(payload, times=2, together=True)
    assert {one.answer for one in [later, *elsewhere]} == {payload.answer}
    await asyncio.sleep(0.2)
    assert len(cards(stage.slack)) == requests(stage) == 1


async def test_req17_a_repetition_is_done_if_the_first_died_before_it_was_answered(stage: Stage) -> None:
    first = await stage.start_bot()
    rita = stage.rita
    await review(rita, REDIS, {"BackupRetentionPeriod": "30"})
    await rita.type("reason", "Disk is full")
    never = asyncio.Event()
    stage.slack.faults.gate("conversations.info", never)
    looked = len(stage.slack.journal.called("conversations.info"))
    submitting = asyncio.create_task(rita.submit())
    await stage.slack.wait_for(lambda: len(stage.slack.journal.called("conversations.info")) > looked)
    payload = stage.slack.deliveries[-1]
    await first.kill()
    assert (await submitting).action == "trouble"
    never.set()
    assert requests(stage) == 0
    await stage.start_bot()
    (again,) = await stage.slack.redeliver(payload)
    assert again.ok
    await new_card(stage.slack)
    assert requests(stage) == 1
