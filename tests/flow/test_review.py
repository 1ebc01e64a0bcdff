"""The review between form and card: what it shows, what it refuses while it stays open, and what it records once."""

import asyncio
import copy
import re
import sqlite3
from contextlib import closing

import pytest
from forms import alerts, card_of, review

from bot.playground.acts import fill, inputs
from bot.playground.dbs.plans import mysql_on_rds
from bot.playground.slack.server import plain_text
from bot.playground.stage import CHANNEL, Stage

ECS, REDIS = "dbsmysqlecs01", "dbsredisecs01"
TIGHT = {"BackupRetentionPeriod": "30", "SourceEndpointPassword": "orders-db"}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    """The running stage; each test that asks for a change does so of a plan of its own."""
    return shared_stage


@pytest.fixture
def plan(stage: Stage) -> str:
    """One more MySQL plan on plan."""
    made = mysql_on_rds(f"dbsreview{len(stage.dbs.plans):05}")
    stage.dbs.plans[made["BackupPlanId"]] = made
    return str(made["BackupPlanId"])


def requests(stage: Stage, plan: str) -> int:
    """How many changes of a plan were ever asked for."""
    counted = "select count(*) from events where type = 'requested' and json_extract(data, '$.plan_id') = ?"
    with closing(sqlite3.connect(stage.ledger_file)) as ledger, ledger:
        return int(ledger.execute(counted, [plan]).fetchone()[0])


async def test_req14_the_review_shows_what_changes_what_is_risky_and_who_decides(stage: Stage, plan: str) -> None:
    view = await review(stage.rita, plan, {**TIGHT, "EnableBackupLog": "false", "BackupStorageType": "system"})
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


async def test_a_change_asked_for_in_direct_messages_needs_a_channel_to_be_chosen(stage: Stage, plan: str) -> None:
    rita = stage.rita
    view = await review(rita, plan, TIGHT, channel="")
    assert "initial_conversation" not in inputs(view)["channel"]
    await rita.type("reason", "   ")
    await rita.choose("channel", CHANNEL)
    assert (await rita.submit()).action == "errors"
    assert "Say why" in rita.errors["reason"]
    await rita.type("reason", "Disk is full")
    assert (await rita.submit()).action == "clear"
    assert "Disk is full" in plain_text(await card_of(stage.slack, plan))
    assert rita.view is None


async def test_every_objection_to_a_review_is_told_at_once(stage: Stage, plan: str) -> None:
    stage.slack.add_channel("C0SOLO", bot_is_member=False)
    rita = stage.rita
    await review(rita, plan, TIGHT)
    stage.slack.add_group("S0DBA", ["U0ANA", "U0RITA"])
    await rita.choose("channel", "C0SOLO")
    await rita.type("reason", " ")
    assert (await rita.submit()).action == "errors"
    assert set(rita.errors) == {"channel", "reason"}


async def test_req12_what_a_card_could_not_show_in_full_is_refused(stage: Stage, plan: str) -> None:
    many = "[" + ",".join(f'{{"DBName":"tenant_{n:04}"}}' for n in range(600)) + "]"
    stage.dbs.change(plan, BackupObjects=many)
    rita = stage.rita
    view = await review(rita, plan, TIGHT)
    assert "too long" not in " ".join(alerts(view)), "what does not change may be as long as it likes"
    assert len(plain_text(view)) < 5000
    stage.dbs.change(plan, BackupObjects="[]")
    await review(rita, plan, {**TIGHT, "BackupObjects": "\n".join(f"t{n}" for n in range(500))})
    assert "too long to be shown in full" in alerts(rita.view or {})[0]
    await rita.type("reason", "Disk is full")
    assert (await rita.submit()).action == "errors"
    assert "too long to be shown in full" in rita.errors["reason"]
    assert requests(stage, plan) == 0


async def test_req35_a_secret_goes_to_no_source_it_is_not_bound_to(stage: Stage, plan: str) -> None:
    rita = stage.rita
    await rita.command(f"/backup-plan configure {plan}", channel=CHANNEL)
    await rita.wait_for_view(lambda view: "BackupPlanName" in inputs(view))
    await fill(rita, {**TIGHT, "SourceEndpointInstanceID": "rm-of-mine", "SourceEndpointIP": "203.0.113.9"})
    assert (await rita.submit()).action == "errors"
    told = rita.errors["SourceEndpointPassword"]
    assert "rm-of-mine" in told
    assert "203.0.113.9" in told
    assert "[secrets.orders-db] sources" in told


