"""What comes late to a form, or from another of its views: what is asked for is what the review showed, or nothing."""

import asyncio
import copy
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from typing import Any

import pytest
from forms import View, card_of, review, shows, values

from bot.playground.acts import card_now, fill, inputs, listed, outcome
from bot.playground.dbs.faults import Gate, hold
from bot.playground.dbs.plans import mysql_on_rds
from bot.playground.slack.server import plain_text
from bot.playground.stage import CHANNEL, Stage

REDIS = "dbsredisecs01"
READ = "DescribeBackupPlanList"
TIGHT = {"BackupRetentionPeriod": "30", "SourceEndpointPassword": "orders-db"}


@pytest.fixture
async def stage(open_stage: Callable[..., Awaitable[Stage]]) -> Stage:
    """Two processes on one ledger; deliveries go to the first."""
    stage = await open_stage()
    await stage.start_bot()
    await stage.start_bot()
    to(stage, 0)
    return stage


@pytest.fixture
def plan(stage: Stage) -> str:
    """A MySQL plan on RDS."""
    stage.dbs.plans["dbslate000001"] = mysql_on_rds("dbslate000001")
    return "dbslate000001"


def to(stage: Stage, number: int) -> None:
    """Have what follows delivered to one of the processes."""
    stage.slack.point_at(stage.bots[number].events_url)


def late(payload: Mapping[str, Any], name: str, held: Mapping[str, Any]) -> dict[str, Any]:
    """The choice that somebody made in a view before they submitted it, from the submission's payload."""
    view = copy.deepcopy(payload["view"])
    block = next(one["block_id"] for one in view["blocks"] if one["block_id"].partition("~")[0] == name)
    view["state"]["values"][block][name].update(held)
    action = {**view["state"]["values"][block][name], "action_id": name, "block_id": block, "action_ts": "1.000001"}
    container = {"type": "view", "view_id": view["id"]}
    return {**payload, "type": "block_actions", "view": view, "container": container, "actions": [action]}


def option(value: str) -> dict[str, Any]:
    return {"selected_option": {"text": {"type": "plain_text", "text": value}, "value": value}}


def submission(stage: Stage) -> dict[str, Any]:
    """What the form's last submission brought."""
    found = [one.payload for one in stage.slack.deliveries if one.payload.get("type") == "view_submission"]
    return next(one for one in reversed(found) if one["view"]["callback_id"] == "configure")


async def sent(stage: Stage, plan: str) -> Mapping[str, str]:
    """Ask for what the review shows, have it approved, and return what DBS was sent."""
    await stage.rita.type("reason", "Disk is full")
    assert (await stage.rita.submit()).action == "clear"
    card = await card_of(stage.slack, plan)
    await stage.ana.click(card, "approve")
    await stage.ben.click(card_now(stage.slack, card), "approve")
    await outcome(stage.slack, card)
    (effect,) = stage.dbs.effects
    return effect.params


@pytest.mark.parametrize("process", [0, 1])
async def test_a_plan_chosen_late_changes_nothing_that_was_reviewed(stage: Stage, plan: str, process: int) -> None:
    await review(stage.rita, plan, TIGHT)
    slow = Gate()
    stage.dbs.next(READ, hold(slow, before=True), plan_id=REDIS)
    to(stage, process)
    await stage.slack.deliver("interactive", late(submission(stage), "BackupPlanId", option(REDIS)))
    await slow.reached.wait()
    to(stage, 0)
    params = await sent(stage, plan)
    slow.release()
    assert (params["BackupPlanId"], params["BackupRetentionPeriod"]) == (plan, "30")


async def test_the_review_of_a_plan_outlives_the_choice_of_another(stage: Stage, plan: str) -> None:
    await review(stage.rita, plan, TIGHT)
    await stage.slack.deliver("interactive", late(submission(stage), "BackupPlanId", option(REDIS)))
    drawn = stage.slack.journal
    await stage.slack.wait_for(lambda: "session cache" in str([call.args for call in drawn.called("views.update")]))
    params = await sent(stage, plan)
    assert (params["BackupPlanId"], params["BackupPlanName"]) == (plan, "orders nightly")


async def test_a_choice_made_before_another_plan_was_read_is_let_go(stage: Stage, plan: str) -> None:
    rita = stage.rita
    await review(rita, plan, TIGHT)
    chosen = late(submission(stage), "BackupPlanId", option("dbsmysqlecs01"))
    await rita.close_view()
    await listed(rita, REDIS)
    await rita.pick("BackupPlanId", REDIS)
    await rita.wait_for_view(lambda view: shows(view, REDIS))
    to(stage, 1)
    await stage.slack.deliver("interactive", chosen)
    await fill(rita, {"BackupRetentionPeriod": "20"})
    assert (await rita.submit()).action == "push"
    params = await sent(stage, REDIS)
    assert (params["BackupPlanId"], params["BackupRetentionPeriod"]) == (REDIS, "20")
    assert not [one for one in stage.dbs.requests if one.params.get("BackupPlanId") == "dbsmysqlecs01"]


