"""Sees to it that the operators hear once of a new key, and of each change whose record does not hold together."""

from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from bot.core.saying import AlteredNotice, KeyNotice, Notice
from bot.errors import LedgerAltered, LedgerError
from bot.ports import Ledger
from bot.tasks import Tasks

log = structlog.get_logger("bot.ledger_notices")

Tell = Callable[[str, Notice], Coroutine[Any, Any, None]]
"""Posts to the channel with this id."""


class LedgerNotices:
    """One process's part in it: which one tells is claimed in the ledger, as for the policy."""

    def __init__(self, *, ledger: Ledger, tell: Tell, channel: Callable[[], str | None], tasks: Tasks) -> None:
        """`channel` returns the operators' channel, None for none."""
        self._ledger = ledger
        self._tell = tell
        self._channel = channel
        self._tasks = tasks
        self._seen: set[str] = set()

    async def key(self, public: str) -> None:
        """Tell with which key the ledger is signed, where it was another one before, or none."""
        before = await self._ledger.noted("ledger key", public)
        if before is not None:
            self._say(KeyNotice(public, before))

    def altered(self, found: LedgerAltered) -> None:
        """Tell of a change that was found altered, soon."""
        if found.change_id not in self._seen:
            self._seen.add(found.change_id)
            self._tasks.start(self._tell_altered(found))

    async def _tell_altered(self, found: LedgerAltered) -> None:
        try:
            is_first = await self._ledger.noted(f"altered {found.change_id}", str(found.seq)) is not None
        except LedgerError as error:
            self._seen.discard(found.change_id)  # whoever finds it next tries again
            log.warning("operators_not_told", problem=str(error))
            return
        if is_first:
            self._say(AlteredNotice(found.change_id, found.seq, found.what))

    def _say(self, notice: Notice) -> None:
        if channel := self._channel():
            self._tasks.start(self._tell(channel, notice))
