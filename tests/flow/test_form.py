"""The form behind `/backup-plan configure`, as people see it: opening, filling, redrawing and submitting it."""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from forms import View, card_of, is_alert, shows, values

from bot.core.plan import parameter, parameters
from bot.playground.acts import ask, card_now, fill, inputs, listed, outcome
from bot.playground.dbs.faults import Gate, cut, hold, refuse, throttle
from bot.playground.dbs.plans import mysql_on_rds
from bot.playground.slack.person import Person
from bot.playground.slack.server import plain_text
from bot.playground.stage import CHANNEL, Stage

RDS, ECS, EXPRESS, REDIS = "dbsmysqlrds01", "dbsmysqlecs01", "dbspgexpress1", "dbsredisecs01"
READ = "DescribeBackupPlanList"
LONG_OBJECTS = "[" + ",".join(f'{{"DBName":"tenant_{n:04}"}}' for n in range(200)) + "]"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    """The running stage, as if nothing had happened on it before; changes are asked for of `new` plans."""
    for record in (shared_stage.slack.deliveries, shared_stage.slack.calls, shared_stage.dbs.requests):
        record.clear()
    return shared_stage


def new(stage: Stage, **fields: Any) -> str:
    """Put one more MySQL plan on RDS into the account and return its id."""
    plan = mysql_on_rds(f"dbsform{len(stage.dbs.plans):05}", **fields)
    stage.dbs.plans[plan["BackupPlanId"]] = plan
    return str(plan["BackupPlanId"])


async def form(person: Person, plan_id: str, channel: str = CHANNEL) -> View:
    """Type the command with an id and wait for that plan's form."""
    await person.command(f"/backup-plan configure {plan_id}", channel=channel)
    return await person.wait_for_view(lambda view: shows(view, plan_id))


def block_of(view: View, name: str) -> dict[str, Any]:
    """The input block of a parameter."""
    return next(block for block in view["blocks"] if block["block_id"].partition("~")[0] == name)


def required(view: View) -> set[str]:
    """The API names of the inputs that must be filled."""
    return {name for name in inputs(view) if not block_of(view, name)["optional"]}


def alerting(words: str) -> Callable[[View], bool]:
    """Whether a view says these words in an alert at its top."""
    return lambda view: is_alert(view["blocks"][0]) and words in plain_text(view)


async def choose(person: Person, plan_id: str) -> None:
    """Choose another plan in the form."""
    await listed(person, plan_id)
    await person.choose("BackupPlanId", plan_id)


async def applied(stage: Stage, card: dict[str, Any]) -> Mapping[str, str]:
    """Have a change approved and return what DBS was sent."""
    await stage.ana.click(card, "approve")
    await stage.ben.click(card_now(stage.slack, card), "approve")
    await outcome(stage.slack, card)
    return stage.dbs.effects[-1].params


async def test_req15_every_listener_answers_at_once_while_dbs_takes_its_time(stage: Stage) -> None:
    slow = Gate()
    stage.dbs.next(READ, *[hold(slow, before=True)] * 3)
    rita = stage.rita
    assert (await rita.command(f"/backup-plan configure {RDS}", channel=CHANNEL)).ok
    skeleton = await rita.wait_for_view()
    assert f"Reading {RDS}" in plain_text(skeleton)
    assert not inputs(skeleton)
    await slow.reached.wait()
    slow.release()
    await rita.wait_for_view(lambda view: shows(view, RDS))
    await listed(rita, ECS)
    held = Gate()
    stage.dbs.next(READ, *[hold(held, before=True)] * 4)
    await rita.choose("BackupPlanId", ECS)
    waiting = await rita.wait_for_view(lambda view: f"Reading {ECS}" in plain_text(view))
    assert waiting["submit"], "there is a way on, should the answer get lost"
    held.release()
    await rita.wait_for_view(lambda view: shows(view, ECS))
    await fill(rita, {"BackupStrategyType": "manual", "SourceEndpointPassword": "orders-db"})
    await rita.wait_for_view(lambda view: "BackupStartTime" not in inputs(view))
    assert (await rita.submit()).action == "push"
    await rita.type("reason", "Disk is full")
    assert (await rita.submit()).action == "clear"
    card = await card_of(stage.slack, ECS)
    await stage.ana.click(card, "approve")
    slowest = max(stage.slack.deliveries, key=lambda delivery: delivery.duration)
    assert slowest.duration < 1.5, slowest.payload
    assert all(delivery.ok for delivery in stage.slack.deliveries)
    await rita.click(card, "withdraw")


