"""Fifty people click Approve and Deny at once, twice each, over two processes on one SQLite file: one outcome."""

import asyncio
import re
import sqlite3
import statistics
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.playground.acts import ask, buttons, outcome, replies, said, settled
from bot.playground.slack.form import Ack
from bot.playground.slack.person import Person
from bot.playground.stage import POLICY, Stage

pytestmark = pytest.mark.usefixtures("forked")

CROWD = 50
WISH = {"BackupRetentionPeriod": "30", "SourceEndpointPassword": "orders-db", "AutoStartBackup": "true",
        "BackupStrategyType": "simple"}  # fmt: skip
SENTENCES = re.compile(
    r"Your approval is already recorded; ([0-9]+ more needed|no more are needed)\."
    r"|This change was already (applied|denied)( by (<@U0P[0-9]{2}>|@p[0-9]{2}))? at [0-9-]{10} [0-9:]{5} UTC\."
    r"|This change has all the approvals it needs and is about to be carried out\."
    r"|This change is being carried out; the thread will say what came of it\."
)
"""All that anybody may be told who comes too late."""

Json = dict[str, Any]
History = list[tuple[str, str]]


async def say_why(person: Person) -> None:
    """Give a reason as often as the bot asks this person for one."""
    while True:
        await person.wait_for_view(lambda view: view["callback_id"] == "deny", seconds=60)
        await person.type("reason", "Not now")
        if (await person.submit()).action == "errors":
            assert all(map(SENTENCES.fullmatch, person.errors.values())), person.errors
            await person.close_view()


async def rush(crowd: list[Person], card: Json) -> list[Ack]:
    """Everybody presses Approve and Deny twice, on the card as it was before anybody did."""
    actions = ("approve", "deny", "approve", "deny")
    clicks = (person.click(card, action, stale=True) for person in crowd for action in actions)
    return [click.ack for click in await asyncio.gather(*clicks) if click.ack]


def answered(stage: Stage, since: int) -> int:
    """Count the answers that people saw: private sentences and forms that ask for a reason."""
    calls = stage.slack.calls[since:]
    return sum(call.method in {"response_url", "views.open"} for call in calls)


def history(stage: Stage, card: Json) -> History:
    """Return (type, actor) of every event of the change behind a card."""
    ledger = sqlite3.connect(stage.ledger_file)
    query = "select type, actor from events where change_id = ? order by seq"
    found = ledger.execute(query, (said(card)["change_id"],)).fetchall()
    ledger.close()
    return found


@pytest.mark.parametrize(
    ("approvals", "in_haste"), [(2, False), (20, True)], ids=["approvals_are_faster", "denials_are_faster"]
)
async def test_req01_req03_fifty_people_clicking_at_once_over_two_processes_make_one_outcome(
    set_stage: Callable[..., Awaitable[Stage]], approvals: int, in_haste: bool
) -> None:
    stage = await set_stage(policy=POLICY.replace("approvals = 2", f"approvals = {approvals}"))
    # Two hundred clicks in one instant are a test of what is decided; how fast is for whoever has a fast machine.
    stage.slack.courier.ack_seconds = stage.slack.world.tickets._trigger_seconds = 60.0
    crowd = [stage.slack.add_person(f"p{n:02}", id=f"U0P{n:02}") for n in range(CROWD)]
    stage.slack.add_group("S0DBA", crowd)
    stage.slack.channel("C0OPS").members |= {person.id for person in crowd}
    bots = await asyncio.gather(stage.start_bot(), stage.start_bot())
    stage.slack.point_at(*(bot.events_url for bot in bots))
    card = await ask(stage.slack, stage.rita, "dbsmysqlrds01", WISH)
    since = len(stage.slack.calls)

    reasons = [asyncio.create_task(say_why(person)) for person in crowd if in_haste]
    acks = await rush(crowd, card)
    ended = said(await outcome(stage.slack, card, seconds=30))["state"]
    reasons = reasons or [asyncio.create_task(say_why(person)) for person in crowd]
    recorded = history(stage, card)
    approved = [actor for kind, actor in recorded if kind == "approved"]
    await stage.slack.wait_for(lambda: answered(stage, since) + len(approved) >= len(acks), 30)
    await stage.slack.wait_for(lambda: not any(person.view for person in crowd), 30)
    card = await settled(stage.slack, card, seconds=30)
    for task in reasons:
        task.cancel()
    assert {type(one) for one in await asyncio.gather(*reasons, return_exceptions=True)} == {asyncio.CancelledError}

    assert all(ack.ok for ack in acks)
    assert statistics.median(ack.duration for ack in acks) < 3
    assert len(acks) == 4 * CROWD
    outcomes = [kind for kind, _ in history(stage, card) if kind in {"applied", "denied", "refused", "stale", "stuck"}]
    assert outcomes == [ended]
    assert ended in ({"applied", "denied"} if in_haste else {"applied"})
    assert len(set(approved)) == len(approved)
    assert len(approved) == approvals or ended == "denied"
    assert len(stage.dbs.effects) == (ended == "applied")
    assert len(replies(stage.slack, card)) == 1
    assert buttons(card) == []
    assert answered(stage, since) + len(approved) == len(acks)
    assert not [line for bot in bots for line in bot.log.splitlines() if "not_advanced" in line]
    for person in crowd:
        assert person.notices == []
        for told in person.ephemerals:
            assert SENTENCES.fullmatch(told["text"]), told["text"]
