"""What Slack hands out for a while: trigger ids (3 seconds, one use) and response URLs (30 minutes, five uses)."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from bot.playground.slack.errors import SlackError
from bot.playground.slack.workspace import Json

RESPONSE_SECONDS = 30 * 60
RESPONSE_USES = 5


@dataclass
class Trigger:
    """The right to open one view for one person, soon after they did something."""

    user_id: str
    origin: str
    """The payload type it came with."""
    channel: str
    in_modal: bool
    born: float
    used: bool = False


@dataclass
class ResponseUrl:
    """The right to answer one interaction."""

    user_id: str
    channel: str
    born: float
    original: Json | None = None
    """The message that was clicked: replace_original and delete_original mean this one."""
    uses: int = 0


class Tickets:
    """Everything handed out, by its token."""

    def __init__(self, clock: Callable[[], float], trigger_seconds: float) -> None:
        """`clock` gives seconds since 1970; Slack's triggers live for 3 seconds."""
        self._clock = clock
        self._trigger_seconds = trigger_seconds
        self._triggers: dict[str, Trigger] = {}
        self._responses: dict[str, ResponseUrl] = {}

    def trigger(self, user_id: str, origin: str, channel: str = "", *, in_modal: bool = False) -> str:
        """Hand out a trigger id."""
        name = f"{int(self._clock() * 1000)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._triggers[name] = Trigger(user_id, origin, channel, in_modal, self._clock())
        return name

    def check_trigger(self, name: str) -> Trigger:
        """Return a trigger that may still be used. Raises SlackError: invalid, exchanged or expired."""
        trigger = self._triggers.get(name)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._clock() - trigger.born > self._trigger_seconds:
            raise SlackError("expired_trigger_id")
        return trigger

    def response(self, user_id: str, channel: str, original: Json | None = None) -> str:
        """Hand out the token of a response URL."""
        token = secrets.token_urlsafe(18)
        self._responses[token] = ResponseUrl(user_id, channel, self._clock(), original)
        return token

    def use_response(self, token: str) -> ResponseUrl:
        """Count one use of a response URL. Raises SlackError: invalid_url, expired_url or used_url."""
        response = self._responses.get(token)
        if response is None:
            raise SlackError("invalid_url")
        if self._clock() - response.born > RESPONSE_SECONDS:
            raise SlackError("expired_url")
        if response.uses >= RESPONSE_USES:
            raise SlackError("used_url")
        response.uses += 1
        return response