async def test_every_parameter_is_reachable_under_its_api_name_and_words(stage: Stage) -> None:
    view = await form(stage.rita, ECS)
    shown = inputs(view)
    assert list(shown) == [one.name for one in parameters()]
    assert len(shown) == 29
    for name, element in shown.items():
        one, block = parameter(name), block_of(view, name)
        assert element["action_id"] == name
        assert block["dispatch_action"] is (one.steers or name == "BackupPlanId")
        offered = [option["value"] for option in element.get("options", []) if option["value"] != "leave"]
        assert offered == (["orders-db"] if name == "SourceEndpointPassword" else list(one.choices))
    assert {name for name in shown if block_of(view, name)["dispatch_action"]} == {
        "BackupPlanId", "SourceEndpointInstanceType", "BackupStrategyType", "BackupStorageType",
    }  # fmt: skip
    assert shown["BackupPlanId"]["min_query_length"] == 0
    assert {option["value"] for option in shown["BackupStorageType"]["options"]} == {"own", "system"}
    headings = [block["text"]["text"] for block in view["blocks"] if block["type"] == "header"]
    assert headings == [
        "Plan", "Source", "Objects", "Schedule", "Retention and storage", "Limits", "Cross-account", "Other",
    ]  # fmt: skip


async def test_inputs_follow_the_facts_and_what_was_typed_stays(stage: Stage) -> None:
    rita = stage.rita
    assert "BackupRateLimit" not in inputs(await form(rita, RDS)), "MySQL, but not physical"
    before = await form(rita, ECS)
    assert "SourceEndpointPort" in required(before)
    assert not {"BackupGatewayId", "SourceEndpointIP"} & required(before)
    await fill(rita, {"BackupPlanName": "ledger, renamed", "BackupStartTime": "03:30", "BackupPeriod": "Sunday"})
    await rita.choose("BackupStrategyType", "manual")
    manual = await rita.wait_for_view(lambda view: "BackupStartTime" not in inputs(view))
    assert "BackupPeriod" not in inputs(manual)
    assert values(manual)["BackupPlanName"] == "ledger, renamed"
    await rita.choose("SourceEndpointInstanceType", "Agent")
    agent = await rita.wait_for_view(lambda view: "BackupGatewayId" in required(view))
    assert "SourceEndpointIP" in required(agent)
    assert "SourceEndpointInstanceID" not in required(agent)
    await rita.choose("BackupStrategyType", "simple")
    back = await rita.wait_for_view(lambda view: "BackupStartTime" in inputs(view))
    held = values(back)
    assert (held["BackupStartTime"], held["BackupPeriod"]) == ("03:30", "Sunday")
    assert held["BackupPlanName"] == "ledger, renamed"
    assert held["SourceEndpointInstanceType"] == "Agent"


async def test_two_choices_in_a_row_are_both_drawn_although_the_first_changed_the_hash(stage: Stage) -> None:
    rita = stage.rita
    await form(rita, ECS)
    late = asyncio.Event()
    stage.slack.faults.gate("views.update", late)
    await rita.choose("BackupStrategyType", "manual")
    await rita.choose("SourceEndpointInstanceType", "Agent")
    late.set()
    both = await rita.wait_for_view(
        lambda view: "BackupStartTime" not in inputs(view) and "BackupGatewayId" in required(view)
    )
    assert values(both)["BackupStrategyType"] == "manual"
    assert "hash_conflict" in [call.error for call in stage.slack.journal.called("views.update")]


