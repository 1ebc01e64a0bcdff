"""The account's plans for the typeahead: kept in memory, refreshed behind people's backs."""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import islice

import structlog

from bot.core.reading import PlanSummary
from bot.errors import DbsError
from bot.ports import Dbs
from bot.tasks import Tasks

log = structlog.get_logger("bot.slack.plan_list")

AGE = 600.0
"""Seconds between two readings of the whole list."""
AGAIN = 30.0
"""Seconds after which a failed reading is tried again."""


class PlanList:
    """Every plan of the account, at most ten minutes old; never waited for."""

    def __init__(self, dbs: Dbs, tasks: Tasks) -> None:
        self._dbs = dbs
        self._tasks = tasks
        self._plans: dict[str, PlanSummary] = {}
        """By what words are looked for in, in small letters."""
        self._next = 0.0
        self.loaded = False
        self.trouble = ""
        """Why the list could not be read, "" when it could."""

    def matching(self, text: str, limit: int) -> Sequence[PlanSummary]:
        """Return plans that contain every word of `text` in id, name, engine or status."""
        self.refresh_soon()
        lines: Iterable[str] = self._plans
        # first what is part of an id or a number, then the longest word: few lines are left to look for the others in
        for word in sorted(text.lower().split(), key=lambda word: (not word.isalpha(), len(word)), reverse=True):
            lines = _containing(word, lines)
        return [self._plans[line] for line in islice(lines, limit)]

    def refresh_soon(self) -> None:
        """Have the list read again if it is due, and return at once."""
        now = asyncio.get_running_loop().time()
        if now >= self._next:
            self._next = now + AGE
            self._tasks.start(self._refresh())

    async def _refresh(self) -> None:
        try:
            plans = await self._dbs.plans()
        except DbsError as error:
            log.warning("plans_not_listed", problem=str(error))
            self.trouble = str(error)
            self._next = asyncio.get_running_loop().time() + AGAIN
            return
        self._plans = {
            f"{plan.plan_id} {plan.name} {plan.engine} {plan.status}".lower(): plan
            for plan in sorted(plans, key=lambda plan: (plan.name, plan.plan_id))
        }
        self.loaded, self.trouble = True, ""


def _containing(word: str, lines: Iterable[str]) -> Iterable[str]:
    return (line for line in lines if word in line)
