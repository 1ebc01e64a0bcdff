"""What the measurements are made of: changes in the ledger with cards in the channel, and payloads as Slack sends them.

The bot's own ledger records the changes, its own code draws the cards, and the playground makes the payloads: they are
what people's clicks bring, without the minutes in which so many people would click.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from urllib.parse import urlencode

import aiohttp

from bench.processes import MEASURED, Child, child
from bot.alibaba.reading import read_plan
from bot.clock import SystemClock
from bot.core import decisions
from bot.core.asked import facts_for
from bot.core.change import Change
from bot.core.draft import Draft
from bot.core.evaluation import evaluate
from bot.core.events import Requested, SecretUse, change_digest, stamp
from bot.core.people import Channel
from bot.core.policy import read_policy
from bot.core.reading import Reading, Values
from bot.ledger.sql import SqlLedger
from bot.ledger.sqlite import SqliteLedger
from bot.playground.dbs.plans import mysql_on_rds
from bot.playground.slack import chat, payloads
from bot.playground.slack.delivery import _body as body_of
from bot.playground.slack.elements import holders
from bot.playground.slack.person import Person
from bot.playground.slack.workspace import Json
from bot.playground.stage import CHANNEL, POLICY, Stage, free_port
from bot.slack.card import card_blocks, card_text, metadata
from bot.slack.filled import prefilled, proposed

WISH = {
    "BackupRetentionPeriod": "400", "BackupPeriod": "Monday,Wednesday,Friday,Sunday", "BackupStartTime": "18:30",
    "SourceEndpointPassword": "orders-db", "BackupStrategyType": "simple", "AutoStartBackup": "true",
}  # fmt: skip
SECRETS = {"SourceEndpointPassword": SecretUse(name="orders-db", ref="env:ORDERS_DB_PASSWORD")}
RULES = read_policy(POLICY)
MEMBERS = {"S0DBA": frozenset({"U0ANA", "U0BEN", "U0RITA"})}
_numbers = count()


def wish(reading: Reading, values: Values, host: str, view_id: str) -> Requested:
    """Return a request for these values of a plan, as the form and the policy of the stage make it."""
    draft = Draft(view_id, "U0RITA", CHANNEL, reading, {}, {**prefilled(reading.values, {}), **values})
    sent = proposed(draft)
    facts = replace(facts_for(reading, sent, {}, "U0RITA", Channel(CHANNEL, "ops")), members=MEMBERS)
    secrets = SECRETS if "SourceEndpointPassword" in sent else {}
    return Requested(
        plan_id=reading.plan_id, plan_name=reading.values["BackupPlanName"], host=host, region=reading.region,
        status=reading.status, proposed=sent, baseline=reading.baseline, known={}, secrets=secrets,
        demand=evaluate(RULES, facts), reason="The disk is full, and nobody restores what is older",
        channel=CHANNEL, view_id=view_id, expires_at=stamp(datetime.now(UTC) + timedelta(hours=4)),
        execute_within=1800, digest=change_digest(sent, secrets, host, reading.baseline), channel_name="ops",
    )  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A change that waits for approvals, with its card in the channel."""

    change: Change
    card: Json


async def asked(stage: Stage, number: int, approved_by: str = "") -> list[Asked]:
    """Put so many plans into the account, and have a change of each asked for, announced, and approved by somebody."""
    ledger = SqliteLedger(stage.ledger_file, SystemClock(), timedelta(seconds=15), stage.keys())
    try:
        return [await asked_in(ledger, stage, approved_by) for _ in range(number)]
    finally:
        await ledger.close()


async def asked_in(ledger: SqlLedger, stage: Stage, approved_by: str = "") -> Asked:
    """Put one more plan into the account, and have a change of it asked for and announced in this ledger."""
    number = next(_numbers)
    detail = mysql_on_rds(f"dbsbench{number:05}")
    stage.dbs.plans[detail["BackupPlanId"]] = detail
    change_id, host = f"1m867d{number:09}", stage.dbs.url.removeprefix("http://")
    data = wish(read_plan(detail), WISH, host, f"V{number}")
    change = await ledger.record(change_id, partial(decisions.request, by="U0RITA", data=data))
    shown = {"text": card_text(change), "blocks": card_blocks(change), "metadata": metadata(change, "card")}
    world = stage.slack.world
    card = chat.post(world, stage.slack.channel(CHANNEL), chat.checked_content(world, shown, "chat.postMessage"))
    announce = partial(decisions.announce, channel=CHANNEL, ts=card["ts"])
    change = await ledger.record(change_id, announce)
    if approved_by:
        approve = partial(decisions.approve, by=approved_by, digest=data.digest, objection=None)
        change = await ledger.record(change_id, approve)
    await ledger.drawn(change_id, change.seen_seq, over=change.drawn_seq)
    return Asked(change, card)


def click(stage: Stage, person: Person, card: Json, action_id: str = "approve") -> str:
    """Return the body of a click on a card's button, with the card in it."""
    world = stage.slack.world
    block, element = next(one for one in holders(card["blocks"]) if one[1]["action_id"] == action_id)
    action = payloads.action(world, block, element, {})
    told = payloads.message_actions(world, person.member, stage.slack.channel(CHANNEL), card, [action])
    return body_of("interactive", told)


def command(stage: Stage, person: Person, line: str) -> str:
    """Return the body of a command that is typed now: its trigger lasts three seconds."""
    told = payloads.command(stage.slack.world, person.member, stage.slack.channel(CHANNEL), line)
    return urlencode(told)


@dataclass(frozen=True)
class Server:
    """Something that answers what Slack delivers."""

    pid: int
    port: int
    calm: float = 0.35
    """Seconds without work after which it has done what follows from its answers."""


@asynccontextmanager
async def noop(stage: Stage) -> AsyncIterator[Server]:
    """Start the app that does nothing, and wait until it listens."""
    port = free_port()
    told = {"PORT": str(port), "API": stage.slack.url, "TOKEN": stage.slack.bot_token}
    told |= {"SECRET": stage.slack.signing_secret}
    async with child("noop", MEASURED, **told) as process:
        await until_answered(port)
        yield Server(process.pid, port, calm=0.01)


async def until_answered(port: int) -> None:
    """Wait until something answers on a port, whatever it says."""
    async with asyncio.timeout(30), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}/healthz"):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)


async def load_on(
    load: Child, stage: Stage, server: Server, bodies: list[str], *, lines: int = 1, rest: float = 0.0
) -> list[tuple[float, float, float]]:
    """Have these bodies sent to a server, over so many connections, and return a sample for each."""
    told = {"port": server.port, "pid": server.pid, "calm": server.calm, "secret": stage.slack.signing_secret}
    samples = await load.ask(**told, bodies=bodies, lines=lines, rest=rest)
    return [tuple(sample) for sample in samples]


def typed(stage: Stage, person: Person, text: str) -> str:
    """Return the body of what is asked when somebody types into the choice of a plan in the view that is open."""
    world = stage.slack.world
    view = world.modals.top(person.id)
    assert view is not None
    block, element = next(one for one in holders(view.content["blocks"]) if one[1]["action_id"] == "BackupPlanId")
    return body_of("interactive", payloads.suggestion(world, person.member, view, block, element, text))