async def test_another_plan_begins_anew_in_inputs_of_their_own(stage: Stage) -> None:
    rita = stage.rita
    await form(rita, ECS)
    await fill(rita, {"BackupRetentionPeriod": "12", "BackupPlanName": "typed for the other one"})
    await choose(rita, REDIS)
    other = await rita.wait_for_view(lambda view: shows(view, REDIS))
    assert values(other)["BackupRetentionPeriod"] == "730"
    assert values(other)["BackupPlanName"] == "session cache"
    assert all("~" in block["block_id"] for block in other["blocks"] if block["type"] == "input")
    assert "SourceEndpointPassword" not in required(other), "Redis needs none"
    await rita.pick("BackupPlanId", ECS)
    again = await rita.wait_for_view(lambda view: shows(view, ECS))
    assert values(again)["BackupRetentionPeriod"] == "730"
    assert values(again)["BackupPlanName"] == "ledger physical"


async def test_the_plan_chosen_last_is_shown_whichever_answer_comes_first(stage: Stage) -> None:
    rita = stage.rita
    await form(rita, RDS)
    await listed(rita, "")
    slow = Gate()
    stage.dbs.next(READ, hold(slow, before=True), plan_id=ECS)
    await rita.pick("BackupPlanId", ECS)
    await slow.reached.wait()
    await rita.pick("BackupPlanId", REDIS)
    await rita.wait_for_view(lambda view: shows(view, REDIS))
    slow.release()
    await rita.pick("BackupPlanId", EXPRESS)
    await rita.wait_for_view(lambda view: shows(view, EXPRESS))
    drawn = str([call.args["view"] for call in stage.slack.journal.called("views.update")])
    assert "warehouse" in drawn
    assert "ledger physical" not in drawn


async def test_a_form_submitted_before_its_redraw_arrived_is_redrawn_first(stage: Stage) -> None:
    rita = stage.rita
    await form(rita, EXPRESS)
    await fill(rita, {"BackupPlanName": "renamed", "SourceEndpointPassword": "orders-db"})
    late = asyncio.Event()
    stage.slack.faults.gate("views.update", late)
    await rita.choose("BackupStrategyType", "manual")
    assert (await rita.submit()).action == "update"
    redrawn = rita.view or {}
    assert "BackupStartTime" not in inputs(redrawn)
    assert values(redrawn)["BackupPlanName"] == "renamed"
    late.set()


async def test_a_plan_that_cannot_be_changed_says_so_and_what_to_do(stage: Stage) -> None:
    rita = stage.rita
    ways: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
        ("dbslocked0001", "error", ("dbslocked0001 is locked", "unlocked in the DBS console")),
        ("dbsforbidden1", "error", ("Grant", "dbs:DescribeBackupPlanList", "backupplan/dbsforbidden1")),
        ("dbsnosuch1", "error", ("Check the plan id", "InvalidParameterValid")),
        ("dbsnosuch2", "empty", ("Check the plan id", "InvalidParameterValid")),
        ("dbsnosuch3", "other", ("Check the plan id", "InvalidParameterValid")),
    )
    for plan_id, unknown, words in ways:
        stage.dbs.account.unknown = unknown
        await rita.command(f"/backup-plan configure {plan_id}", channel=CHANNEL)
        told = await rita.wait_for_view(alerting(plan_id))
        assert [word for word in words if word not in plain_text(told)] == []
        assert list(inputs(told)) == ["BackupPlanId"], "another plan can be chosen at once"
    await choose(rita, RDS)
    await rita.wait_for_view(lambda view: shows(view, RDS))


