"""Private answers to the person who clicked or typed, through the payload's response_url."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import structlog

log = structlog.get_logger("bot.slack.whisper")

TRIES = 3
LONGEST_WAIT = 60.0
"""Seconds: later than that nobody remembers what the answer is to."""


class Whisper:
    """Answers only the person in question can see; nobody has to be a member of anything for them."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def __call__(self, body: Mapping[str, Any], text: str) -> None:
        """Say `text` (mrkdwn of our own); an answer that cannot be given is only logged."""
        if not (url := body.get("response_url")):
            log.warning("nowhere_to_whisper")
            return
        said: dict[str, Any] = {"response_type": "ephemeral", "replace_original": False, "text": text}
        clicked = body.get("message") or {}
        # A message with replies names itself as its thread; whoever clicks it in the channel is not looking there.
        if (thread := clicked.get("thread_ts")) and thread != clicked.get("ts"):
            said["thread_ts"] = thread
        try:
            for _ in range(TRIES):
                async with self._session.post(url, json=said, allow_redirects=False) as answer:
                    status, asked = answer.status, answer.headers.get("Retry-After", "")
                if status != 429:
                    break
                await asyncio.sleep(min(float(asked), LONGEST_WAIT) if asked.isdecimal() else 1.0)
            if status != 200:
                log.warning("whisper_not_taken", status=status)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # Not repeated: it may have arrived.
            log.warning("whisper_not_taken", kind=type(error).__name__)
