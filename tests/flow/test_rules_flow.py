"""Rules over the real process: who counts for which place, when it may be sent, who is called, what is denied."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.core.events import moment
from bot.playground.acts import (
    ask,
    card_now,
    deny,
    fill,
    open_form,
    outcome,
    replies,
    settled,
    whispered,
)
from bot.playground.dbs.plans import redis_on_ecs
from bot.playground.slack.person import Person
from bot.playground.slack.server import plain_text
from bot.playground.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

Message = dict[str, Any]
History = Callable[[Stage, Message], list[tuple[str, str, dict[str, Any]]]]

SHORTER = {"BackupRetentionPeriod": "30"}
NOW = datetime.now(UTC)
TODAY = NOW.date()
LATER = NOW + timedelta(hours=6)
LATER_WINDOW = f"daily {LATER.hour:02}:00-{LATER.hour:02}:30 UTC"
"""Closed now, and for five hours yet."""

POLICY = f"""
[defaults]
approvals = 1
approvers = ["S0DBA"]

[[rules]]
name = "production retention"
reason = "Shorter retention of production backups needs a DBA and an SRE."
plans = ["dbsprod*"]
when = ["retention-shortened", "log-backup-off", "source-changed", "storage-changed", "account-changed"]
approvals = 2
approvers = [{{ from = ["S0DBA"], at_least = 1 }}, {{ from = ["S0SRE"], at_least = 1 }}]
windows = ["daily 00:00-24:00 Asia/Shanghai"]
freezes = ["2020-12-24/2021-01-02"]
notify = ["C0AUDIT", "C0SHARED", "C0AWAY"]

[[rules]]
name = "incidents"
channels = ["inc-*"]
approvers = [{{ from = ["S0SRE"], at_least = 1 }}]
incident = true
on_call = ["S0ONCALL"]
remind_after = ["2s", "4s"]
escalate_to = ["S0LEADS"]
expires_after = "1h"

[[rules]]
name = "office hours"
channels = ["waits"]
windows = ["{LATER_WINDOW}"]
execute_within = "20m"

[[rules]]
name = "holidays"
channels = ["frozen"]
freezes = ["{TODAY - timedelta(days=1)}/{TODAY + timedelta(days=2)}"]

[[rules]]
name = "never"
channels = ["never"]
freezes = ["{TODAY - timedelta(days=1)}/{TODAY + timedelta(days=500)}"]

[[rules]]
name = "evidence"
reason = "Backups under legal hold are changed by nobody; ask the lawyers."
plans = ["dbshold*"]
deny = true