async def test_while_dbs_does_not_answer_the_form_says_so_and_tries_again(stage: Stage) -> None:
    rita = stage.rita
    for fault, words in (
        (cut(), "did not answer"),
        (refuse("InvalidAccessKeyId.NotFound", status=404), "Check the bot's Alibaba Cloud credentials"),
        (throttle(600_000), "asked too much"),
    ):
        stage.dbs.next(READ, fault)
        await rita.command(f"/backup-plan configure {RDS}", channel=CHANNEL)
        told = await rita.wait_for_view(alerting(words))
        assert RDS in plain_text(told)
    assert (await rita.submit()).action == "update", "Continue tries the plan again"
    await rita.wait_for_view(lambda view: shows(view, RDS))


async def test_objects_too_long_for_an_input_are_sent_as_they_were_read(stage: Stage) -> None:
    plan = new(stage, BackupObjects=LONG_OBJECTS)
    view = await form(stage.rita, plan)
    assert "kept as it is (200 databases)" in plain_text(view)
    assert "BackupObjects" not in inputs(view)
    await stage.rita.close_view()
    card = await ask(stage.slack, stage.rita, plan, {"SourceEndpointPassword": "orders-db"})
    assert (await applied(stage, card))["BackupObjects"] == LONG_OBJECTS


async def test_what_nobody_set_is_not_sent_and_what_was_set_is_remembered(stage: Stage) -> None:
    rita, plan = stage.rita, new(stage)
    view = await form(rita, plan)
    assert values(view)["AutoStartBackup"] == "leave"
    assert (values(view)["SourceEndpointIP"], values(view)["SourceEndpointPort"]) == ("", "")
    hint = block_of(view, "SourceEndpointIP")["hint"]["text"]
    assert "rm-uf6orders01.mysql.rds" in hint
    assert "sent only if you set it" in hint
    assert "DBS does not show the current value." in block_of(view, "BackupStrategyType")["hint"]["text"]
    await rita.close_view()
    choices = {"SourceEndpointPassword": "orders-db", "AutoStartBackup": "leave", "BackupStrategyType": "simple"}
    sent = await applied(stage, await ask(stage.slack, rita, plan, choices))
    assert not {"AutoStartBackup", "SourceEndpointIP", "SourceEndpointPort"} & sent.keys()
    assert sent["BackupStrategyType"] == "simple"
    remembering = await form(rita, plan)
    assert values(remembering)["BackupStrategyType"] == "simple"
    assert values(remembering)["SourceEndpointPassword"] == "orders-db"
    told = block_of(remembering, "BackupStrategyType")["hint"]["text"]
    assert re.search(r"Last set by this bot on [0-9]+ [A-Z][a-z]{2} 20[0-9]{2} to simple; DBS does not show it\.", told)
    assert "DBS does not show the current value." in block_of(remembering, "AutoStartBackup")["hint"]["text"]
    await rita.close_view()
    choices = {"SourceEndpointIP": "10.0.3.7", "SourceEndpointPort": "3307", "AutoStartBackup": "false"}
    sent = await applied(stage, await ask(stage.slack, rita, plan, choices))
    assert (sent["SourceEndpointIP"], sent["SourceEndpointPort"], sent["AutoStartBackup"]) == (
        "10.0.3.7", "3307", "false",
    )  # fmt: skip


async def test_an_address_that_was_only_read_does_not_follow_the_plan_to_rds(stage: Stage) -> None:
    rita = stage.rita
    assert values(await form(rita, ECS))["SourceEndpointIP"] == "10.0.3.7"
    await rita.choose("SourceEndpointInstanceType", "RDS")
    moved = await rita.wait_for_view(lambda view: not values(view)["SourceEndpointIP"])
    assert "sent only if you set it" in block_of(moved, "SourceEndpointIP")["hint"]["text"]
    await rita.choose("SourceEndpointInstanceType", "ECS")
    back = await rita.wait_for_view(lambda view: bool(values(view)["SourceEndpointIP"]))
    assert (values(back)["SourceEndpointIP"], values(back)["SourceEndpointPort"]) == ("10.0.3.7", "3306")


