"""What went out a moment ago and may come back: the passwords that DBS's message about a plan may quote."""

import asyncio
from collections.abc import Iterable

MINUTES = 3
"""For so long the outcome of a change is followed, and DBS's precheck may say what it signed in with."""


class Lately:
    """The secrets sent for each plan, forgotten by themselves; printing it shows nothing."""

    def __init__(self, seconds: float = MINUTES * 60.0) -> None:
        self._seconds = seconds
        self._sent: dict[str, tuple[str, ...]] = {}
        self._ends: dict[str, asyncio.TimerHandle] = {}

    def sent(self, plan_id: str, secrets: Iterable[str]) -> None:
        """Remember what is about to be sent for a plan, beside what was sent before and is remembered still."""
        self._sent[plan_id] = tuple({*self.of(plan_id), *secrets})
        if plan_id in self._ends:
            self._ends[plan_id].cancel()
        self._ends[plan_id] = asyncio.get_running_loop().call_later(self._seconds, self._forget, plan_id)

    def of(self, plan_id: str) -> tuple[str, ...]:
        """Return what was sent for a plan lately."""
        return self._sent.get(plan_id, ())

    def forget(self) -> None:
        """Forget everything now."""
        for plan_id in list(self._sent):
            self._ends[plan_id].cancel()
            self._forget(plan_id)

    def _forget(self, plan_id: str) -> None:
        del self._sent[plan_id], self._ends[plan_id]