async def test_a_form_older_than_an_hour_says_so_at_every_step(stage: Stage, plan: str) -> None:
    rita = stage.rita
    await review(rita, ECS, TIGHT)
    with closing(sqlite3.connect(stage.ledger_file)) as ledger, ledger:
        ledger.execute("update drafts set at = '2020-01-01T00:00:00.000000Z'")
    await rita.type("reason", "Disk is full")
    assert (await rita.submit()).action == "errors"
    assert "older than an hour" in rita.errors["reason"]
    await rita.close_view()
    assert (await rita.submit()).action == "update"
    assert "older than an hour" in plain_text(rita.view or {})
    await rita.command(f"/backup-plan configure {ECS}", channel=CHANNEL)
    await rita.wait_for_view(lambda view: "BackupPlanName" in inputs(view))
    with closing(sqlite3.connect(stage.ledger_file)) as ledger, ledger:
        ledger.execute("update drafts set at = '2020-01-01T00:00:00.000000Z'")
    await rita.choose("BackupStrategyType", "manual")
    await rita.wait_for_view(lambda view: "older than an hour" in plain_text(view))
    assert requests(stage, plan) == 0


async def test_req24_the_actor_is_who_slack_says_acted_and_nobody_else(stage: Stage, plan: str) -> None:
    await review(stage.rita, plan, TIGHT)
    await stage.rita.type("reason", "Disk is full")
    await stage.rita.submit()
    await card_of(stage.slack, plan)
    genuine = stage.slack.deliveries[-1].payload
    forged = copy.deepcopy(genuine)
    forged["user"]["id"] = "U0OLGA"
    forged["view"]["id"] = "V0FORGED"
    answer = await stage.slack.deliver("interactive", forged)
    assert "opened by somebody else" in answer.answer
    form, _, digest = genuine["view"]["private_metadata"].partition(":")
    assert form == genuine["view"]["root_view_id"], "and nothing that says who"
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert requests(stage, plan) == 1


async def test_req15_when_slack_is_slow_the_answer_is_in_time_and_nothing_is_recorded(stage: Stage, plan: str) -> None:
    rita = stage.rita
    await review(rita, plan, TIGHT)
    await rita.type("reason", "Disk is full")
    stage.slack.faults.slow("conversations.info", 2.9)
    answer = await rita.submit()
    assert answer.action == "errors"
    assert "did not say in time" in rita.errors["reason"]
    assert answer.duration < 2.5
    assert requests(stage, plan) == 0


async def test_req33_while_the_ledger_is_locked_every_step_says_so_in_time_and_loses_nothing(
    stage: Stage, plan: str
) -> None:
    rita, olga, ana = stage.rita, stage.olga, stage.ana
    await review(rita, plan, TIGHT)
    await rita.type("reason", "Disk is full")
    await olga.command(f"/backup-plan configure {REDIS}", channel=CHANNEL)
    await olga.wait_for_view(lambda view: "BackupPlanName" in inputs(view))
    await olga.type("BackupPlanName", "renamed")
    locked = "The ledger is locked by another process; nothing was recorded. Try again in a moment."
    with closing(sqlite3.connect(stage.ledger_file, isolation_level=None)) as other, other:
        other.execute("begin immediate")
        answers = await asyncio.gather(
            rita.submit(), olga.submit(), ana.command(f"/backup-plan configure {ECS}", channel=CHANNEL)
        )
        assert [answer.ok for answer in answers] == [True] * 3
        assert (rita.errors, list(olga.errors.values())) == ({"reason": locked}, [locked])
        await ana.wait_for_view(lambda view: locked in plain_text(view))
        other.execute("rollback")
    assert requests(stage, plan) == 0
    assert (await olga.submit()).action == "push"
    assert "renamed" in plain_text(olga.view or {})
    assert (await rita.submit()).action == "clear"
