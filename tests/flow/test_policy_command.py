"""`/backup-plan policy <plan>` over the real process: what people are told, who is told nothing, and how soon."""

import time
from collections.abc import Awaitable, Callable

import pytest

from bot.playground.acts import whispered
from bot.playground.dbs.faults import Gate, forbid, hold, throttle
from bot.playground.stage import CHANNEL, Stage

RDS, REDIS = "dbsmysqlrds01", "dbsredisecs01"
RISKS = "backups are kept for less time or the place where backups are kept changes"
READ = "DescribeBackupPlanList"
POLICY = """\
[defaults]
approvals = 1
approvers = ["S0DBA"]
requesters = ["U0RITA"]
channels = ["C0OPS", "C0INC", "C0OUT"]

[[rules]]
name = "orders"
reason = "Orders are looked after by two teams."
plans = ["orders *"]
engines = ["MySQL"]
approvers = [{ from = ["S0DBA"] }, { from = ["S0SRE"] }]

[[rules]]
name = "retention"
reason = "Backups are evidence."
when = ["retention-shortened", "storage-changed"]
approvals = 3

[[rules]]
name = "incidents"
channels = ["inc-*"]
expires_after = "1h"

[[rules]]
name = "caches"
reason = "Caches are not worth a backup."
plans = ["* cache"]
deny = true
"""

OpenStage = Callable[..., Awaitable[Stage]]


@pytest.fixture
def ruled(open_stage: OpenStage) -> Callable[..., Awaitable[Stage]]:
    """Open a stage with the rules above and a bot on it."""

    async def one(*, socket_mode: bool = False) -> Stage:
        stage = await open_stage(policy=POLICY, socket_mode=socket_mode)
        stage.slack.add_group("S0SRE", ["U0OLGA"])
        stage.slack.add_channel("C0INC", "inc-7")
        stage.slack.add_channel("C0OUT", "elsewhere", bot_is_member=False)
        stage.slack.add_channel("C0NOT", "random")
        await stage.start_bot()
        return stage

    return one


@pytest.mark.parametrize("socket_mode", [False, True])
async def test_a_requester_is_told_privately_what_the_policy_asks_and_what_it_would_ask_in_addition(
    ruled: OpenStage, *, socket_mode: bool
) -> None:
    stage = await ruled(socket_mode=socket_mode)
    answer = await stage.rita.command(f"/backup-plan Policy `{RDS}`", channel=CHANNEL)
    said = answer.text.splitlines()
    places = "at least 1 of <!subteam^S0DBA> and 1 of <!subteam^S0SRE>, not counting <@U0RITA>, because of"
    assert said == [
        f"A change of *orders nightly* (`{RDS}`) that you ask for in <#C0OPS>:",
        "• Rule “orders” applies (`plan orders *, engine mysql`). Orders are looked after by two teams.",
        f"• 2 people must approve, {places} “orders”.",
        "• Rule “orders” wants 1 of <!subteam^S0DBA>: 2 people at present.",
        "• Rule “orders” wants 1 of <!subteam^S0SRE>: 1 person at present.",
        "• It expires 4h after the request, or when nothing was sent within 30m of the last approval.",
        "",
        "If the plan gets a name that matches `* cache`, rule “caches” applies as well.",
        "• It may not be asked for: Caches are not worth a backup.",
        "",
        f"If {RISKS}, rule “retention” applies as well. Backups are evidence.",
        f"• 3 people must approve, {places} “orders” and “retention”.",
        "• The other 1 may be anybody of those.",
    ]
    assert stage.slack.channel(CHANNEL).messages == []
    assert stage.rita.view is None


async def test_the_channel_and_the_person_count(ruled: OpenStage) -> None:
    stage = await ruled()
    incident = (await stage.rita.command(f"/backup-plan policy {RDS}", channel="C0INC")).text
    assert "• Rule “incidents” applies (`channel inc-*`)." in incident
    assert "• It expires 1h after the request" in incident
    nowhere = (await stage.rita.command(f"/backup-plan policy {RDS}")).text
    assert "that you ask for:" in nowhere
    assert "If it is asked for in a channel that matches `inc-*`, rule “incidents” applies as well." in nowhere
    not_allowed = (await stage.rita.command(f"/backup-plan policy {RDS}", channel="C0NOT")).text
    assert "• The policy allows changes only in <#C0OPS>, <#C0INC> or <#C0OUT>, not in <#C0NOT>." in not_allowed
    outside = (await stage.rita.command(f"/backup-plan policy {RDS}", channel="C0OUT")).text
    assert "• The bot is not in this channel: invite it there, or choose another channel." in outside
    ana = (await stage.ana.command(f"/backup-plan policy {RDS}", channel=CHANNEL)).text
    assert "that somebody asks for in <#C0OPS>:" in ana
    assert "not counting" not in ana
    assert "wants 1 of <!subteam^S0DBA>: 3 people at present" in ana, "whoever asks is not known"
    assert "• The policy does not name you among those who may ask for changes." in ana


