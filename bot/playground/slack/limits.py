"""Slack's rate limits: so many calls of a method within a sliding window, per channel where Slack counts so."""

import math
from collections import defaultdict, deque

from bot.playground.slack.workspace import Json

_MINUTE = 60.0
LIMITS: dict[str, tuple[int, float]] = {
    "chat.postMessage": (1, 1.0),
    "chat.update": (50, _MINUTE),
    "views.open": (100, _MINUTE),
    "views.update": (100, _MINUTE),
    "views.push": (100, _MINUTE),
    "views.publish": (100, _MINUTE),
    "users.info": (100, _MINUTE),
    "usergroups.users.list": (20, _MINUTE),
    "conversations.info": (50, _MINUTE),
    "conversations.history": (50, _MINUTE),
    "conversations.replies": (50, _MINUTE),
    "conversations.open": (50, _MINUTE),
    "chat.getPermalink": (100, _MINUTE),
    "auth.test": (100, _MINUTE),
}
"""Method → (calls, seconds)."""


class RateLimits:
    """Counts calls; refuses none while `multiplier` is None, and allows that many times Slack's numbers otherwise."""

    def __init__(self, multiplier: float | None) -> None:
        self.multiplier = multiplier
        self._seen: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)

    def wait(self, method: str, args: Json, now: float) -> int:
        """Count a call and return 0, or return the whole seconds after which it may be repeated (it is not counted)."""
        if self.multiplier is None or method not in LIMITS:
            return 0
        calls, window = LIMITS[method]
        place = str(args.get("channel", "")) if method == "chat.postMessage" else ""
        seen = self._seen[method, place]
        while seen and seen[0] <= now - window:
            seen.popleft()
        if len(seen) < max(1, int(calls * self.multiplier)):
            seen.append(now)
            return 0
        return max(1, math.ceil(seen[0] + window - now))
