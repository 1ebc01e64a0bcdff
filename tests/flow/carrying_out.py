"""Having changes carried out on a stage, and looking at what DBS and the ledger have of them."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from itertools import pairwise
from typing import Any

from bot.core.events import moment
from bot.playground.acts import ask, outcome, said
from bot.playground.dbs.faults import Fault
from bot.playground.dbs.server import Received
from bot.playground.stage import Stage

CONFIGURE, DESCRIBE = "ConfigureBackupPlan", "DescribeBackupPlanList"
SHORTER = {"BackupRetentionPeriod": "30"}
WITH_PASSWORD = {**SHORTER, "SourceEndpointPassword": "orders-db"}

Message = dict[str, Any]


async def approve(stage: Stage, *cards: Message) -> None:
    for card in cards:
        await stage.ana.click(card, "approve")
        await stage.ben.click(card, "approve")


async def carried_out(stage: Stage, plan: str, *faults: Fault, values: Mapping[str, str] = SHORTER) -> Message:
    """Have a change of a plan approved while the next calls go wrong, and return its outcome."""
    card = await ask(stage.slack, stage.rita, plan, values)
    stage.dbs.next(CONFIGURE, *faults, plan_id=plan)
    await approve(stage, card)
    return await outcome(stage.slack, card)


def sends(stage: Stage, plan: str) -> list[Received]:
    return [one for one in stage.dbs.calls(CONFIGURE) if one.params["BackupPlanId"] == plan]


def reads(stage: Stage, plan: str) -> int:
    return sum(one.params.get("BackupPlanId") == plan for one in stage.dbs.calls(DESCRIBE))


def effects(stage: Stage, plan: str) -> int:
    return sum(effect.plan_id == plan for effect in stage.dbs.effects)


def events(stage: Stage, message: Message, kind: str) -> list[tuple[str, dict[str, Any]]]:
    """Return (time, data) of the events of one kind that the ledger has about the change of a message."""
    asked = "select at, data from events where change_id = ? and type = ? order by seq"
    with closing(sqlite3.connect(stage.ledger_file)) as db:
        rows = db.execute(asked, [said(message)["change_id"], kind]).fetchall()
    return [(at, json.loads(data)) for at, data in rows]


def waits(stage: Stage, message: Message) -> list[float]:
    """Return the seconds from each send of a change to its next."""
    times = [moment(at) for at, _ in events(stage, message, "sent")]
    return [(later - sooner).total_seconds() for sooner, later in pairwise(times)]


def found(stage: Stage, secret: str) -> list[str]:
    """Return where a secret is that must be nowhere: the ledger's files, the logs, what went to Slack."""
    places = {path.name: path.read_bytes() for path in stage.folder.iterdir() if path.is_file()}
    places["Slack"] = stage.slack.traffic.encode()
    return [name for name, content in places.items() if secret.encode() in content]
