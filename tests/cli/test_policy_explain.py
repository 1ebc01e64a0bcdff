"""`policy explain`: what it answers from the file alone, with DBS and with Slack, and what it says of the unknown."""

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Ended, run_bot, run_here

from bot.playground.dbs.plans import mysql_on_rds
from bot.playground.stage import Stage

POLICY = """\
[defaults]
approvals = 2
approvers = ["S0DBA"]
requesters = ["S0DEV", "U0RITA"]
channels = ["C0OPS"]

[[rules]]
name = "production retention"
reason = "Shorter retention needs a DBA and an SRE."
plans = ["dbs-prod-*"]
when = ["retention-shortened", "log-backup-off"]
approvers = [{ from = ["S0DBA"] }, { from = ["S0SRE"] }]
windows = ["Mon-Fri 09:00-18:00 Asia/Shanghai"]

[[rules]]
name = "incidents"
channels = ["inc-*"]
expires_after = "1h"

[[rules]]
name = "by hand"
reason = "Oracle is done by hand."
engines = ["oracle"]
deny = true
"""
SHORTER = ("--plan", "dbs-prod-1", "--set", "BackupRetentionPeriod=7")
FROM_730 = ("--now", "BackupRetentionPeriod=730")
HEADLINE = "If backups are kept for less time, rule “production retention” applies as well."
BOTH = "2 people must approve, at least 1 of S0DBA and 1 of S0SRE, "

Explain = Callable[..., Ended]


@pytest.fixture
def explain(tmp_path: Path) -> Explain:
    """Run `policy explain` with nothing in its environment but the policy above."""
    file = tmp_path / "policy.toml"
    file.write_text(POLICY, encoding="utf-8")

    def run(*arguments: str) -> Ended:
        return run_here("policy", "explain", *arguments, environment={"POLICY_FILE": str(file)})

    return run


def lines(ended: Ended) -> list[str]:
    assert (ended.code, ended.err) == (0, "")
    return ended.out.splitlines()


def test_the_file_alone_answers_with_the_defaults_and_with_what_may_apply(explain: Explain) -> None:
    said = lines(explain(*SHORTER))
    assert said[:4] == [
        "Backup retention: unknown → 7 days",
        "",
        "No rule applies, so the defaults hold.",
        "2 people out of S0DBA must approve.",
    ]
    at = said.index(f"{HEADLINE} Shorter retention needs a DBA and an SRE.")
    assert said[at + 1].startswith(f"  - {BOTH}because of “production retention”; may be carried out Mon–Fri")
    assert "If it is asked for in a channel that matches inc-*, rule “incidents” applies as well." in said
    assert "If the engine matches oracle, rule “by hand” applies as well." in said
    assert "  - It may not be asked for: Oracle is done by hand." in said
    assert said[-2:] == [
        "To know which “if” holds, give --engine, --channel and --now, or --read to ask DBS.",
        "Nobody looked up who is in S0DBA: --slack does.",
    ]


def test_what_is_given_settles_every_if(explain: Explain) -> None:
    said = lines(explain(*SHORTER, *FROM_730, "--engine", "MySQL", "--by", "U0EVE", "--channel", "#ops"))
    assert said[0] == "Backup retention: 730 days → 7 days"
    assert said[2] == (
        "Rule “production retention” applies (plan dbs-prod-*, risk retention-shortened). "
        "Shorter retention needs a DBA and an SRE."
    )
    assert said[3].startswith(f"{BOTH}not counting U0EVE, because of")
    assert "U0EVE may ask for it only as a member of S0DEV." in said
    assert not [line for line in said if line.startswith(("If ", "To know"))]
    assert not [line for line in said if "at present" in line], "nobody was counted"


def test_a_change_that_is_denied_is_told_so_and_nothing_else(explain: Explain) -> None:
    assert lines(explain(*SHORTER, "--engine", "Oracle"))[2:] == [
        "Rule “by hand” applies (engine oracle). Oracle is done by hand.",
        "It may not be asked for: Oracle is done by hand.",
    ]


