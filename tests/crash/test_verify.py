"""The commands about the ledger, over a history that real processes made and somebody else then wrote to."""

import asyncio
import base64
import hashlib
import json
import re
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from commands import run_bot
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bot.clock import SystemClock
from bot.ledger.sqlite import SqliteLedger
from bot.playground.acts import ask, outcome, said, settled
from bot.playground.dbs.plans import mysql_on_rds
from bot.playground.stage import Stage

pytestmark = pytest.mark.usefixtures("forked")

Json = dict[str, Any]

WISH = {"BackupRetentionPeriod": "30", "SourceEndpointPassword": "orders-db", "AutoStartBackup": "true",
        "BackupStrategyType": "simple"}  # fmt: skip
REASON = "Größe ✓ <!channel> \u202e \U0001f4be"


def canonical(value: object) -> str:
    """Write JSON as the documentation says."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def recomputed(events: list[Json]) -> list[str]:
    """Return the hash of each event of one change, from the definition alone."""
    hashes = [""]
    for event in events:
        content = [event[name] for name in ("change_id", "seq", "type", "actor", "at", "data")]
        hashes.append(hashlib.sha256(canonical([hashes[-1], *content]).encode()).hexdigest())
    return hashes[1:]


async def played(stage: Stage) -> tuple[str, str, str]:
    """Play one change that is applied, one that is denied and one still open, and return their ids."""
    slack, rita, ana, ben = stage.slack, stage.rita, stage.ana, stage.ben
    stage.dbs.plans |= {plan_id: mysql_on_rds(plan_id) for plan_id in ("dbsone", "dbstwo", "dbsthree")}
    await stage.start_bot()
    first = await ask(slack, rita, "dbsone", WISH, REASON)
    for _ in range(2):
        await stage.olga.click(first, "approve")
        await rita.click(first, "approve")
    await ana.click(first, "approve")
    await ben.click(first, "approve")
    await outcome(slack, first)
    second = await ask(slack, rita, "dbstwo", WISH)
    await ana.click(second, "deny")
    await ana.wait_for_view(lambda view: view["callback_id"] == "deny")
    await ana.type("reason", "Not now")
    await ana.submit()
    await settled(slack, second)
    third = await ask(slack, rita, "dbsthree", WISH)
    await ana.click(third, "approve")
    await slack.wait_for(lambda: said(slack.channel("C0OPS").messages[-1])["seq"] == 3)
    one, two, three = (str(said(card)["change_id"]) for card in (first, second, third))
    return one, two, three


def history_of(file: Path) -> dict[str, list[Json]]:
    """Return the events of every change."""
    ledger = sqlite3.connect(file)
    ledger.row_factory = sqlite3.Row
    found: dict[str, list[Json]] = {}
    for row in ledger.execute("select * from events order by change_id, seq"):
        found.setdefault(row["change_id"], []).append({**row, "data": json.loads(row["data"])})
    ledger.close()
    return found


def tampered(original: Path, name: str, *statements: tuple[str, tuple[object, ...]]) -> dict[str, str]:
    """Copy a ledger, write to the copy as somebody with the file may, and return where it is."""
    copy = original.parent / f"{name}.db"
    source, target = sqlite3.connect(original), sqlite3.connect(copy, isolation_level=None)
    source.backup(target)
    for trigger in ("events_stay", "events_remain"):
        target.execute(f"drop trigger {trigger}")
    for statement, values in statements:
        target.execute(statement, values)
    source.close()
    target.close()
    return {"DATABASE_URL": f"sqlite:///{copy}"}  # and the key where it is


async def test_req31_everything_that_happened_is_in_the_history_and_every_hash_follows_from_its_definition(
    set_stage: Callable[..., Awaitable[Stage]],
) -> None:
    stage = await set_stage()
    one, two, three = await played(stage)
    here = stage.environment(0)
    forged = {"change_id": two, "kind": "card", "state": "denied", "seq": 99, "head": "0" * 64}
    metadata = {"event_type": "backup_plan_change", "event_payload": forged}
    stage.slack.post_as_other_bot("C0OPS", "I was there", metadata=metadata)
    public_line, shown, exported, verified, with_slack = await asyncio.gather(
        run_bot("ledger", "key", "show", environment=here),
        run_bot("ledger", "show", one, environment=here),
        run_bot("ledger", "export", environment=here),
        run_bot("ledger", "verify", environment=here),
        run_bot("ledger", "verify", "--slack", environment=here),
    )
    assert (
        verified
        == with_slack
        == (0, "3 changes, 17 events: every event is signed, every hash follows from the one before.\n", "")
    )

    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_line.out.removeprefix("ed25519:")))
    assert exported[::2] == (0, "")
    events = [json.loads(line) for line in exported[1].splitlines()]
    assert all(
        list(event) == ["change_id", "seq", "type", "actor", "at", "data", "hash", "signature"] for event in events
    )
    histories = {change: [event for event in events if event["change_id"] == change] for change in (one, two, three)}
    for history in histories.values():
        assert [event["hash"] for event in history] == recomputed(history)
        for event in history:
            public.verify(base64.b64decode(event["signature"].partition(":")[2]), event["hash"].encode())
        assert [event["seq"] for event in history] == list(range(1, len(history) + 1))
    story = [(event["type"], event["actor"]) for event in histories[one]]
    assert story == [
        ("requested", "U0RITA"), ("announced", "bot"), ("barred", "U0OLGA"), ("barred", "U0RITA"),
        ("approved", "U0ANA"), ("approved", "U0BEN"),
        ("started", "bot"), ("sent", "bot"), ("applied", "bot"), ("told", "bot"),
    ]  # fmt: skip
    assert [event["type"] for event in histories[two]] == ["requested", "announced", "denied", "told"]

    assert shown[::2] == (0, "")
    assert "Größe ✓ <!channel> \\u202e" in shown[1]
    assert [kind for kind, _ in story] == re.findall(r"^ *[0-9]+  \S+Z  (\S+)", shown[1], re.MULTILINE)


async def test_req32_who_writes_to_the_ledger_is_found_out_by_hashes_signatures_or_what_slack_was_told(
    set_stage: Callable[..., Awaitable[Stage]],
) -> None:
    stage = await set_stage()
    one, two, three = await played(stage)
    before = history_of(stage.ledger_file)
    seen = [
        ("delete from events where change_id = ? and seq = 3", (one,)),
        ("update events set data = replace(data, 'Not now', 'Of course') where change_id = ? and seq = 3", (two,)),
        ("update changes set state = 'applied' where change_id = ?", (three,)),
    ]
    rewritten = [dict(event) for event in before[three]]
    rewritten[0]["data"] = rewritten[0]["data"] | {"reason": "Because"}
    hashes = recomputed(rewritten)
    unseen: list[tuple[str, tuple[object, ...]]] = [
        ("delete from events where change_id = ?", (one,)),
        ("delete from changes where change_id = ?", (one,)),
        ("delete from events where change_id = ? and seq >= 3", (two,)),
        ("update changes set seq = 2, head = ?, state = 'pending', open = 1, ended_at = '' where change_id = ?",
         (before[two][1]["hash"], two)),
        ("update changes set due_at = ?, drawn_seq = 1, card_due = '' where change_id = ?",
         (before[two][0]["data"]["expires_at"], two)),
        ("update events set data = ? where change_id = ? and seq = 1", (canonical(rewritten[0]["data"]), three)),
        *(("update events set hash = ? where change_id = ? and seq = ?", (hashes[n], three, n + 1)) for n in range(3)),
        ("update changes set head = ? where change_id = ?", (hashes[-1], three)),
    ]  # fmt: skip
    make_old(stage)
    first = stage.environment(0) | tampered(stage.ledger_file, "seen", *seen)
    second = stage.environment(0) | tampered(stage.ledger_file, "unseen", *unseen)
    by_itself, consistent, beside_slack = await asyncio.gather(
        run_bot("ledger", "verify", environment=first),
        run_bot("ledger", "verify", environment=second),
        run_bot("ledger", "verify", "--slack", environment=second),
    )
    assert by_itself[::2] == (1, "")
    assert places(by_itself[1]) == [(one, 3), (two, 3), (three, 3)]
    # what was written again has hashes that fit, but not signatures; what was taken from the end only Slack misses
    assert consistent[::2] == (1, "")
    assert places(consistent[1]) == [(three, 1), (three, 2), (three, 3)]
    assert beside_slack[::2] == (1, "")
    assert places(beside_slack[1]) == [(three, 1), (three, 2), (three, 3), (one, 1), (two, 3), (three, 3)]


def make_old(stage: Stage) -> None:
    """Let an hour lie between the first card, with its thread, and everything later."""
    log = stage.slack.channel("C0OPS").log
    card = log[0]["ts"]
    for message in log:
        for name in ("ts", "thread_ts"):
            if card in (message["ts"], message.get("thread_ts")) and name in message:
                message[name] = f"{float(message[name]) - 3600:.6f}"


def places(findings: str) -> list[tuple[str, int]]:
    """Return (change, event) of each line that names one."""
    return [
        (change, int(seq)) for change, seq in re.findall(r"^Change (\w+), event ([0-9]+): ", findings, re.MULTILINE)
    ]


async def test_what_the_ledger_commands_cannot_do_ends_with_2_and_a_sentence(
    set_stage: Callable[..., Awaitable[Stage]],
) -> None:
    stage = await set_stage()
    await SqliteLedger(stage.ledger_file, SystemClock(), timedelta(seconds=15), stage.keys()).close()
    here = stage.environment(0)
    without_token = {name: value for name, value in here.items() if name != "SLACK_BOT_TOKEN"}
    nowhere = here | {"DATABASE_URL": f"sqlite:///{stage.folder / 'nowhere.db'}"}
    wrong_token = here | {"SLACK_BOT_TOKEN": "xoxb-of-somebody-else"}
    found = await asyncio.gather(
        run_bot("ledger", "show", "1m866xxt6798ahn", environment=here),
        run_bot("ledger", "verify", "--loudly", environment=here),
        run_bot("ledger", "show", environment=here),
        run_bot("ledger", "verify", "--slack", environment=without_token),
        run_bot("ledger", "verify", "--slack", environment=wrong_token),
        run_bot("ledger", "export", environment=nowhere),
    )
    assert [code for code, _, _ in found] == [2] * 6
    assert [out for _, out, _ in found] == [""] * 6
    said = [err for _, _, err in found]
    assert "Traceback" not in "".join(said)
    assert "There is no change 1m866xxt6798ahn" in said[0]
    assert "--loudly" in said[1]
    assert "CHANGE" in said[2]
    assert said[3].startswith("SLACK_BOT_TOKEN is not set: ")
    assert said[4].startswith("SLACK_BOT_TOKEN is refused by Slack (invalid_auth): ")
    assert said[5].startswith("DATABASE_URL: there is no ledger at ")
    assert not (stage.folder / "nowhere.db").exists()
