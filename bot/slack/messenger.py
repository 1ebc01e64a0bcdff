"""Posts and redraws what is said about a change; every message carries metadata by which it can be found again."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.change import Change
from bot.core.events import moment
from bot.core.people import Channel
from bot.core.saying import Kind, Message, Saying
from bot.errors import CardDeleted, ChannelLost, MessageGone, MessageThrottled, MessageUnanswered
from bot.ports import Ready, at_any_time
from bot.slack.card import EVENT_TYPE, card_blocks, card_text, metadata
from bot.slack.outcome import call_message, saying_blocks, saying_text
from bot.slack.people import channel_of
from bot.slack.place import permalink
from bot.slack.text import Block
from bot.slack.web import RATELIMITED, SlackFailed, leaving, slack_call

log = structlog.get_logger("bot.slack.messenger")

UNSURE = frozenset({"unanswered", "internal_error", "fatal_error", "service_unavailable", "request_timeout"})
"""Nobody knows whether it was posted. Any other refusal is final for its place: Slack's list of them grows."""
DELETED = "message_not_found"
UNDRAWABLE = frozenset({"invalid_blocks", "invalid_attachments", "internal_error"})
"""What Slacks that do not take tables or containers are reported to answer."""
CLOCKS_APART = timedelta(minutes=5)
"""By how much Slack's clock and ours may differ: by more than that its requests would be refused as too old."""
PAGE = 200
PAGES = 20

Draw = Callable[[bool], dict[str, Any]]
"""simple → the text and blocks of a message."""


