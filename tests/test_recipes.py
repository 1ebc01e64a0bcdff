"""The README's policies, read by somebody who wants to be let through: what is asked at least, wherever they ask."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from bot.core.asked import facts_for
from bot.core.demand import Demand
from bot.core.evaluation import evaluate
from bot.core.people import Channel
from bot.core.plan import normalise, parameters
from bot.core.policy import Policy, read_policy
from bot.core.policy_notes import notes
from bot.core.reading import Reading
from bot.core.slots import filled

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
RITA, BOT = "U0RITA", "U0IRBOT"
MEMBERS = {
    "S0DBA": frozenset({"U0ANA", "U0BEN", RITA}), "S0SRE": frozenset({"U0OLGA"}),
    "S0LEADS": frozenset({"U0EVE", "U0LEA"}),
}  # fmt: skip
SHOWN = normalise(
    {
        "BackupPlanId": "dbs1",
        "BackupPlanName": "dbs-prod-orders",
        "SourceEndpointInstanceType": "ECS",
        "SourceEndpointRegion": "cn-hangzhou",
        "SourceEndpointInstanceID": "i-1",
        "BackupGatewayId": "23313123312",
        "SourceEndpointIP": "10.0.3.7",
        "SourceEndpointPort": "3306",
        "SourceEndpointDatabaseName": "shop",
        "SourceEndpointOracleSID": "ORCL",
        "SourceEndpointUserName": "backup",
        "BackupObjects": "shop\ncrm",
        "BackupPeriod": "Monday,Friday",
        "BackupStartTime": "14:22",
        "EnableBackupLog": "true",
        "BackupRetentionPeriod": "730",
        "DuplicationInfrequentAccessPeriod": "180",
        "DuplicationArchivePeriod": "365",
        "BackupStorageType": "own",
        "OSSBucketName": "bucket",
        "CrossAliyunId": "1234567890123456",
        "CrossRoleName": "dbs-reader",
        "ResourceGroupId": "rg-1",
    }
)
HIDDEN = {
    "SourceEndpointPassword": "orders-db", "BackupStrategyType": "simple", "BackupLogIntervalSeconds": "60",
    "BackupRateLimit": "100", "BackupSpeedLimit": "100", "AutoStartBackup": "true",
}  # fmt: skip
READING = Reading(SHOWN, "MySQL", "physical", "check_pass")
EVERYDAY = Channel("C0OPS", "db-ops", creator="U0ADMIN")
MADE = [Channel("C1MADE", name, creator=RITA) for name in ("inc-1", "inc-", "db-ops", "ops-eu", "x", "c0ops")]
"""Channels that somebody who asks can make."""
UNTOLD = [Channel("C1MADE", name) for name in ("inc-1", "db-ops", "")]
"""Channels of which Slack does not say who made them, or not even the name."""
WEAKER = {
    "shorten": {"BackupRetentionPeriod": "7"},
    "switch the log off": {"EnableBackupLog": "false"},
    "reduce the days": {"BackupPeriod": "Monday"},
    "reduce the objects": {"BackupObjects": "shop"},
    "change the objects": {"BackupObjects": "shop\ncrm\nhr"},
    "make it manual": {"BackupStrategyType": "manual"},
    "move the source": {"SourceEndpointInstanceID": "i-2"},
    "move the storage": {"OSSBucketName": "mine"},
    "move the account": {"CrossAliyunId": "9999567890123456"},
    "take another secret": {"SourceEndpointPassword": "orders-new"},
    "move it to the archive sooner": {"DuplicationArchivePeriod": "181"},
    "rename it": {"BackupPlanName": "test"},
    "rename it on the way": {"BackupPlanName": "test", "BackupRetentionPeriod": "7"},
}  # fmt: skip
TITLES = ("A team of three", "A team of twelve", "Incidents")


def recipe(title: str) -> Policy:
    found = re.search(rf"^### {title}\n.*?```toml\n(.*?)```", README, re.MULTILINE | re.DOTALL)
    assert found is not None
    return read_policy(found[1])


def changes() -> Iterator[tuple[str, Mapping[str, str], Mapping[str, str]]]:
    """What is tried, what is proposed for it, and what the bot knows of what DBS does not show."""
    for tried, values in WEAKER.items():
        yield tried, {**SHOWN, **HIDDEN, **values}, HIDDEN
    for one in parameters():
        if one.name != "BackupPlanId":
            without = {name: text for name, text in {**SHOWN, **HIDDEN}.items() if name != one.name}
            yield f"clear {one.name}", without, HIDDEN
            yield f"leave out {one.name}, of which nothing is known", without, {}


def asked(policy: Policy, proposed: Mapping[str, str], known: Mapping[str, str], channel: Channel) -> Demand:
    return evaluate(policy, replace(facts_for(READING, proposed, known, RITA, channel), members=MEMBERS))


def _places(demand: Demand) -> list[tuple[tuple[str, ...], int]]:
    return [(slot.who, slot.at_least) for slot in demand.seats]


@pytest.mark.parametrize("title", TITLES)
def test_what_weakens_a_backup_takes_two_wherever_it_is_asked_for(title: str) -> None:
    policy = recipe(title)
    for tried, proposed, known in changes():
        everyday = asked(policy, proposed, known, EVERYDAY)
        assert everyday.approvals >= 2, tried
        for channel in (*MADE, *UNTOLD):
            there = asked(policy, proposed, known, channel)
            assert there.denied or there.approvals >= everyday.approvals, (tried, channel)
            assert _places(there) == _places(everyday), (tried, channel)


def test_a_production_backup_takes_two_dbas_and_an_sre_under_either_name() -> None:
    for tried, proposed, known in changes():
        places = {
            slot.who: slot.at_least for slot in asked(recipe("A team of twelve"), proposed, known, EVERYDAY).seats
        }
        assert places == {("S0DBA",): 2, ("S0SRE",): 1}, tried


ON_TOP = {
    "BackupPlanName": ["sandbox-1", "dbs-prod-orders.", "test"],
    "BackupRetentionPeriod": ["7"],
    "CrossRoleName": ["r"],
}
EASY = {"BackupStartTime": "03:00"}


def _enough(demand: Demand, *, escalated: bool) -> set[frozenset[str]]:
    """Every group of at most three people who can get it approved."""
    people = sorted({one for members in MEMBERS.values() for one in members} - {RITA})
    groups = [frozenset(some) for size in (1, 2, 3) for some in combinations(people, size)]
    return {some for some in groups if not demand.denied and filled(demand, some, escalated=escalated).done}


@pytest.mark.parametrize("escalated", [False, True])
@pytest.mark.parametrize("title", TITLES)
def test_nobody_is_let_through_by_asking_for_more(title: str, *, escalated: bool) -> None:
    """Who can get a change approved together with a rename, or another risk, can get it approved without."""
    policy = recipe(title)
    for tried, values in {**WEAKER, "another time": EASY}.items():
        for name, text in ((name, text) for name, texts in ON_TOP.items() for text in texts if name not in values):
            proposed = {**SHOWN, **HIDDEN, **values}
            alone, more = (asked(policy, one, HIDDEN, EVERYDAY) for one in (proposed, {**proposed, name: text}))
            assert _enough(more, escalated=escalated) <= _enough(alone, escalated=escalated), (tried, name, text)


@pytest.mark.parametrize("title", TITLES)
def test_a_check_of_a_recipe_names_nobody_who_may_be_chosen(title: str) -> None:
    assert not [note for note in notes(recipe(title)) if not note.startswith("No rule names")]


def test_in_a_team_of_three_nobody_else_may_ask() -> None:
    """Else anybody could ask for one of them, who then counts as an approver."""
    defaults = recipe("A team of three").defaults
    assert set(defaults.requesters) == set(defaults.approvers)


@pytest.mark.parametrize("title", TITLES)
def test_a_recipe_says_what_it_does_not_protect_against(title: str) -> None:
    found = re.search(rf"^### {title}\n(.*?)```toml", README, re.MULTILINE | re.DOTALL)
    assert found is not None
    assert "It does not protect against" in " ".join(found[1].split())


def test_only_the_incident_bots_channel_takes_one() -> None:
    policy, proposed = recipe("Incidents"), {**SHOWN, **HIDDEN, "BackupRetentionPeriod": "7"}
    there = asked(policy, proposed, HIDDEN, Channel("C0INC", "inc-1", creator=BOT))
    assert (there.approvals, there.incident, there.expires_after) == (1, True, 3600)
    assert asked(policy, proposed, HIDDEN, Channel("C0INC", "db-1", creator=BOT)).approvals == 2
    untold = asked(policy, proposed, HIDDEN, UNTOLD[0])
    assert (untold.approvals, untold.incident) == (2, True), "whatever asks for more counts"


def test_the_rest_takes_one_in_a_team_of_three() -> None:
    later = asked(recipe("A team of three"), {**SHOWN, **HIDDEN, "BackupStartTime": "03:00"}, HIDDEN, EVERYDAY)
    assert later.approvals == 1
