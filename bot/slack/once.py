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

    An attempt that raised, or was not answered with 200, is not remembered: its repetition is a new attempt. Nor is an
    answer that only says what to mend: nothing was done, and the same form may be right once that is mended.
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
        self._in_progress: dict[bytes, asyncio.Future[Answer | None]] = {}

    async def __call__(self, payload: Payload) -> Answer:
        """Answer `payload`, from memory where it has been answered before. Raises what the dispatch raises."""
        if payload.kind in READ_ONLY:
            return await self._dispatch(payload)
        key = payload.mark or _digest(payload.body)
        while (first := self._in_progress.get(key)) is not None:
            # shielded: who stops waiting must not take the answer from the others
            if (answer := await asyncio.shield(first)) is not None:
                return answer
        self._forget_old()
        if key in self._answers:
            return self._answers[key][1]
        coming = self._in_progress[key] = asyncio.get_running_loop().create_future()
        acknowledged: Answer | None = None
        try:
            answer = await self._dispatch(payload)
            if answer.status == 200:
                acknowledged = answer
                if not _asks_to_mend(answer):
                    self._answers[key] = (self._now(), answer)
            return answer
        finally:
            del self._in_progress[key]
            coming.set_result(acknowledged)

    def _forget_old(self) -> None:
        while self._answers:
            at, _ = next(iter(self._answers.values()))
            if len(self._answers) <= self._entries and self._now() - at < REMEMBERED_SECONDS:
                return
            self._answers.popitem(last=False)


def _digest(body: dict[str, Any]) -> bytes:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest()


def _asks_to_mend(answer: Answer) -> bool:
    if not answer.content_type.startswith("application/json"):
        return False
    said = json.loads(answer.body)
    return isinstance(said, dict) and said.get("response_action") == "errors"
