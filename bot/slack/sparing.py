"""How often one person may have something read again: each time it asks DBS, and may post what it found.

Counted by each process for itself; with several, a person gets as many turns from each.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bot.errors import Refusal

A_MINUTE = 60.0
RUNNING = "That is being done already; wait for its answer."
TOO_OFTEN = "You did that {most} times within a minute. Wait a moment, then do it again."


class Sparing:
    """One turn at a time for each key, and a few a minute."""

    def __init__(self, most: int = 3, now: Callable[[], float] = time.monotonic) -> None:
        """`most` is for each key; `now` counts seconds from any beginning."""
        self._most = most
        self._now = now
        self._running: set[str] = set()
        self._begun: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def turn(self, key: str) -> Iterator[None]:
        """Hold the turn of a key. Raises Refusal where somebody holds it, or had it too often."""
        now = self._now()
        for old, times in list(self._begun.items()):
            self._begun[old] = [begun for begun in times if now - begun < A_MINUTE]
            if not self._begun[old]:
                del self._begun[old]
        if key in self._running:
            raise Refusal("running", RUNNING)
        if len(self._begun.get(key, ())) >= self._most:
            raise Refusal("too-often", TOO_OFTEN.format(most=self._most))
        self._begun[key].append(now)
        self._running.add(key)
        try:
            yield
        finally:
            self._running.discard(key)
