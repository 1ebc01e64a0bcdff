"""The same payload delivered twice is done once, whichever way it came."""

import asyncio
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from bot.slack.payload import Answer, Dispatch, Payload

REMEMBERED_SECONDS = 600
REMEMBERED_ENTRIES = 1000
READ_ONLY = frozenset({"block_suggestion", "ssl_check"})
"""Typing the same letters again sends an identical payload, which deserves today's answer."""


class Once:
    """A dispatch that gives a repeated payload the first one's answer, waiting for it where need be.

    An attempt that raised, or was not answered with 200, is not remembered: its repetition is a new attempt.
    """

    def __init__(
        self,
        dispatch: Dispatch,
        *,
        now: Callable[[], float] = time.monotonic,
        entries: int = REMEMBERED_ENTRIES,
    ) -> None:
        """`now` counts seconds from any beginning; of `entries` answers the oldest is forgotten first."""
        self._dispatch = dispatch
        self._now = now
        self._entries = entries
        self._answers: OrderedDict[bytes, tuple[float, Answer]] = OrderedDict()
        self._in_progress: dict[bytes, asyncio.Event] = {}

    async def __call__(self, payload: Payload) -> Answer:
        """Answer `payload`, from memory where it has been answered before. Raises what the dispatch raises."""
        if payload.kind in READ_ONLY:
            return await self._dispatch(payload)
        key = _digest(payload.body)
        while (first := self._in_progress.get(key)) is not None:
            await first.wait()
        self._forget_old()
        if key in self._answers:
            return self._answers[key][1]
        done = self._in_progress[key] = asyncio.Event()
        try:
            answer = await self._dispatch(payload)
            if answer.status == 200:
                self._answers[key] = (self._now(), answer)
            return answer
        finally:
            del self._in_progress[key]
            done.set()

    def _forget_old(self) -> None:
        while self._answers:
            at, _ = next(iter(self._answers.values()))
            if len(self._answers) <= self._entries and self._now() - at < REMEMBERED_SECONDS:
                return
            self._answers.popitem(last=False)


def _digest(body: dict[str, Any]) -> bytes:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest()