[[rules]]
name = "personal"
channels = ["quiet"]
approvals = 2
dm = true
"""


class Team:
    """The people of the policy above, and their channels, around one running process."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        slack = stage.slack
        self.sam, self.dora = slack.add_person("sam", id="U0SAM"), slack.add_person("dora", id="U0DORA")
        self.lea = slack.add_person("lea", id="U0LEA")
        slack.add_group("S0DBA", ["U0ANA", "U0BEN", "U0RITA", "U0DORA"])
        slack.add_group("S0SRE", ["U0SAM", "U0DORA"])
        slack.add_group("S0LEADS", ["U0LEA", "U0RITA"])
        slack.add_group("S0ONCALL", ["U0SAM"])
        for name in ("ops", "inc-42", "waits", "frozen", "never", "quiet", "audit"):
            slack.add_channel(channel_id(name), name)
        slack.add_channel("C0SHARED", "shared", ext_shared=True)
        slack.add_channel("C0AWAY", "away", bot_is_member=False)
        self._plans = 0

    def plan(self, kind: str = "test") -> str:
        """Put one more plan into the account and return its id."""
        self._plans += 1
        plan = redis_on_ecs(f"dbs{kind}{self._plans:06}")
        self.stage.dbs.plans[plan["BackupPlanId"]] = plan
        return str(plan["BackupPlanId"])

    async def ask(self, plan: str, channel: str = "ops") -> Message:
        return await ask(self.stage.slack, self.stage.rita, plan, SHORTER, channel=channel_id(channel))

    async def refused(self, plan: str, channel: str = "ops") -> str:
        """Ask all the way to the end and return what stands at the reason instead."""
        rita = self.stage.rita
        await open_form(rita, plan, channel_id(channel))
        await fill(rita, SHORTER)
        await rita.submit()
        await rita.wait_for_view(lambda view: view["callback_id"] == "review")
        await rita.type("reason", "Disk is full")
        await rita.submit()
        return rita.errors["reason"]

    def sent(self, plan: str) -> int:
        return len([effect for effect in self.stage.dbs.effects if effect.plan_id == plan])

    def card(self, card: Message, channel: str = "ops") -> str:
        return plain_text(card_now(self.stage.slack, card, channel_id(channel)))

    async def shows(self, card: Message, text: str, channel: str = "ops") -> str:
        """Wait until the card shows a text, and return all of it."""
        await self.stage.slack.wait_for(lambda: text in self.card(card, channel))
        return self.card(card, channel)

    def notes(self, card: Message, channel: str = "ops") -> list[str]:
        return [one["text"] for one in replies(self.stage.slack, card, "note", channel_id(channel))]

    def direct(self, person: Person) -> list[str]:
        return [one["text"] for one in self.stage.slack.world.workspace.dm(person.id).messages]


def channel_id(name: str) -> str:
    return "C0" + name.upper().replace("-", "")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[False, True], ids=["http", "socket"])
async def running_team(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Team]:
    folder = tmp_path_factory.mktemp("rules")
    async with Stage(folder, policy=POLICY, socket_mode=request.param, SWEEP_INTERVAL="1s", TELL_GRACE="1s") as stage:
        team = Team(stage)
        await stage.start_bot()
        yield team
    assert stage.slack.violations == []
    assert "Traceback" not in stage.bots[0].log


@pytest.fixture
def team(running_team: Team) -> Team:
    """The running team, with nothing left on anybody's screen."""
    world = running_team.stage.slack.world
    for person in running_team.stage.slack.people:
        world.modals.clear(person)
    world.ephemerals.clear()
    world.notices.clear()
    return running_team


async def test_two_dbas_are_no_sre_and_the_card_says_who_is_missing_and_why(team: Team, history: History) -> None:
    plan, stage = team.plan("prod"), team.stage
    card = await team.ask(plan)
    text = team.card(card)
    assert "Waiting for 2 more people, 1 of them from <!subteam^S0DBA> and 1 from <!subteam^S0SRE>." in text
    assert "2 people must approve, at least 1 of <!subteam^S0DBA> and 1 of <!subteam^S0SRE>" in text
    assert "because of “production retention”; may be carried out daily 00:00–24:00 Asia/Shanghai" in text
    assert "Shorter retention of production backups needs a DBA and an SRE." in text
    await stage.ana.click(card, "approve")
    await team.shows(card, "1 of 2: <@U0ANA>")
    await stage.ben.click(card, "approve")
    text = await team.shows(card, "<@U0BEN>")
    assert "1 of 2: <@U0ANA>, <@U0BEN>" in text
    assert "Waiting for 1 more person from <!subteam^S0SRE>." in text
    assert team.sent(plan) == 0
    await stage.ana.click(card_now(stage.slack, card), "approve")
    again = "Your approval is already recorded; 1 more person from <!subteam^S0SRE> needed."
    assert await whispered(stage.slack, stage.ana) == again
    await team.sam.click(card_now(stage.slack, card), "approve")
    await settled(stage.slack, card)
    assert "2 of 2" in team.card(card)
    assert team.sent(plan) == 1
    assert [kind for kind, _, _ in history(stage, card)].count("approved") == 3


