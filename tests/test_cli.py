"""The command line, as a process: what it prints where, how it ends, and what it starts without."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from bot.playground.stage import POLICY

SETTINGS = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET")
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


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Run `python -m bot` in an empty folder with nothing but the given variables in its environment."""

    def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - ourselves
            [sys.executable, "-m", "bot", *arguments],
            cwd=tmp_path, env=environment, input=stdin, capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip

    return run


def test_a_good_configuration_has_no_problems(run: Any) -> None:
    checked = run("plan", "check", "-", stdin=json.dumps(GOOD))
    assert (checked.returncode, json.loads(checked.stdout), checked.stderr) == (0, {}, "")


def test_every_problem_is_printed_as_sentences_by_parameter(run: Any, tmp_path: Path) -> None:
    bad = {**GOOD, "BackupRetentionPeriod": 730.5, "EnableBackupLog": 2, "CrossRoleName": "reader", "Colour": "red"}
    del bad["SourceEndpointRegion"]
    (tmp_path / "plan.json").write_text(json.dumps(bad))
    checked = run("plan", "check", "plan.json")
    found = json.loads(checked.stdout)
    assert (checked.returncode, checked.stderr) == (1, "")
    assert found.keys() == {
        "BackupRetentionPeriod", "EnableBackupLog", "CrossAliyunId", "Colour", "SourceEndpointRegion",
    }  # fmt: skip
    assert all(sentence.endswith(".") for sentences in found.values() for sentence in sentences)


def test_a_name_that_no_encoding_takes_is_told_as_json_writes_it(run: Any) -> None:
    checked = run("plan", "check", "-", stdin='{"\\ud800": "läden"}')
    assert (checked.returncode, checked.stderr) == (1, "")
    assert "\ud800" in json.loads(checked.stdout)


@pytest.mark.parametrize(
    ("file", "stdin"),
    [("-", "not JSON"), ("-", "[]"), ("-", '"text"'), ("-", "[" * 100_000), ("missing.json", "")],
    ids=["text", "list", "string", "depth", "missing"],
)
def test_what_is_no_configuration_at_all_is_a_mistake_in_usage(run: Any, file: str, stdin: str) -> None:
    checked = run("plan", "check", file, stdin=stdin)
    assert (checked.returncode, checked.stdout) == (2, "")
    assert "Error: " in checked.stderr
    assert "Traceback" not in checked.stderr


def test_a_good_policy_is_told_in_one_line(run: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(POLICY)
    checked = run("policy", "check", POLICY_FILE="mine.toml")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout == "mine.toml: 2 approvals, 1 approver entry, 1 secret, 0 rules.\n"


def test_every_problem_of_a_policy_is_told_with_its_key(run: Any, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(POLICY.replace("approvals = 2", "aprovals = 2").replace('"4h"', '"4 hours"'))
    checked = run("policy", "check")
    assert (checked.returncode, checked.stdout) == (2, "")
    assert [line.split(": ")[:2] for line in checked.stderr.splitlines()] == [
        ["POLICY_FILE policy.toml", "defaults.expires_after"],
        ["POLICY_FILE policy.toml", "defaults.aprovals"],
    ]


def test_a_policy_that_is_not_there_is_named(run: Any) -> None:
    checked = run("policy", "check")
    assert (checked.returncode, checked.stderr) == (
        2, "POLICY_FILE policy.toml cannot be read: No such file or directory.\n",
    )  # fmt: skip


def test_nothing_is_read_from_the_working_folder_that_the_environment_does_not_name(run: Any, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN=xoxb-1\nSLACK_SIGNING_SECRET=secret\nPOLICY_FILE=other.toml\n")
    served = run("serve")
    assert [name for name in SETTINGS if f"{name} is not set" in served.stderr] == list(SETTINGS)
    assert "POLICY_FILE policy.toml cannot be read" in run("policy", "check").stderr


@pytest.mark.parametrize(
    "arguments",
    [(), ("serve",), ("demo",), ("plan", "check"), ("ledger", "verify")],
)
def test_every_command_explains_itself(run: Any, arguments: tuple[str, ...]) -> None:
    helped = run(*arguments, "--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert helped.stdout.startswith("Usage: ")


@pytest.mark.parametrize("arguments", ["--help", "plan check -", "policy check"])
def test_what_needs_no_slack_and_no_cloud_starts_without_their_libraries(tmp_path: Path, arguments: str) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
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
    slack = {"slack_bolt", "slack_sdk", "aiohttp", "uvicorn"}
    cloud = {"alibabacloud_credentials", "alibabacloud_tea_openapi", "httpx"}
    assert not modules & {*slack, *cloud, "sqlite_utils", "fastjsonschema"}


def test_the_module_is_the_command() -> None:
    command = Path(sysconfig.get_path("scripts")) / "backup-plan-bot"
    said = [
        subprocess.run([*start, "ledger", "--help"], capture_output=True, text=True, check=True).stdout  # noqa: S603
        for start in ([str(command)], [sys.executable, "-m", "bot"])
    ]
    assert said[0].replace("backup-plan-bot", "python -m bot", 1) == said[1]


def test_the_demo_says_what_is_missing_where_its_extra_is_not_installed(tmp_path: Path) -> None:
    (tmp_path / "fastjsonschema.py").write_text("raise ModuleNotFoundError(name='fastjsonschema')\n")
    played = subprocess.run(
        [sys.executable, "-m", "bot", "demo", "--script"],
        env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (played.returncode, played.stdout) == (1, "")
    assert played.stderr == "Error: The demo needs fastjsonschema: install backup-plan-bot[demo].\n"
