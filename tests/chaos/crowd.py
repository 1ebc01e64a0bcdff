"""The people of one run: some ask for changes, fifty may approve and click twice each, more people than are needed."""

import asyncio
import random
import time
from dataclasses import dataclass
from itertools import cycle

from bot.playground.acts import Message, ask
from bot.playground.dbs.plans import mysql_on_rds
from bot.playground.slack.person import Person
from bot.playground.stage import Stage

APPROVERS = 50
ASKERS = 6
RUSH = 5
"""Every so many-th change has all fifty at once on it; the others have `FEW`."""
FEW = 8
AT_ONCE = 24
"""Clicks under way at a time: all people sit at one machine."""
WISH = {"BackupRetentionPeriod": "30", "SourceEndpointPassword": "orders-db"}


@dataclass(frozen=True)
class Clicked:
    """One click on Approve."""

    plan_id: str
    by: str
    answered: float
    """When Slack had an answer, or gave up: seconds since 1970."""
    acked: bool
    answer_url: str
    """Where the bot could tell this person something about this click."""


class Crowd:
    """Everybody, with a card to click on for each plan once `ask` is through."""

    def __init__(self, stage: Stage, seed: int, changes: int) -> None:
        self._stage = stage
        self._dice = random.Random(f"crowd {seed}")  # noqa: S311 - replayed
        slack = stage.slack
        self._approvers = [slack.add_person(f"p{n:02}", id=f"U0P{n:02}") for n in range(APPROVERS)]
        self._askers = [slack.add_person(f"r{n:02}", id=f"U0R{n:02}") for n in range(ASKERS)]
        slack.add_group("S0DBA", self._approvers)
        self.plans = [f"dbschaos{n:04}" for n in range(changes)]
        stage.dbs.plans |= {plan: mysql_on_rds(plan, BackupPlanName=plan) for plan in self.plans}
        self.cards: dict[str, Message] = {}
        self.channels: dict[str, str] = {}
        self.clicks: list[Clicked] = []
        self._again = cycle(self._approvers)
        self._hands = asyncio.Semaphore(AT_ONCE)

    async def ask(self) -> None:
        """Ask for a change of every plan."""
        await asyncio.gather(*(self._ask_one_by_one(person, n) for n, person in enumerate(self._askers)))

    async def _ask_one_by_one(self, asker: Person, number: int) -> None:
        # in a channel for each, so that a new card in it is the one that was asked for
        channel = self._stage.slack.add_channel(f"C0ASK{number}", members=[asker, *self._approvers]).id
        for plan in self.plans[number::ASKERS]:
            self.channels[plan] = channel
            self.cards[plan] = await ask(self._stage.slack, asker, plan, WISH, channel=channel)

    async def click(self, seconds: float) -> None:
        """Click on one change after the other, all of them within about so many seconds."""
        step = seconds / len(self.plans)
        await asyncio.gather(*(self._rush(plan, n, n * step) for n, plan in enumerate(self.plans)))

    async def _rush(self, plan: str, number: int, after: float) -> None:
        several = APPROVERS if number % RUSH == 0 else FEW
        people = self._dice.sample(self._approvers, several) * 2
        self._dice.shuffle(people)
        await asyncio.sleep(after)
        await asyncio.gather(*(self._approve(plan, person) for person in people))

    async def come_back(self, plans: list[str]) -> None:
        """Try these again, one person after the other, as people do who were told that it did not work."""
        for plan in plans:
            await self._approve(plan, next(self._again))

    async def _approve(self, plan: str, person: Person) -> None:
        async with self._hands:
            # The card as it was when it had buttons: not everybody's client has been told of the last redraw.
            click = await person.click(self.cards[plan], "approve", stale=True)
        assert click.ack is not None
        url = click.ack.delivery.payload["response_url"]
        self.clicks.append(Clicked(plan, person.id, time.time(), click.ack.ok, url))