async def test_who_fits_two_places_moves_over_for_who_fits_only_one(team: Team) -> None:
    plan, stage = team.plan("prod"), team.stage
    card = await team.ask(plan)
    await team.dora.click(card, "approve")
    await team.shows(card, "1 of 2: <@U0DORA>")
    await stage.ben.click(card_now(stage.slack, card), "approve")
    await settled(stage.slack, card)
    assert team.sent(plan) == 1


async def test_the_outcome_is_told_in_the_rule_s_own_channels_once_and_the_requester_hears_of_approvals(
    team: Team,
) -> None:
    plan, stage = team.plan("prod"), team.stage
    card = await team.ask(plan)
    await stage.ana.click(card, "approve")
    await stage.slack.wait_for(lambda: team.notes(card))
    assert team.notes(card) == ["<@U0RITA>: <@U0ANA> approved. 1 more needed."]
    await deny(team.sam, card_now(stage.slack, card))
    await settled(stage.slack, card)

    def told() -> list[str]:
        return [one["text"] for one in stage.slack.channel("C0AUDIT").messages if plan in plain_text(one)]

    await stage.slack.wait_for(told)
    await asyncio.sleep(1.2)
    (text,) = told()
    assert "The change that <@U0RITA> asked for is *denied*." in text
    assert f"/archives/C0OPS/p{card['ts'].replace('.', '')}|Open the card>" in text
    assert stage.slack.channel("C0SHARED").messages == stage.slack.channel("C0AWAY").messages == []
    assert "channel_unreachable" in stage.bots[0].log
    assert len(team.notes(card)) == 1


async def test_an_incident_calls_who_is_on_call_reminds_in_the_channel_and_then_lets_the_leads_in(
    team: Team, history: History
) -> None:
    plan, stage = team.plan(), team.stage
    card = await team.ask(plan, "inc-42")
    assert card["text"].endswith("On call: <!subteam^S0ONCALL>"), "the mention in the text is what makes Slack call"
    assert "On call" in team.card(card, "inc-42")
    at, requested = history(stage, card)[0][2]["expires_at"], moment_of(card)
    assert timedelta(minutes=59) < moment(at) - requested < timedelta(minutes=61)
    await team.lea.click(card, "approve")
    assert "You are not among the approvers" in await whispered(stage.slack, team.lea)

    def reminders() -> list[Message]:
        return [
            one for one in stage.slack.channel("C0INC42").messages if one.get("thread_ts") == card["ts"] != one["ts"]
        ]

    await stage.slack.wait_for(lambda: len(reminders()) == 2, 12.0)
    first, last = (one["text"] for one in reminders())
    assert "<@U0DORA>, <@U0SAM>: please approve or deny." in first
    assert ("U0LEA" in first, "<@U0LEA>: from now on you may approve as well." in last) == (False, True)
    assert not any(word in first + last for word in ("U0RITA", "U0ANA", "subteam"))
    await team.lea.click(card_now(stage.slack, card, "C0INC42"), "approve")
    await settled(stage.slack, card, "C0INC42")
    assert team.sent(plan) == 1
    assert len(reminders()) == 2


async def test_no_reminder_comes_after_the_outcome(team: Team) -> None:
    stage = team.stage
    card = await team.ask(team.plan(), "inc-42")
    await stage.rita.click(card, "withdraw")
    await outcome(stage.slack, card, "C0INC42")
    await asyncio.sleep(5.5)
    assert team.notes(card, "inc-42") == []