async def test_every_problem_of_a_submission_is_told_at_once_on_its_own_input(stage: Stage) -> None:
    rita = stage.rita
    await form(rita, ECS)
    wrong = {
        "BackupGatewayId": "23313123312x", "CrossAliyunId": "2694410000000001", "BackupObjects": "shop\n!orders.audit",
        "SourceEndpointPassword": "orders-db", "BackupRetentionPeriod": "30",
    }  # fmt: skip
    await fill(rita, wrong)
    assert (await rita.submit()).action == "errors"
    assert set(rita.errors) == {"BackupGatewayId", "CrossRoleName", "BackupObjects", "SourceEndpointPassword"}
    assert "whole number" in rita.errors["BackupGatewayId"]
    assert "required together with Source account" in rita.errors["CrossRoleName"]
    assert "line 2" in rita.errors["BackupObjects"]
    assert "account:2694410000000001" in rita.errors["SourceEndpointPassword"]
    assert values(rita.view or {})["BackupRetentionPeriod"] == "30", "what was right is still there"
    await fill(rita, {"BackupGatewayId": "", "CrossAliyunId": "", "BackupObjects": "shop\n!shop.audit"})
    assert (await rita.submit()).action == "push"
    assert "shop: whole database except audit" in plain_text(rita.view or {})


async def test_times_are_utc_and_told_in_the_persons_own_time_as_well(stage: Stage) -> None:
    block = block_of(await form(stage.rita, RDS), "BackupStartTime")
    assert "UTC" in block["label"]["text"]
    assert (block["element"]["initial_time"], block["element"]["timezone"]) == ("14:22", "UTC")
    assert "14:22 UTC is 22:22 for you" in block["hint"]["text"]
    assert "Asia/Shanghai" in block["hint"]["text"]


async def test_req16_who_was_too_slow_for_slack_or_left_gets_a_sentence_and_no_harm_is_done(stage: Stage) -> None:
    (bot,) = stage.bots
    rita = stage.rita
    stage.slack.faults.error("views.open", "expired_trigger_id")
    await rita.command(f"/backup-plan configure {RDS}", channel=CHANNEL)
    await stage.slack.wait_for(lambda: rita.ephemerals)
    assert "Please do that again" in rita.ephemerals[0]["text"]
    assert rita.view is None
    slow = Gate()
    stage.dbs.next(READ, hold(slow, before=True))
    await rita.command(f"/backup-plan configure {RDS}", channel=CHANNEL)
    await slow.reached.wait()
    await rita.close_view()
    slow.release()
    await stage.slack.wait_for(lambda: "not_found" in [call.error for call in stage.slack.calls])
    stage.slack.faults.ratelimit("views.update", retry_after=1)
    stage.slack.faults.answer_lost_after_processing("views.update")
    await form(rita, RDS)
    assert "view_not_updated code=not_found" in bot.log


async def test_the_command_helps_whatever_is_typed_behind_it(stage: Stage) -> None:
    before = len(stage.slack.channel(CHANNEL).messages)
    for typed in ("", " help", " HELP", " status", " configure one two", " configure-now"):
        answer = await stage.rita.command(f"/backup-plan{typed}", channel=CHANNEL)
        assert "/backup-plan configure" in answer.text, typed
        assert "/backup-plan help" in answer.text, typed
    assert "can do" in (await stage.rita.command("/backup-plan drop everything", channel=CHANNEL)).text
    assert stage.rita.view is None
    assert len(stage.slack.channel(CHANNEL).messages) == before
    await stage.rita.command(f"/backup-plan Configure `{RDS}`", channel=CHANNEL)
    await stage.rita.wait_for_view(lambda view: shows(view, RDS))
