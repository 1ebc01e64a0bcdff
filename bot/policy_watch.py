"""Looks after the policy file while the bot runs, and sees to it that people hear when it breaks or changes."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any

import structlog

from bot.aside import Aside, Hangs
from bot.core.policy import Policy
from bot.core.saying import PolicyNotice
from bot.errors import LedgerError
from bot.policy_file import PolicyFile
from bot.ports import Clock, Ledger
from bot.tasks import Tasks

log = structlog.get_logger("bot.policy_watch")

FILE_SECONDS = 10.0
"""How long the file may take: it may be on a mount that does not answer."""
SETTLE = 0.2
"""Seconds until a file that looks different is looked at once more."""
TOPIC = "policy"

Tell = Callable[[str, PolicyNotice], Coroutine[Any, Any, None]]
"""Posts to the channel with this id."""


class PolicyWatch:
    """One process's part in it: every process reads the file for itself, and one of them tells."""

    def __init__(
        self,
        *,
        file: PolicyFile,
        ledger: Ledger,
        tell: Tell,
        warn: Callable[[Policy], Awaitable[None]],
        clock: Clock,
        interval: timedelta,
        tasks: Tasks,
    ) -> None:
        """`warn` looks at a new policy's groups and channels; `interval` is between two looks at the file."""
        self._file = file
        self._ledger = ledger
        self._tell = tell
        self._warn = warn
        self._clock = clock
        self._interval = interval
        self._tasks = tasks
        self._turn = asyncio.Lock()
        self._aside = Aside(FILE_SECONDS)
        self._channel = file.policy.defaults.operators
        self._known = ""
        """What this process knows to be told, as in the ledger."""

    async def run(self) -> None:
        """Look at the file until cancelled, and at once."""
        while True:
            await self.look()
            await self._clock.sleep(self._interval.total_seconds())

    def hurry(self) -> None:
        """Look at the file now: somebody says that it changed."""
        self._tasks.start(self.look())

    async def look(self) -> None:
        """Read the file if it changed, and let the log and the operators know."""
        async with self._turn:
            try:
                if await self._refreshed():
                    await self._noted()
                await self._told()
            except Hangs:
                log.warning("policy_not_looked_at", problem=f"the file has not answered for {FILE_SECONDS:g} s")
            except LedgerError as error:
                log.warning("operators_not_told", problem=str(error))  # until the next look
            except Exception:
                log.exception("policy_not_looked_at")

    async def _refreshed(self) -> bool:
        changed = await self._aside.run("policy", self._file.refresh)
        while self._file.settling:
            await self._clock.sleep(SETTLE)
            changed |= await self._aside.run("policy", self._file.refresh)
        return changed

    async def _noted(self) -> None:
        if self._file.problems:
            log.warning("policy_broken", digest=self._file.digest, problems=list(self._file.problems))
            return
        log.info("policy_read", digest=self._file.digest)
        await self._warn(self._file.policy)

    async def _told(self) -> None:
        """Have the operators told, unless another process has.

        Claimed in the ledger before it is posted: two processes that look for each other's message first can both find
        none. Who dies in between tells nobody, but the log and `/healthz` do.
        """
        now = f"{self._file.digest} {self._file.trouble}".strip()
        if now == self._known:
            return
        before = await self._ledger.noted(TOPIC, now)
        self._known = now
        policy, last = self._file.policy, self._channel
        channel = self._channel = policy.defaults.operators
        if before is None or (not before and not self._file.problems):
            return  # another process tells it, or it is what this ledger began with
        was, _, broken = before.partition(" ")
        notice = PolicyNotice(self._file.digest, was or self._file.digest, self._file.problems, bool(broken))
        if to := channel or last:  # a policy that names no channel any more is told to the last one
            self._tasks.start(self._tell(to, notice))