async def test_what_would_be_refused_is_told(ruled: OpenStage) -> None:
    stage = await ruled()
    denied = (await stage.rita.command(f"/backup-plan policy {REDIS}", channel=CHANNEL)).text.splitlines()
    assert denied[1:] == [
        "• Rule “caches” applies (`plan * cache`). Caches are not worth a backup.",
        "• It may not be asked for: Caches are not worth a backup.",
    ]
    stage.slack.world.workspace.members["U0OLGA"].deleted = True
    few = (await stage.rita.command(f"/backup-plan policy {RDS}", channel=CHANNEL)).text
    assert "• 2 people besides you have to approve this, but the policy's approvers come to only 1; it takes 1" in few


async def test_req36_whoever_may_neither_ask_nor_approve_is_told_nothing_of_plan_or_policy(ruled: OpenStage) -> None:
    stage = await ruled()
    eve = stage.slack.add_person("eve", id="U0EVE")
    calls = len(stage.dbs.calls(READ))
    for person in (eve, stage.gus):
        said = (await person.command(f"/backup-plan policy {RDS}")).text
        assert said == "Backup plans are shown only to people who may request or approve changes."
    assert len(stage.dbs.calls(READ)) == calls, "DBS was not even asked"


async def test_a_plan_that_dbs_does_not_show_is_told_with_what_to_do(ruled: OpenStage) -> None:
    stage = await ruled()
    unknown = (await stage.rita.command("/backup-plan policy <!channel>", channel=CHANNEL)).text
    assert "InvalidParameterValid" in unknown
    assert "Check the plan id" in unknown
    assert "<!" not in unknown
    stage.dbs.next(READ, forbid())
    forbidden = (await stage.rita.command(f"/backup-plan policy {RDS}", channel=CHANNEL)).text
    assert f"{RDS}: " in forbidden
    assert "dbs:DescribeBackupPlanList" in forbidden, "the RAM action to grant"
    stage.dbs.next(READ, *[throttle(10)] * 3)
    assert "Try again in a minute." in (await stage.rita.command(f"/backup-plan policy {RDS}", channel=CHANNEL)).text
    for typed in ("", " one two", " ``"):
        said = (await stage.rita.command(f"/backup-plan policy{typed}", channel=CHANNEL)).text
        assert said.startswith("`/backup-plan policy &lt;plan id&gt;` says"), typed


async def test_req15_while_dbs_is_slow_the_answer_follows(ruled: OpenStage) -> None:
    stage, gate = await ruled(), Gate()
    stage.dbs.next(READ, hold(gate, before=True))
    began = time.monotonic()
    first = await stage.rita.command(f"/backup-plan policy {RDS}", channel=CHANNEL)
    assert time.monotonic() - began < 2.5
    assert first.text == f"{RDS} is being read from DBS; the answer follows here."
    seen = len(stage.rita.ephemerals)
    gate.release()
    later = await whispered(stage.slack, stage.rita, seen + 1)
    assert later.startswith(f"A change of *orders nightly* (`{RDS}`) that you ask for in <#C0OPS>:")


async def test_the_command_is_in_the_help(ruled: OpenStage) -> None:
    stage = await ruled()
    assert "/backup-plan policy &lt;plan id&gt;" in (await stage.rita.command("/backup-plan help")).text


async def test_a_channel_that_a_requester_makes_earns_nothing(open_stage: OpenStage) -> None:
    quick = '[{ name = "inc-*", created_by = ["U0IRBOT"] }]'
    policy = f'[defaults]\napprovals = 1\napprovers = ["S0DBA"]\n[[rules]]\nname = "r"\nexcept_channels = {quick}\n'
    stage = await open_stage(policy=f"{policy}approvals = 2\n")
    await stage.start_bot()
    made = stage.rita.create_channel("inc-99")
    mine = (await stage.rita.command(f"/backup-plan policy {RDS}", channel=made.id)).text
    assert "• 2 people out of <!subteam^S0DBA> must approve" in mine
    stage.slack.add_channel("C0INC", "inc-100", creator="U0IRBOT")
    incident = (await stage.rita.command(f"/backup-plan policy {RDS}", channel="C0INC")).text
    assert "• 1 person out of <!subteam^S0DBA> must approve" in incident
    stage.slack.add_channel("C0ANY", "inc-101", creator="")
    untold = (await stage.rita.command(f"/backup-plan policy {RDS}", channel="C0ANY")).text
    assert "• 2 people out of <!subteam^S0DBA> must approve" in untold, "Slack does not say who made it"
