"""Looks several people or groups up side by side: so many at once, and no more of them than the answer needs."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from bot.core.demand import Demand
from bot.core.people import Person
from bot.core.slots import filled
from bot.errors import LookUpFailed

T = TypeVar("T")

AT_ONCE = 10
"""Questions under way at once: Slack allows a hundred about people a minute."""
SLOW = 0.4
"""Seconds after which those who are being looked up are no longer counted on, so that others are asked as well."""
MOST_FAILED = 5
"""Look-ups that may fail before nobody else is asked: a Slack that is throttled or away is left alone."""


async def each(ask: Callable[[str], Awaitable[T]], names: Iterable[str]) -> dict[str, T | LookUpFailed]:
    """Return what is answered about each name, or how asking failed."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> T | LookUpFailed:
        async with turns:
            try:
                return await ask(name)
            except LookUpFailed as failed:
                return failed

    names = list(dict.fromkeys(names))
    return dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))


async def enough(asked: Demand, ask: Callable[[str], Awaitable[Person]], team_id: str) -> frozenset[str]:
    """Return people who count and fill every place of a demand, or as many of its places as anybody can fill.

    Those are asked about who bring it nearer, and nobody beyond the number that it takes. Raises LookUpFailed where
    they are too few and somebody could not be looked up, who might have made up the number.
    """
    able: set[str] = set()
    begun: set[str] = set()
    counted_on: set[str] = set()
    asking: dict[asyncio.Task[Person], str] = {}
    failures: list[LookUpFailed] = []
    wrong = 0
    try:
        while not filled(asked, able).done:
            while len(asking) < AT_ONCE and len(failures) < MOST_FAILED:
                # The more of them did not count, the fewer of those under way are taken for granted.
                likely = able.union(sorted(counted_on)[wrong:])
                candidate = next((who for who in filled(asked, likely).helpers if who not in begun), None)
                if candidate is None:
                    break
                begun.add(candidate)
                counted_on.add(candidate)
                asking[asyncio.ensure_future(ask(candidate))] = candidate
            if not asking:
                break
            done, _ = await asyncio.wait(asking, timeout=SLOW, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                counted_on.clear()
            for task in done:
                who = asking.pop(task)
                counted_on.discard(who)
                try:
                    if task.result().disqualified(team_id):
                        wrong += 1
                    else:
                        able.add(who)
                except LookUpFailed as failed:
                    failures.append(failed)
    finally:
        for task in asking:
            task.cancel()
    if failures and not filled(asked, able).done:
        raise failures[0]
    return frozenset(able)