def test_a_channel_that_the_policy_does_not_allow_is_named(explain: Explain) -> None:
    said = lines(explain(*SHORTER, "--channel", "C0ELSE"))
    assert "The policy allows changes only in C0OPS, not in C0ELSE." in said
    assert "To know which “if” holds, give --engine, --slack and --now, or --read to ask DBS." in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing option '--plan'"),
        (("--plan", "p", "--set", "BackupRetention=7"), "perhaps BackupRetentionPeriod"),
        (("--plan", "p", "--set", "Colour=red"), "there are BackupPlanName, SourceEndpointInstanceType"),
        (("--plan", "p", "--set", "BackupRetentionPeriod=week"), "must be a whole number from 0 to 1825 days."),
        (("--plan", "p", "--now", "EnableBackupLog"), "EnableBackupLog has no value: write EnableBackupLog=value."),
        (("--plan", "p", "--set", "databasetype=MySQL"), "DatabaseType is a fact of the plan: see --engine."),
        (("--plan", "p", *(("--set", "BackupRetentionPeriod=7") * 2)), "BackupRetentionPeriod is there twice."),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_used_ends_with_2_and_says_why(
    explain: Explain, arguments: tuple[str, ...], said: str
) -> None:
    answered = explain(*arguments)
    assert (answered.code, answered.out) == (2, "")
    assert said in " ".join(answered.err.split())


def test_what_may_be_a_password_is_not_repeated(explain: Explain) -> None:
    for given in ("SourceEndpointPassword=hunter2", "hunter2"):
        answered = explain("--plan", "p", "--set", given)
        assert answered.code == 2
        assert "hunter2" not in answered.err + answered.out


def test_a_policy_or_settings_that_cannot_be_used_end_with_2(explain: Explain, tmp_path: Path) -> None:
    answered = explain(*SHORTER, "--slack")
    assert (answered.code, answered.out) == (2, "")
    assert answered.err.startswith("SLACK_BOT_TOKEN is not set")
    file = tmp_path / "policy.toml"
    file.write_text("[defaults]\n")
    answered = explain(*SHORTER)
    assert (answered.code, answered.err) == (2, f"POLICY_FILE {file}: defaults.approvers: is missing\n")


async def told(stage: Stage, *arguments: str, **environment: str) -> Ended:
    """Run `policy explain` beside the fakes."""
    return await run_bot("policy", "explain", *arguments, environment={**stage.environment(0), **environment})


async def test_dbs_and_slack_are_asked_where_told_to(tmp_path: Path) -> None:
    async with Stage(tmp_path, policy=POLICY) as stage:
        stage.slack.add_channel("C0INC", "inc-7")
        stage.slack.add_group("S0SRE", ["U0OLGA"])
        stage.slack.add_group("S0DEV", ["U0BEN"])
        stage.dbs.plans["dbs-prod-1"] = mysql_on_rds("dbs-prod-1")
        by = ("--by", "U0ANA", "--channel", "C0INC")
        code, out, err = await told(stage, *SHORTER, *by, "--read", "--slack")
        assert (code, err) == (0, "")
        said = out.splitlines()
        assert said[0] == "Backup retention: 730 days → 7 days"
        assert "Rule “incidents” applies (channel inc-*)." in said
        assert "Rule “production retention” wants 1 of S0DBA: 2 people at present." in said
        assert "Rule “production retention” wants 1 of S0SRE: 1 person at present." in said
        assert "U0ANA may not ask for it: the policy does not name them among those who may." in said
        assert "The policy allows changes only in C0OPS, not in C0INC." in said
        assert not [line for line in said if line.startswith(("If ", "To know", "Nobody", "As the groups"))]

        stage.slack.add_group("S0SRE", [])
        _, out, _ = await told(stage, *SHORTER, "--read", "--slack")
        assert "As the groups are now, nobody can get it approved: it takes 1 more person from S0SRE." in out

        _, out, _ = await told(stage, "--plan", "dbs-prod-1", "--read", "--set", "EnableBackupLog=false")
        assert "Rule “production retention” applies (plan dbs-prod-*, risk log-backup-off)." in out
        assert "may not be asked" not in out, "DBS says that it is MySQL"