class SlackMessenger:
    """ports.Messenger over chat.postMessage, chat.update and the histories."""

    def __init__(self, client: AsyncWebClient, bot_id: str, lost: Callable[[Channel], str]) -> None:
        """`lost` says why nothing may be written any more where a change is decided, "" while it may."""
        self._client = client
        self._bot_id = bot_id
        self._lost = lost
        self._simple: set[str] = set()
        """Changes whose card Slack would not take with a table."""

    async def announce(self, change: Change, ready: Ready = at_any_time) -> Message:
        """Post the card: by itself in the channel, or under the message where it was asked for."""
        channel, thread = change.request.channel, change.request.thread or None
        await self._stay_inside(channel)
        return await self._post(change, "card", channel, _card(change), thread, ready=ready)

    async def redraw(self, change: Change) -> None:
        """Bring the card up to date, its metadata with it."""
        card = change.card
        if card is None:
            return

        async def update(drawn: dict[str, Any]) -> Message:
            await self._client.chat_update(channel=card.channel, ts=card.ts, metadata=metadata(change, "card"), **drawn)
            return Message(card.channel, card.ts)

        await self._stay_inside(card.channel)
        try:
            await self._draw(change, update, _card(change))
        except MessageGone as gone:
            if isinstance(gone.__cause__, SlackFailed) and gone.__cause__.code == DELETED:
                raise CardDeleted(str(gone)) from gone
            raise

    async def reply(self, change: Change, saying: Saying, ready: Ready = at_any_time) -> Message:
        """Say something in the card's thread, which is the one it stands in or the one below it."""
        if change.card is None:
            raise MessageGone(f"change {change.id} has no card")
        await self._stay_inside(change.card.channel)
        channel, thread = change.card.channel, change.thread
        return await self._post(change, saying.kind, channel, _saying(change, saying), thread, ready=ready)

    async def write_to_requester(self, change: Change, saying: Saying) -> Message:
        """Say it to the requester alone."""
        try:
            channel = await self._direct(change.requester)
        except MessageUnanswered as error:  # there is no such doubt about what was not even addressed
            raise MessageThrottled(1.0) from error
        return await self._post(change, saying.kind, channel, _saying(change, saying, alone=True))

    async def call(self, change: Change, text: str, *, to: str = "", broadcast: bool = False) -> None:
        """Call on people in the thread, or one person or channel by themselves."""
        card = change.card
        if to:
            channel, thread = (await self._direct(to) if to.startswith(("U", "W")) else to), None
            link = await permalink(self._client, card.channel, card.ts) if card else ""
            text += f" <{link}|Open the card>" if link else ""
        elif card is None:
            raise MessageGone(f"change {change.id} has no card")
        else:
            channel, thread = card.channel, change.thread
        if not to:
            await self._stay_inside(channel)
        elif not to.startswith(("U", "W")) and (await self._channel(channel)).is_shared_outside:
            raise MessageGone(f"the channel {channel} is shared with another organisation")
        await self._post(change, "note", channel, lambda _: call_message(change, text), thread, broadcast=broadcast)

    async def _direct(self, user_id: str) -> str:
        try:
            with slack_call():
                opened = await self._client.conversations_open(users=user_id)
        except SlackFailed as failed:
            raise _translated(failed) from failed
        return str(opened["channel"]["id"])

    async def _stay_inside(self, channel: str) -> None:
        """Raise ChannelLost where nothing may be written any more: asked afresh before every post and redraw."""
        if why := self._lost(await self._channel(channel)):
            raise ChannelLost(why)

    async def _channel(self, channel: str) -> Channel:
        try:
            with slack_call():
                return channel_of((await self._client.conversations_info(channel=channel))["channel"])
        except SlackFailed as failed:
            raise _translated(failed) from failed

    async def find(self, change: Change, kind: Kind) -> Message | None:
        """Look for an earlier message of ours: anybody can forge metadata, but not our bot's id."""
        try:
            async for message in self._messages(change, kind):
                if message.get("bot_id") != self._bot_id:
                    continue
                told = message.get("metadata") or {}
                payload = told.get("event_payload") or {}
                if (
                    told.get("event_type") == EVENT_TYPE
                    and payload.get("change_id") == change.id
                    and payload.get("kind") == kind
                ):
                    return Message(change.request.channel, message["ts"])
        except SlackFailed as failed:
            if isinstance(problem := _translated(failed), MessageGone):
                return None
            raise problem from failed
        return None

    async def is_there(self, change: Change) -> bool:
        """Whether the card is still there; where replies hold its place, Slack shows a message of its own instead."""
        card = change.card
        if card is None:
            return False
        await self._stay_inside(card.channel)
        where = {"channel": card.channel, "oldest": card.ts, "latest": card.ts}
        at: dict[str, Any] = {**where, "inclusive": True, "limit": PAGE}
        try:
            with slack_call():
                if change.request.thread:
                    answer = await self._client.conversations_replies(ts=change.request.thread, **at)
                else:
                    answer = await self._client.conversations_history(**at)
        except SlackFailed as failed:
            if failed.code in {"thread_not_found", DELETED}:
                return False
            raise _translated(failed) from failed
        found = [message for message in answer.get("messages") or [] if message.get("ts") == card.ts]
        return any(message.get("bot_id") == self._bot_id for message in found)

    async def _messages(self, change: Change, kind: Kind) -> AsyncIterator[dict[str, Any]]:
        """Read what was said since the request where such a message would be: a thread, or the channel itself."""
        if kind != "card" and change.card is None:
            return
        thread = change.request.thread if kind == "card" else change.thread
        oldest = (moment(change.requested_at) - CLOCKS_APART).timestamp()
        where = {"channel": change.request.channel, "oldest": f"{oldest:.6f}"}
        cursor = ""
        for _ in range(PAGES):
            page: dict[str, Any] = {"include_all_metadata": True, "limit": PAGE, "cursor": cursor or None, **where}
            with slack_call():
                if thread:
                    answer = await self._client.conversations_replies(ts=thread, **page)
                else:
                    answer = await self._client.conversations_history(**page)
            for message in answer.get("messages") or []:
                yield message
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    async def _post(
        self,
        change: Change,
        kind: Kind,
        channel: str,
        draw: Draw,
        thread: str | None = None,
        *,
        broadcast: bool = False,
        ready: Ready = at_any_time,
    ) -> Message:
        async def post(drawn: dict[str, Any]) -> Message:
            with leaving(ready):
                answer = await self._client.chat_postMessage(
                    channel=channel,
                    thread_ts=thread,
                    reply_broadcast=broadcast or None,
                    metadata=metadata(change, kind),
                    unfurl_links=False,
                    unfurl_media=False,
                    **drawn,
                )
            return Message(answer["channel"], answer["ts"])

        return await self._draw(change, post, draw)

    async def _draw(self, change: Change, send: Callable[[dict[str, Any]], Awaitable[Message]], draw: Draw) -> Message:
        """Send a message, in simple blocks where Slack does not take the others."""
        simple = change.id in self._simple
        try:
            with slack_call():
                return await send(draw(simple))
        except SlackFailed as failed:
            if simple or failed.code not in UNDRAWABLE:
                raise _translated(failed) from failed
            self._simple.add(change.id)
            log.warning("blocks_not_taken", change=change.id, code=failed.code)
            if failed.code in UNSURE:
                raise _translated(failed) from failed
        try:
            with slack_call():
                return await send(draw(True))  # noqa: FBT003 - simple
        except SlackFailed as failed:
            raise _translated(failed) from failed


def _card(change: Change) -> Draw:
    return lambda simple: {"text": card_text(change), "blocks": card_blocks(change, simple=simple)}


def _saying(change: Change, saying: Saying, *, alone: bool = False) -> Draw:
    def draw(simple: bool) -> dict[str, str | list[Block]]:
        blocks = saying_blocks(change, saying, simple=simple, alone=alone)
        return {"text": saying_text(change, saying), "blocks": blocks}

    return draw


def _translated(failed: SlackFailed) -> MessageGone | MessageThrottled | MessageUnanswered:
    """Say what a failure means for a message."""
    if failed.code == RATELIMITED:
        return MessageThrottled(failed.retry_after)
    return MessageUnanswered(str(failed)) if failed.code in UNSURE else MessageGone(str(failed))
