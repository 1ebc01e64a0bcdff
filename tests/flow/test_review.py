"""The review between form and card: what it shows, what it refuses while it stays open, and what it records once."""

import asyncio
import copy
import sqlite3
from typing import Any

from bot.playground.acts import ask, cards, fill, inputs, new_card
from bot.playground.slack.person import Person
from bot.playground.slack.server import plain_text
from bot.playground.stage import CHANNEL, POLICY, Stage

RDS, ECS, REDIS = "dbsmysqlrds01", "dbsmysqlecs01", "dbsredisecs01"
TIGHT = {"BackupRetentionPeriod": "30", "SourceEndpointPassword": "orders-db"}

View = dict[str, Any]


async def review(person: Person, plan_id: str, values: dict[str, str], channel: str = CHANNEL) -> View:
    """Fill the form and submit it, and return the review."""
    before = person.view or {"id": ""}
    await person.command(f"/backup-plan configure {plan_id}", channel=channel)
    await person.wait_for_view(lambda view: "BackupPlanName" in inputs(view) and view["id"] != before["id"])
    await fill(person, values)
    await person.submit()
    return await person.wait_for_view(lambda view: view["callback_id"] == "review")


def alerts(view: View) -> list[str]:
    """What a view warns of."""
    return [block["text"]["text"] for block in view["blocks"] if block["type"] == "alert"]


def requests(stage: Stage) -> int:
    """How many changes were ever asked for."""
    with sqlite3.connect(stage.ledger_file) as ledger:
        return int(ledger.execute("select count(*) from events where type = 'requested'").fetchone()[0])


async def test_req14_the_review_shows_what_changes_what_is_risky_and_who_decides(stage: Stage) -> None:
    await stage.start_bot()
    view = await review(stage.rita, RDS, {**TIGHT, "EnableBackupLog": "false", "BackupStorageType": "system"})
    text = plain_text(view)
    assert "Backup retention: 730 days → 30 days" in text
    assert "Log backup: on → off" in text
    assert "Database password: unknown → orders-db" in text
    assert "Start by itself: unknown → not sent: DBS decides" in text
    assert "Source region: cn-hangzhou" in text, "what stays is there as well"
    warned = " ".join(alerts(view))
    for risk in ("30 days instead of 730", "Log backup is turned off", "where backups are kept", "plan is running"):
        assert risk in warned
    assert "2 people out of <!subteam^S0DBA> must approve, not counting <@U0RITA>" in text
    assert "They have 4h" in text
    assert inputs(view)["channel"]["initial_conversation"] == CHANNEL
    assert not any(block["optional"] for block in view["blocks"] if block["type"] == "input")


async def test_a_change_asked_for_in_direct_messages_needs_a_channel_to_be_chosen(stage: Stage) -> None:
    await stage.start_bot()
    rita = stage.rita
    view = await review(rita, RDS, TIGHT, channel="")
    assert "initial_conversation" not in inputs(view)["channel"]
    await rita.type("reason", "   ")
    await rita.choose("channel", CHANNEL)
    assert (await rita.submit()).action == "errors"
    assert "Say why" in rita.errors["reason"]
    await rita.type("reason", "Disk is full")
    assert (await rita.submit()).action == "clear"
    assert "Disk is full" in plain_text(await new_card(stage.slack))
    assert rita.view is None


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


async def test_every_objection_to_a_review_is_told_at_once(stage: Stage) -> None:
    stage.slack.add_channel("C0SOLO", bot_is_member=False)
    await stage.start_bot()
    rita = stage.rita
    await review(rita, RDS, TIGHT)
    stage.slack.add_group("S0DBA", ["U0ANA", "U0RITA"])
    await rita.choose("channel", "C0SOLO")
    await rita.type("reason", " ")
    assert (await rita.submit()).action == "errors"
    assert set(rita.errors) == {"channel", "reason"}


async def test_req09_a_pool_too_small_without_the_requester_is_refused(stage: Stage) -> None:
    stage.slack.add_group("S0DBA", ["U0ANA", "U0RITA", "U0GUS"])
    bot = await stage.start_bot()
    assert "few_approvers" not in bot.log, "two could be reached, were the third no guest"
    rita = stage.rita
    view = await review(rita, RDS, TIGHT)
    sentence = "2 people besides you have to approve this, but the policy's approvers come to only 1."
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


async def test_req12_what_a_card_could_not_show_in_full_is_refused(stage: Stage) -> None:
    many = "[" + ",".join(f'{{"DBName":"tenant_{n:04}"}}' for n in range(600)) + "]"
    stage.dbs.change(RDS, BackupObjects=many)
    await stage.start_bot()
    rita = stage.rita
    view = await review(rita, RDS, TIGHT)
    assert "too long" not in " ".join(alerts(view)), "what does not change may be as long as it likes"
    assert len(plain_text(view)) < 5000
    stage.dbs.change(RDS, BackupObjects="[]")
    await review(rita, RDS, {**TIGHT, "BackupObjects": "\n".join(f"t{n}" for n in range(500))})
    assert "too long to be shown in full" in alerts(rita.view or {})[0]
    await rita.type("reason", "Disk is full")
    assert (await rita.submit()).action == "errors"
    assert "too long to be shown in full" in rita.errors["reason"]
    assert requests(stage) == 0


