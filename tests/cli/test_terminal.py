"""Whatever somebody stored: a terminal that shows it obeys none of it."""

import ast
import json
import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from commands import run_bot, run_here
from signing import key_beside

from bot.clock import SystemClock
from bot.ledger.sqlite import SqliteLedger
from bot.playground.stage import POLICY

EVIL = "\x1b]0;gone\x07\x9b31m\x7f\u202eexe\u2028"
OBEYED = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]")


@pytest.fixture
async def environment(tmp_path: Path) -> dict[str, str]:
    """A ledger and a policy that somebody wrote such characters into."""
    ledger = SqliteLedger(tmp_path / "ledger.db", SystemClock(), timedelta())
    await ledger.close()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db, db:
        values = (f"c1{EVIL}", 1, f"requested{EVIL}", f"U1{EVIL}", f"now{EVIL}", json.dumps({"a": EVIL}), f"h{EVIL}")
        db.execute(
            "insert into events (change_id, seq, type, actor, at, data, hash) values (?, ?, ?, ?, ?, ?, ?)", values
        )
    key_beside(tmp_path / "ledger.db")
    (tmp_path / "policy.toml").write_text(POLICY + '\n["\\u001b]0;\\u009b\\u202e"]\n', encoding="utf-8")
    return {"DATABASE_URL": f"sqlite:///{tmp_path}/ledger.db", "POLICY_FILE": str(tmp_path / "policy.toml")}


@pytest.mark.parametrize(
    "arguments",
    [("verify",), ("show", f"c1{EVIL}"), ("show", f"nothing{EVIL}"), ("export",)],
    ids=["verify", "show", "show nothing", "export"],
)
async def test_what_the_ledger_holds_is_shown_not_obeyed(
    environment: dict[str, str], arguments: tuple[str, ...]
) -> None:
    ended = await run_bot("ledger", *arguments, environment=environment)
    assert "gone" in ended.out + ended.err
    assert OBEYED.findall(ended.out + ended.err) == []


def test_what_a_policy_says_is_shown_not_obeyed(environment: dict[str, str]) -> None:
    checked = run_here("policy", "check", environment=environment)
    assert (checked.code, "unknown key" in checked.err, OBEYED.findall(checked.out + checked.err)) == (2, True, [])


def test_what_a_plan_says_is_shown_not_obeyed_and_stays_json() -> None:
    name = f"Colour{EVIL}\ud800😀"
    checked = run_here("plan", "check", "-", stdin=json.dumps({name: "red"}))
    assert OBEYED.findall(checked.out) == []
    assert name in json.loads(checked.out)
    assert "😀" in checked.out


def test_commands_print_through_one_function() -> None:
    folder = Path(__file__).parents[2] / "bot/cli"
    printing = {
        file.name
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in {"echo", "secho"})
        or (isinstance(node, ast.Name) and node.id == "print")
    }
    assert printing == {"sentences.py"}