@pytest.mark.parametrize("channel", ["waits", "frozen"])
async def test_what_is_approved_outside_its_time_waits_and_says_until_when(
    team: Team, history: History, channel: str
) -> None:
    plan, stage = team.plan(), team.stage
    card = await team.ask(plan, channel)
    await stage.ana.click(card, "approve")
    await team.shows(card, "Approved: waits until the policy allows it to be carried out,", channel)
    await stage.slack.wait_for(lambda: team.notes(card, channel))
    opens = LATER.replace(minute=0, second=0, microsecond=0)
    if channel == "frozen":
        opens = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC) + timedelta(days=3)
    (note,) = team.notes(card, channel)
    assert note == (
        f"<@U0RITA>: <@U0ANA> approved. That was the last one. It waits until {opens:%Y-%m-%d %H:%M} UTC, "
        "when the policy allows it to be carried out."
    )
    shown = str(card_now(stage.slack, card, channel_id(channel))["blocks"])
    assert f"<!date^{int(opens.timestamp())}^" in shown
    until = opens + timedelta(minutes=20 if channel == "waits" else 30)
    assert f"<!date^{int(until.timestamp())}^" in shown, "execute_within counts from the opening"
    await asyncio.sleep(1.5)
    assert [kind for kind, _, _ in history(stage, card)] == ["requested", "announced", "approved"]
    await deny(stage.ben, card_now(stage.slack, card, channel_id(channel)))
    await settled(stage.slack, card, channel_id(channel))
    assert (team.sent(plan), len(team.notes(card, channel))) == (0, 1)


async def test_what_could_never_be_carried_out_is_not_taken(team: Team) -> None:
    assert "leave no time for it" in await team.refused(team.plan(), "never")


async def test_what_a_rule_denies_is_refused_with_its_sentence(team: Team) -> None:
    why = await team.refused(team.plan("hold"))
    assert why == "Backups under legal hold are changed by nobody; ask the lawyers."


async def test_where_a_rule_says_so_people_get_messages_of_their_own(team: Team) -> None:
    plan, stage = team.plan(), team.stage
    card = await team.ask(plan, "quiet")
    link = f"/archives/C0QUIET/p{card['ts'].replace('.', '')}|Open the card>"
    people = [stage.ana, stage.ben, team.dora]
    await stage.slack.wait_for(lambda: all(team.direct(one) for one in people))
    for one in people:
        (text,) = team.direct(one)
        assert text.startswith("<@U0RITA> asks for a change of a backup plan that you can approve.")
        assert link in text
    await stage.ana.click(card, "approve")
    await stage.slack.wait_for(lambda: team.direct(stage.rita))
    await stage.ben.click(card_now(stage.slack, card, "C0QUIET"), "approve")
    await settled(stage.slack, card, "C0QUIET")
    await stage.slack.wait_for(lambda: len(team.direct(stage.rita)) == 3)
    said_to_rita = sorted(text.partition(" <http")[0] for text in team.direct(stage.rita))
    assert said_to_rita == [
        "<@U0ANA> approved your change. 1 more needed.",
        "<@U0BEN> approved your change. That was the last one.",
        "The change that <@U0RITA> asked for is *applied*.",
    ]
    assert (team.direct(team.sam), team.notes(card, "quiet")) == ([], [])


async def test_two_processes_on_one_ledger_remind_and_tell_once(tmp_path: Path) -> None:
    rule = '[[rules]]\nname = "i"\nincident = true\nremind_after = ["1s", "3s"]\nnotify = ["C0AUDIT"]\n'
    policy = POLICY.partition("[[rules]]")[0] + rule
    async with Stage(tmp_path, policy=policy, SWEEP_INTERVAL="1s", TELL_GRACE="1s") as stage:
        stage.slack.add_channel("C0AUDIT", "audit")
        for _ in range(3):
            await stage.start_bot()
        stage.dbs.plans |= {"dbstwo": redis_on_ecs("dbstwo")}
        card = await ask(stage.slack, stage.rita, "dbstwo", SHORTER)
        await stage.slack.wait_for(lambda: len(replies(stage.slack, card, "note")) == 2)
        await stage.ana.click(card_now(stage.slack, card), "approve")
        await settled(stage.slack, card)
        await asyncio.sleep(2.5)
        assert len(replies(stage.slack, card, "note")) == 2
        assert len(replies(stage.slack, card)) == len(stage.slack.channel("C0AUDIT").messages) == 1
        assert stage.slack.violations == []


def moment_of(message: Message) -> datetime:
    return datetime.fromtimestamp(float(message["ts"]), UTC)
