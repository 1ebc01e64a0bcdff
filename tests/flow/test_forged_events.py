"""Somebody adds events with fitting hashes to the database of a running bot: it does nothing on them, and says so."""

import json
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from commands import run_bot
from forging import forge
from stores import eventually, happened

from bot.playground.acts import ask, replies, said, whispered
from bot.playground.slack.server import plain_text
from bot.playground.stage import POLICY, Stage

pytestmark = pytest.mark.usefixtures("forked")

OPERATORS = "C0RUN"
OPERATED = POLICY.replace("approvals = 2", f'operators = "{OPERATORS}"\napprovals = 2')
WISH = {"BackupRetentionPeriod": "30", "SourceEndpointPassword": "orders-db"}
RDS, REDIS = "dbsmysqlrds01", "dbsredisecs01"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with Stage(tmp_path, policy=OPERATED, SWEEP_INTERVAL="1s", TELL_GRACE="1s") as stage:
        stage.slack.add_channel(OPERATORS, "run")
        yield stage
        for bot in stage.bots:
            await bot.end()
            assert "Traceback" not in bot.log
        assert stage.slack.violations == []


def operators(stage: Stage) -> list[str]:
    """Return what was posted to the operators."""
    return [plain_text(message) for message in stage.slack.channel(OPERATORS).messages]


def first_of(stage: Stage, change_id: str) -> dict[str, Any]:
    """Return the request of a change as it is in the database."""
    with closing(sqlite3.connect(stage.ledger_file)) as ledger:
        ledger.row_factory = sqlite3.Row
        return dict(ledger.execute("select * from events where change_id = ? and seq = 1", [change_id]).fetchone())


def digest_of(stage: Stage, change_id: str) -> str:
    return str(json.loads(first_of(stage, change_id)["data"])["digest"])


async def asked(stage: Stage) -> tuple[dict[str, Any], str]:
    """Ask for a change, and return its card, once it is on record, and its id."""
    card = await ask(stage.slack, stage.rita, RDS, WISH)
    await eventually(happened(stage.database_url, "announced"))
    return card, str(said(card)["change_id"])


async def met(stage: Stage, change_id: str) -> None:
    """Wait until the bot has met the change that was altered."""
    await stage.slack.wait_for(lambda: any(change_id in text for text in operators(stage)), 10)


@pytest.mark.parametrize("with_signature", [False, True], ids=["unsigned", "signature of another event"])
async def test_forged_approvals_with_fitting_hashes_send_nothing(stage: Stage, with_signature: bool) -> None:
    await stage.start_bot()
    card, change_id = await asked(stage)
    approved = {"digest": digest_of(stage, change_id)}
    signature = first_of(stage, change_id)["signature"] if with_signature else ""
    forge(
        stage.ledger_file, change_id, ("U0ANA", "approved", approved), ("U0BEN", "approved", approved),
        state="approved", signature=signature,
    )  # fmt: skip
    await met(stage, change_id)
    # time enough for another change to be carried out whole
    other = await ask(stage.slack, stage.rita, REDIS, {"BackupRetentionPeriod": "30"})
    await stage.ana.click(other, "approve")
    await stage.ben.click(other, "approve")
    await stage.slack.wait_for(lambda: replies(stage.slack, other))
    assert [effect.plan_id for effect in stage.dbs.effects] == [REDIS]
    assert replies(stage.slack, card) == []


async def test_a_forged_outcome_is_not_told(stage: Stage) -> None:
    await stage.start_bot()
    card, change_id = await asked(stage)
    forge(stage.ledger_file, change_id, ("U0ANA", "denied", {"reason": "Not now"}), state="denied")
    await met(stage, change_id)
    assert replies(stage.slack, card) == []


async def test_a_click_on_a_forged_change_is_refused_and_operators_hear_once(stage: Stage) -> None:
    await stage.start_bot()
    await stage.start_bot()
    card, change_id = await asked(stage)
    forge(stage.ledger_file, change_id, ("U0ANA", "approved", {"digest": digest_of(stage, change_id)}), state="pending")
    for _ in range(3):
        await stage.ben.click(card, "approve")
    await met(stage, change_id)
    said_of_it = [text for text in operators(stage) if change_id in text]
    assert len(said_of_it) == 1
    assert f"{change_id}`, event 3: it is not signed." in said_of_it[0]
    assert "does not hold together" in await whispered(stage.slack, stage.ben)


async def test_verify_and_show_name_the_forged_event(stage: Stage) -> None:
    await stage.start_bot()
    _, change_id = await asked(stage)
    forge(stage.ledger_file, change_id, ("U0ANA", "approved", {"digest": digest_of(stage, change_id)}), state="pending")
    here = stage.environment(0)
    public = await run_bot("ledger", "key", "show", environment=here)
    elsewhere = {**here, "LEDGER_KEY_FILE": "nowhere.key"}
    finding = f"Change {change_id}, event 3: it is not signed."
    for arguments, environment, code in (
        (("verify",), here, 1),
        (("verify", "--slack"), here, 1),
        (("verify", "--public", public.out.strip()), elsewhere, 1),
        (("show", change_id), here, 0),
        (("show", change_id, "--public", public.out.strip()), elsewhere, 0),
    ):
        ended = await run_bot("ledger", *arguments, environment=environment)
        assert (ended.code, ended.out.splitlines()[-1], ended.err) == (code, finding, ""), arguments
    without = await run_bot("ledger", "verify", environment=elsewhere)
    assert (without.code, without.out) == (2, "")
    assert without.err.startswith("LEDGER_KEY_FILE: nowhere.key does not exist: ")


async def test_the_key_is_made_once_for_its_owner_alone_and_told(stage: Stage) -> None:
    first = await stage.start_bot()
    shown = await run_bot("ledger", "key", "show", environment=stage.environment(0))
    public = shown.out.strip()
    assert re.fullmatch(r"ed25519:[A-Za-z0-9+/]{43}=", public)
    assert stage.key_file.stat().st_mode & 0o777 == 0o600
    await stage.slack.wait_for(lambda: operators(stage))
    second = await stage.start_bot()
    assert first.log.count(public) == 1
    assert public not in second.log
    assert [public in text for text in operators(stage)] == [True]
    private = stage.key_file.read_text().split('"')[3]
    everywhere: list[Any] = [first.log, second.log, *operators(stage), stage.ledger_file.read_bytes().decode("latin-1")]
    assert not any(private in text for text in everywhere)
