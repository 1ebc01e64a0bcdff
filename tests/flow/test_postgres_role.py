"""The statements by which the README takes the right to alter events from the bot's role, executed word for word."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from database import database_of, execute, forget_database, schema_of
from stores import eventually, happened, kinds

from bot.playground.acts import ask, outcome, said
from bot.playground.stage import Stage

ROLE = "backup_plan_bot"
ROOT = Path(__file__).parents[2]


def statements() -> str:
    """Return the SQL of the README."""
    documents = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *ROOT.glob("docs/*.md")))
    (found,) = re.findall(r"^```sql\n(.*?)^```$", documents, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    """A database in which a role of the README's name may make tables at first."""
    database_of(tmp_path)
    schema = schema_of(tmp_path)
    execute(f"drop role if exists {ROLE}; create role {ROLE} login; grant usage, create on schema {schema} to {ROLE}")
    yield database_of(tmp_path, user=ROLE).get_secret_value()
    execute(f"drop owned by {ROLE} cascade")
    forget_database(tmp_path)
    execute(f"drop role {ROLE}")


async def test_with_the_rights_that_the_readme_leaves_it_the_bot_does_everything_but_alter_events(
    tmp_path: Path, database: str
) -> None:
    schema = schema_of(tmp_path)
    async with Stage(tmp_path, DATABASE_URL=database) as stage:
        first = await stage.start_bot()
        assert await first.end() == 0
        execute(f"set search_path = {schema}; {statements()}")
        execute(f"revoke create on schema {schema} from {ROLE}")
        bot = await stage.start_bot()
        for retention in ("30", "31"):
            card = await ask(stage.slack, stage.rita, "dbsredisecs01", {"BackupRetentionPeriod": retention})
            for person in (stage.ana, stage.ben):
                await person.click(card, "approve")
            assert said(await outcome(stage.slack, card))["state"] == "applied"
        await eventually(happened(database, "told"))
        before = await kinds(database, card)
        for wish in (
            "update events set actor = 'UX'",
            "delete from events",
            "truncate events",
            "alter table events disable trigger all",
            "drop trigger events_stay on events",
            "drop table events",
            "create or replace function events_are_append_only() returns trigger language plpgsql as 'begin end'",
            "delete from changes",
        ):
            with psycopg.connect(database) as theirs, pytest.raises(psycopg.errors.InsufficientPrivilege):
                theirs.execute(wish.encode())
        assert await kinds(database, card) == before
        assert await bot.end() == 0
        assert "Traceback" not in bot.log
