"""The command line: what it prints where, how it ends, and what it starts without."""

import asyncio
import json
import subprocess
import sys
import sysconfig
from datetime import timedelta
from pathlib import Path

import pytest
from commands import run_here
from signing import key_beside

from bot.clock import SystemClock
from bot.ledger.sqlite import SqliteLedger
from bot.playground.stage import POLICY

SETTINGS = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET")
SLACKS_AND_ALIBABAS = {
    "slack_bolt", "slack_sdk", "aiohttp", "uvicorn", "alibabacloud_credentials", "alibabacloud_tea_openapi", "httpx",
}  # fmt: skip
NOT_EVEN_A_LEDGER = {*SLACKS_AND_ALIBABAS, "sqlite_utils", "fastjsonschema"}
GOOD = {
    "DatabaseType": "MySQL",
    "BackupMethod": "logical",
    "BackupPlanId": "dbsmysqlrds01",
    "BackupPlanName": "orders nightly",
    "SourceEndpointInstanceType": "RDS",
    "SourceEndpointRegion": "cn-hangzhou",
    "SourceEndpointInstanceID": "rm-uf6orders01",
    "SourceEndpointUserName": "backup",
    "SourceEndpointPassword": "orders-db",
    "BackupRetentionPeriod": 30,
    "EnableBackupLog": True,
}


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run `python -m bot` as an administrator does, with nothing in its environment."""
    return subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-m", "bot", *arguments],
        env={}, input=stdin, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip


def test_a_good_configuration_has_no_problems() -> None:
    checked = run_here("plan", "check", "-", stdin=json.dumps(GOOD))
    assert (checked.code, json.loads(checked.out), checked.err) == (0, {}, "")


def test_every_problem_is_printed_as_sentences_by_parameter(tmp_path: Path) -> None:
    bad = {**GOOD, "BackupRetentionPeriod": 730.5, "EnableBackupLog": 2, "CrossRoleName": "reader", "Colour": "red"}
    del bad["SourceEndpointRegion"]
    (tmp_path / "plan.json").write_text(json.dumps(bad))
    checked = run_here("plan", "check", "plan.json")
    found = json.loads(checked.out)
    assert (checked.code, checked.err) == (1, "")
    assert found.keys() == {
        "BackupRetentionPeriod", "EnableBackupLog", "CrossAliyunId", "Colour", "SourceEndpointRegion",
    }  # fmt: skip
    assert all(sentence.endswith(".") for sentences in found.values() for sentence in sentences)


def test_a_name_that_no_encoding_takes_is_told_as_json_writes_it() -> None:
    checked = run("plan", "check", "-", stdin='{"\\ud800": "läden"}')
    assert (checked.returncode, checked.stderr) == (1, "")
    assert "\ud800" in json.loads(checked.stdout)


@pytest.mark.parametrize(
    ("file", "stdin"),
    [("-", "not JSON"), ("-", "[]"), ("-", '"text"'), ("-", "[" * 100_000), ("missing.json", "")],
    ids=["text", "list", "string", "depth", "missing"],
)
def test_what_is_no_configuration_at_all_is_a_mistake_in_usage(file: str, stdin: str) -> None:
    checked = run_here("plan", "check", file, stdin=stdin)
    assert (checked.code, checked.out) == (2, "")
    assert "Error: " in checked.err


def test_a_good_policy_is_counted_and_what_to_look_at_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(POLICY)
    checked = run_here("policy", "check", environment={"POLICY_FILE": "mine.toml"})
    assert (checked.code, checked.err) == (0, "")
    counts, note = checked.out.splitlines()
    assert counts == "mine.toml: 2 approvals, 1 approver entry, 1 secret, 0 rules."
    assert note.startswith("No rule names retention-shortened, log-backup-off, ")


def test_every_problem_of_a_policy_is_told_with_its_key(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(POLICY.replace("approvals = 2", "aprovals = 2").replace('"4h"', '"4 hours"'))
    checked = run_here("policy", "check")
    assert (checked.code, checked.out) == (2, "")
    assert [line.split(": ")[:2] for line in checked.err.splitlines()] == [
        ["POLICY_FILE policy.toml", "defaults.expires_after"],
        ["POLICY_FILE policy.toml", "defaults.aprovals"],
    ]


def test_a_policy_that_is_not_there_is_named() -> None:
    checked = run_here("policy", "check")
    assert (checked.code, checked.err) == (
        2, "POLICY_FILE policy.toml cannot be read: No such file or directory.\n",
    )  # fmt: skip


def test_nothing_is_read_from_the_working_folder_that_the_environment_does_not_name(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN=xoxb-1\nSLACK_SIGNING_SECRET=secret\nPOLICY_FILE=other.toml\n")
    served = run("serve")
    assert served.returncode == 2
    assert [name for name in SETTINGS if f"{name} is not set" in served.stderr] == list(SETTINGS)
    assert "POLICY_FILE policy.toml cannot be read" in run("policy", "check").stderr


@pytest.mark.parametrize("arguments", [(), ("serve",), ("demo",), ("plan", "check")])
def test_every_command_explains_itself(arguments: tuple[str, ...]) -> None:
    helped = run_here(*arguments, "--help")
    assert (helped.code, helped.err) == (0, "")
    assert helped.out.startswith("Usage: ")


@pytest.mark.parametrize(
    ("arguments", "libraries"),
    [
        ("--help", NOT_EVEN_A_LEDGER), ("plan check -", NOT_EVEN_A_LEDGER), ("policy check", NOT_EVEN_A_LEDGER),
        ("policy explain --plan dbs1", NOT_EVEN_A_LEDGER), ("ledger verify", SLACKS_AND_ALIBABAS),
    ],
)  # fmt: skip
def test_what_asks_nobody_starts_without_slacks_and_alibabas_libraries(
    tmp_path: Path, arguments: str, libraries: set[str]
) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
    key_beside(tmp_path / "backup-plan-bot.db")
    asyncio.run(SqliteLedger(tmp_path / "backup-plan-bot.db", SystemClock(), timedelta(seconds=15)).close())
    code = (
        f"import sys; sys.argv[1:] = {arguments.split()}\n"
        "try:\n    from bot.cli import main; main()\n"
        "finally:\n    print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    started = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", code], cwd=tmp_path, env={}, input=json.dumps(GOOD), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    modules = set(started.stderr.split())
    assert "click" in modules
    assert not modules & libraries


def test_the_module_is_the_command() -> None:
    command = Path(sysconfig.get_path("scripts")) / "backup-plan-bot"
    helped = [
        subprocess.run([*start, "ledger", "verify", "--help"], capture_output=True, text=True, check=True)  # noqa: S603
        for start in ([str(command)], [sys.executable, "-m", "bot"])
    ]
    assert [one.stderr for one in helped] == ["", ""]
    assert helped[0].stdout.startswith("Usage: backup-plan-bot ledger verify ")
    assert helped[0].stdout.replace("backup-plan-bot", "python -m bot", 1) == helped[1].stdout


def test_the_demo_says_what_is_missing_where_its_extra_is_not_installed(tmp_path: Path) -> None:
    (tmp_path / "fastjsonschema.py").write_text("raise ModuleNotFoundError(name='fastjsonschema')\n")
    played = subprocess.run(
        [sys.executable, "-m", "bot", "demo", "--script"],
        env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (played.returncode, played.stdout) == (1, "")
    assert played.stderr == "Error: The demo needs fastjsonschema: install backup-plan-bot[demo].\n"