async def form(stage: Stage, plan: str) -> View:
    await stage.rita.command(f"/backup-plan configure {plan}", channel=CHANNEL)
    return await stage.rita.wait_for_view(lambda view: shows(view, plan))


@pytest.mark.parametrize("process", [0, 1])
async def test_no_older_state_is_merged_over_a_submission(stage: Stage, plan: str, process: int) -> None:
    """Type 7, change the strategy and back, correct it to 700 and review while the first redrawing is slow."""
    rita = stage.rita
    await form(stage, plan)
    await fill(rita, {**TIGHT, "BackupRetentionPeriod": "7"})
    slow = asyncio.Event()
    stage.slack.faults.gate("views.update", slow)
    await rita.choose("BackupStrategyType", "manual")
    await stage.slack.wait_for(lambda: stage.slack.faults.pending == 0)
    await rita.choose("BackupStrategyType", "simple")
    await fill(rita, {"BackupRetentionPeriod": "700"})
    to(stage, process)
    pushed = await rita.submit()
    assert pushed.action == "push"
    assert "730 days → 700 days" in plain_text(rita.view or {})
    to(stage, 0)
    behind = late(submission(stage), "BackupStrategyType", option("simple"))  # queues where the others wait
    del behind["view"]["state"]["values"]["BackupRetentionPeriod"]
    await stage.slack.deliver("interactive", behind)
    drawn = len(stage.slack.journal.called("views.update"))
    slow.set()
    await stage.slack.wait_for(lambda: len(stage.slack.journal.called("views.update")) > drawn)
    assert (await sent(stage, plan))["BackupRetentionPeriod"] == "700"


@pytest.mark.parametrize("process", [0, 1])
async def test_what_the_review_showed_is_what_is_requested(stage: Stage, plan: str, process: int) -> None:
    """Whatever a view says that comes while the review is open: here with another name, and other days."""
    await review(stage.rita, plan, TIGHT)
    to(stage, process)
    other = late(submission(stage), "BackupStrategyType", option("manual"))
    for block in other["view"]["state"]["values"].values():
        if "BackupRetentionPeriod" in block:
            block["BackupRetentionPeriod"]["value"] = "1"
    drawn = len(stage.slack.journal.called("views.update"))
    await stage.slack.deliver("interactive", other)
    await stage.slack.wait_for(lambda: len(stage.slack.journal.called("views.update")) > drawn)
    params = await sent(stage, plan)
    assert params["BackupRetentionPeriod"] == "30"
    assert params.get("BackupStrategyType", "simple") == "simple"


async def test_choices_made_after_going_back_still_count(stage: Stage, plan: str) -> None:
    rita = stage.rita
    await review(rita, plan, TIGHT)
    await rita.close_view()
    await rita.type("BackupRetentionPeriod", "40")
    await rita.choose("BackupStrategyType", "manual")
    view = await rita.wait_for_view(lambda view: "BackupStartTime" not in inputs(view))
    assert values(view)["BackupRetentionPeriod"] == "40"
    assert (await rita.submit()).action == "push"
    params = await sent(stage, plan)
    assert (params["BackupRetentionPeriod"], params["BackupStrategyType"]) == ("40", "manual")


@pytest.mark.parametrize("process", [0, 1])
async def test_an_older_review_is_refused_once_there_is_a_newer(stage: Stage, plan: str, process: int) -> None:
    rita = stage.rita
    await review(rita, plan, TIGHT)
    await rita.type("reason", "Disk is full")
    older = copy.deepcopy(rita.view or {})
    await rita.close_view()
    await fill(rita, {"BackupRetentionPeriod": "60"})
    assert (await rita.submit()).action == "push"
    to(stage, process)
    asked = {**submission(stage), "view": older}
    answer = await stage.slack.deliver("interactive", asked)
    assert "only its latest review counts" in answer.answer
    assert (await sent(stage, plan))["BackupRetentionPeriod"] == "60"


async def test_a_review_whose_row_was_altered_is_refused(stage: Stage, plan: str) -> None:
    rita = stage.rita
    await review(rita, plan, TIGHT)
    with closing(sqlite3.connect(stage.ledger_file)) as ledger, ledger:
        ledger.execute("update drafts set content = replace(content, '\"30\"', '\"7\"')")
    await rita.type("reason", "Disk is full")
    assert (await rita.submit()).action == "errors"
    assert "no longer says what would be sent" in rita.errors["reason"]
