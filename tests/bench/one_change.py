"""From the last approval to the wire, and what Slack is asked to write for one change from command to outcome."""

import math
import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.processes import MEASURED, REST, Child, child, quiet, start_bot
from bench.row import Row
from bench.stock import Server, asked, click, load_on
from bot.playground.acts import ask, outcome, settled
from bot.playground.dbs.server import KEYS
from bot.playground.stage import Bot, Stage

CHANGES = 3
WRITES = {"views.open", "views.update", "views.push", "chat.postMessage", "chat.update"}
LEAST = "the least possible: open the form, fill it, post the card, draw it twice again, tell the outcome"

WIRE = (
    "Where it takes 13 ms and the least 6, it is noted 2.4 ms after the approval that an attempt begins; until 5.9 "
    "Slack says, four questions at once, whether those who asked and approved still may; at 7.6 DBS is asked for the "
    "plan, which is therefore read as late as can be; at 11 it is noted that the call leaves; until 13 it is signed, "
    "sent and received, which is not in the reference. The look-ups could be made while the plan is read, but then the "
    "plan would be older by the time it is relied upon."
)


async def measure(rounds: int) -> list[Row]:
    """The bot's process carries changes out; another one does the least that could be done, on the same core."""
    ours, theirs = [], []
    with TemporaryDirectory() as folder:
        async with Stage(Path(folder)) as stage, child("load", REST) as load:
            bot = await start_bot(stage)
            writes = await _writes(stage, bot)
            key, secret = next(iter(KEYS.items()))
            told = {"ALIBABA_CLOUD_ACCESS_KEY_ID": key, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": secret}
            async with child("least", MEASURED, **told, FOLDER=folder, DBS=stage.dbs.url) as least:
                await least.ask(times=CHANGES)
                await _sent_after(stage, bot, load)
                for _ in range(rounds):
                    theirs.append(median(await least.ask(times=CHANGES)))
                    ours.append(median([await _sent_after(stage, bot, load) for _ in range(CHANGES)]))
    said = ", ".join(f"{count} {method}" for method, count in sorted(writes.items()))
    return [
        Row(
            "Last approval until ConfigureBackupPlan is on the wire", "one reading of the plan and two records", 1.5,
            tuple(ours), tuple(theirs), "ms", WIRE,
        ),
        Row(
            "Writes to Slack for one change with two approvals", LEAST, math.inf,
            (float(writes.total()),), (6.0,), "writes", f"{said}.", limit=8,
        ),
    ]  # fmt: skip


async def _sent_after(stage: Stage, bot: Bot, load: Child) -> float:
    """Return the milliseconds from when the last approval was written down until DBS has the call."""
    (one,) = await asked(stage, 1, approved_by="U0ANA")
    await load_on(load, stage, Server(bot.process.pid, bot.port), [click(stage, stage.ben, one.card)])
    await outcome(stage.slack, one.card)
    sent = next(
        call
        for call in stage.dbs.calls("ConfigureBackupPlan")
        if call.params["BackupPlanId"] == one.change.request.plan_id
    )
    approved = re.findall(rf"^(\S+) .*change={one.change.id} kind=approved", bot.log, re.MULTILINE)
    return (sent.at - datetime.fromisoformat(approved[-1]).timestamp()) * 1000


async def _writes(stage: Stage, bot: Bot) -> Counter[str]:
    """Have one change made as people make it, and count what Slack was asked to write."""
    await quiet(bot.process.pid)
    before = len(stage.slack.calls)
    values = {"BackupRetentionPeriod": "400", "SourceEndpointPassword": "orders-db"}
    card = await ask(stage.slack, stage.rita, "dbsmysqlrds01", values)
    for person in (stage.ana, stage.ben):
        await quiet(bot.process.pid)  # nobody approves while the card is still being drawn
        await person.click(card, "approve")
    await outcome(stage.slack, card)
    await settled(stage.slack, card)
    await quiet(bot.process.pid)
    return Counter(call.method for call in stage.slack.calls[before:] if call.method in WRITES)