STOPPING = """\
[defaults]
approvals = 1
approvers = ["S0DBA"]

[[rules]]
name = "backups that stop"
when = ["schedule-manual", "days-fewer", "cleared"]
approvals = 3

[[rules]]
name = "legal hold"
plans = ["*-hold"]
deny = true
"""


async def test_what_dbs_does_not_show_is_told_as_an_if(tmp_path: Path) -> None:
    """The review of this change asks for three people, where the bot does not remember the strategy."""
    async with Stage(tmp_path, policy=STOPPING) as stage:
        longer = ("--plan", "dbsmysqlrds01", "--set", "BackupRetentionPeriod=900", "--channel", "C0OPS")
        _, out, _ = await told(stage, *longer, "--read", "--slack")
        said = out.splitlines()
        at = said.index(
            "If the strategy is manual, full backups are made on fewer days or a present value is left out, "
            "rule “backups that stop” applies as well."
        )
        assert said[at + 1] == "  - 3 people out of S0DBA must approve, because of “backups that stop”."
        assert said[-1].startswith("What DBS does not show (Database password, Backup strategy, Start by itself)")
        assert not [line for line in said if "--now" in line], "no option would settle it"
        assert "legal hold" not in out, "the name stays"


def test_a_new_name_is_certain_and_any_is_possible(explain: Explain, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(STOPPING, encoding="utf-8")
    assert "Rule “legal hold” applies (plan *-hold)." in lines(explain("--plan", "p", "--set", "BackupPlanName=a-hold"))
    said = lines(explain("--plan", "p", "--name", "a"))
    assert "If the plan gets a name that matches *-hold, rule “legal hold” applies as well." in said
    assert "To know which “if” holds, give --set, or --read to ask DBS." in said


async def test_a_look_up_that_fails_ends_with_2_and_a_sentence(tmp_path: Path) -> None:
    async with Stage(tmp_path, policy=POLICY) as stage:
        code, out, err = await told(stage, "--plan", "nope", "--read")
        assert (code, out) == (2, "")
        assert err.startswith("DBS did not show nope: InvalidParameterValid")
        assert "Check the plan id" in err
        code, out, err = await told(stage, *SHORTER, "--slack", SLACK_BOT_TOKEN="xoxb-1-wrong")
        assert (code, out) == (2, "")
        assert err == "Slack was asked about group S0DBA: Slack answered invalid_auth\n"


def test_who_made_the_channel_is_an_if_unless_it_is_given(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    strict = 'name = "every day"\nexcept_channels = [{ name = "inc-*", created_by = ["U0IRBOT"] }]\napprovals = 3\n'
    file.write_text(f'[defaults]\napprovals = 1\napprovers = ["S0DBA"]\n\n[[rules]]\n{strict}', encoding="utf-8")

    def said(*arguments: str) -> list[str]:
        explain = ("policy", "explain", "--plan", "dbs1", "--channel", "inc-7", *arguments)
        return lines(run_here(*explain, environment={"POLICY_FILE": str(file)}))

    unless = "If it is asked for in a channel that matches inc-* made by U0IRBOT, rule “every day” does not apply."
    open_still = said()
    assert "3 people out of S0DBA must approve, because of “every day”." in open_still
    assert open_still[open_still.index(unless) + 1 :][:2] == [
        "  - No rule applies, so the defaults hold.", "  - 1 person out of S0DBA must approve.",
    ]  # fmt: skip
    assert "To know which “if” holds, give --creator." in open_still
    assert unless not in said("--creator", "U0RITA")
    assert "1 person out of S0DBA must approve." in said("--creator", "U0IRBOT")
