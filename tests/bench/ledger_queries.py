"""What the bot asks a ledger, with ten thousand and with a million changes, beside looking one up by its key.

It asks nothing else: there is no list of changes and no search in it but the typeahead's, which is in memory.
"""

import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from bench.ledger_requests import HOST, plan_id
from bench.row import Row
from bot.ledger import statements
from bot.ledger.folded import Folded
from bot.ledger.sql import SqlLedger

CALLS = 200
"""Of each question, a round."""

Ask = Callable[[SqlLedger, str, int], Awaitable[object]]
"""A question about a change, by its id, or about a plan, by its number."""


@dataclass(frozen=True)
class Subject:
    """A ledger, some of the changes in it, and how many plans they are about."""

    ledger: SqlLedger
    ids: Sequence[str]
    plans: int


async def by_key(ledger: SqlLedger, change_id: str, _plan: int) -> object:
    """Read one row of one table by its primary key, on the same thread and connection as every question."""
    return await ledger._read(ledger._rows, statements.ONE_CHANGE, {"change_id": change_id})


async def open_change(ledger: SqlLedger, _change_id: str, plan: int) -> object:
    """Ask as every form, review and request does."""
    return await ledger.open_change(HOST, plan_id(plan))


async def last_applied(ledger: SqlLedger, _change_id: str, plan: int) -> object:
    """Ask as every form does, of a plan to which changes were applied."""
    return await ledger.last_applied(HOST, plan_id(plan - plan % 4))


async def history(ledger: SqlLedger, change_id: str, _plan: int) -> object:
    """Ask as every click and every step of a change does."""
    return await ledger.change(change_id)


async def due(ledger: SqlLedger, _change_id: str, _plan: int) -> object:
    """Ask as the sweep does every few seconds; none of the changes that are open is due."""
    return await ledger.take_due(timedelta(seconds=15))


QUESTIONS: dict[str, tuple[Ask, str]] = {
    "the open change of a plan": (open_change, "One statement."),
    "the history of a plan: what was last applied": (last_applied, "One statement, then as below."),
    "the history of a change": (
        history,
        "Its events are read from anywhere in the ledger, checked and folded.",
    ),
    "all open changes: which are due": (due, "A transaction that may write."),
}


async def measure(where: str, middle: Subject, big: Subject, rounds: int) -> list[Row]:
    """Ask one after the other, each time about another change or plan."""
    chance = random.Random(0)  # noqa: S311 - nothing secret
    asks = {"": by_key, **{name: ask for name, (ask, _) in QUESTIONS.items()}}
    took: dict[tuple[str, bool], list[float]] = {}
    for turn in range(rounds + 1):
        for name, ask in asks.items():
            for subject in (middle, big):
                milliseconds = await _asked(ask, subject, chance)
                if turn:  # the first one is for what has to be loaded or prepared once
                    took.setdefault((name, subject is big), []).append(milliseconds)
    keys = tuple(took["", True])
    rows = []
    for name, (_, what) in QUESTIONS.items():
        ours, before = tuple(took[name, True]), took[name, False]
        flat = median(one / other for one, other in zip(ours, before, strict=True))
        note = f"{what} {flat:.2f} times what it takes with 10,000 changes."
        rows.append(
            Row(
                f"{where}, 1,000,000 changes: {name}",
                "primary-key lookup in the same ledger",
                10.0,
                ours,
                keys,
                "ms",
                note,
            )
        )
    return rows


async def _asked(ask: Ask, subject: Subject, chance: random.Random) -> float:
    samples = []
    for _ in range(CALLS):
        change_id, plan = chance.choice(subject.ids), chance.randrange(subject.plans)
        subject.ledger._folded = Folded(
            subject.ledger.keys
        )  # a long ledger is not to look slow because a short one is remembered
        began = time.perf_counter()
        await ask(subject.ledger, change_id, plan)
        samples.append(time.perf_counter() - began)
    return median(samples) * 1000