async def test_req35_a_secret_goes_to_no_source_it_is_not_bound_to(stage: Stage) -> None:
    await stage.start_bot()
    rita = stage.rita
    await rita.command(f"/backup-plan configure {RDS}", channel=CHANNEL)
    await rita.wait_for_view(lambda view: "BackupPlanName" in inputs(view))
    await fill(rita, {**TIGHT, "SourceEndpointInstanceID": "rm-of-mine", "SourceEndpointIP": "203.0.113.9"})
    assert (await rita.submit()).action == "errors"
    told = rita.errors["SourceEndpointPassword"]
    assert "rm-of-mine" in told
    assert "203.0.113.9" in told
    assert "[secrets.orders-db] sources" in told


async def test_going_back_from_the_review_and_submitting_again_reviews_what_is_typed_now(stage: Stage) -> None:
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


async def test_a_form_older_than_an_hour_says_so_at_every_step(stage: Stage) -> None:
    await stage.start_bot()
    rita = stage.rita
    await review(rita, ECS, TIGHT)
    with sqlite3.connect(stage.ledger_file) as ledger:
        ledger.execute("update drafts set at = '2020-01-01T00:00:00.000000Z'")
    await rita.type("reason", "Disk is full")
    assert (await rita.submit()).action == "errors"
    assert "older than an hour" in rita.errors["reason"]
    await rita.close_view()
    assert (await rita.submit()).action == "update"
    assert "older than an hour" in plain_text(rita.view or {})
    await rita.command(f"/backup-plan configure {ECS}", channel=CHANNEL)
    await rita.wait_for_view(lambda view: "BackupPlanName" in inputs(view))
    with sqlite3.connect(stage.ledger_file) as ledger:
        ledger.execute("update drafts set at = '2020-01-01T00:00:00.000000Z'")
    await rita.choose("BackupStrategyType", "manual")
    await rita.wait_for_view(lambda view: "older than an hour" in plain_text(view))
    assert requests(stage) == 0


async def test_req17_a_submission_delivered_again_while_it_is_in_progress_gets_the_same_answer(stage: Stage) -> None:
    first = await stage.start_bot()
    second = await stage.start_bot()
    rita = stage.rita
    stage.slack.point_at(first.events_url)
    await review(rita, RDS, TIGHT)
    await rita.type("reason", "Disk is full")
    late = asyncio.Event()
    stage.slack.faults.gate("conversations.info", late)
    submitting = asyncio.create_task(rita.submit())
    asked = await stage.slack.wait_for(lambda: stage.slack.journal.called("conversations.info"))
    payload = stage.slack.deliveries[-1]
    repeating = asyncio.create_task(stage.slack.redeliver(payload, times=3, together=True))
    await stage.slack.wait_for(lambda: len([one for one in stage.slack.deliveries if one.body == payload.body]) == 4)
    late.set()
    assert (await submitting).action == "clear"
    assert {one.answer for one in await repeating} == {payload.answer}
    assert len(asked) == 1, "it was in progress, and not begun again"
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
    submitting = asyncio.create_task(rita.submit())
    await stage.slack.wait_for(lambda: stage.slack.journal.called("conversations.info"))
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


async def test_req24_the_actor_is_who_slack_says_acted_and_nobody_else(stage: Stage) -> None:
    await stage.start_bot()
    await review(stage.rita, RDS, TIGHT)
    await stage.rita.type("reason", "Disk is full")
    await stage.rita.submit()
    await new_card(stage.slack)
    genuine = stage.slack.deliveries[-1].payload
    forged = copy.deepcopy(genuine)
    forged["user"]["id"] = "U0OLGA"
    forged["view"]["id"] = "V0FORGED"
    answer = await stage.slack.deliver("interactive", forged)
    assert "opened by somebody else" in answer.answer
    await stage.olga.command(f"/backup-plan configure {REDIS}", channel=CHANNEL)
    await stage.olga.wait_for_view(lambda view: "BackupPlanName" in inputs(view))
    await stage.olga.submit()
    await stage.olga.type("reason", "Disk is full")
    await stage.olga.submit()
    payload = stage.slack.deliveries[-1].payload
    assert payload["view"]["private_metadata"].startswith("V"), "the id of a draft, and nothing that says who"
    assert requests(stage) == 2


async def test_req15_when_slack_is_slow_the_answer_is_in_time_and_nothing_is_recorded(stage: Stage) -> None:
    await stage.start_bot()
    rita = stage.rita
    await review(rita, RDS, TIGHT)
    await rita.type("reason", "Disk is full")
    stage.slack.faults.slow("conversations.info", 2.9)
    answer = await rita.submit()
    assert answer.action == "errors"
    assert "did not say in time" in rita.errors["reason"]
    assert answer.duration < 2.5
    assert requests(stage) == 0
