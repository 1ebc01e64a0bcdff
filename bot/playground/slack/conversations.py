"""conversations.info, .history, .replies and .open: what the bot may see of channels, page by page."""

import base64
import binascii
import copy

from bot.playground.slack.errors import SlackError
from bot.playground.slack.workspace import Channel, Json
from bot.playground.slack.world import World

MOST = 999
_YES = {"1", "true", "True", True}


def info(world: World, args: Json) -> Json:
    """Describe one conversation."""
    channel = _allowed(world, args, "read")
    return {"channel": channel.as_json(world.workspace.team_id)}


def history(world: World, args: Json) -> Json:
    """Return a channel's messages, newest first, without the replies in threads."""
    channel = _readable(world, args)
    found = [one for one in channel.log if one.get("thread_ts", one["ts"]) == one["ts"]]
    return _page(world, args, found[::-1], newest_first=True)


def replies(world: World, args: Json) -> Json:
    """Return a thread, its first message included, oldest first."""
    channel = _readable(world, args)
    ts = str(args.get("ts", ""))
    parent = channel.find(ts)
    if parent is None:
        raise SlackError("thread_not_found")
    root = parent.get("thread_ts", ts)
    found = [one for one in channel.log if one["ts"] == root or one.get("thread_ts") == root]
    return _page(world, args, found, newest_first=False)


def open_dm(world: World, args: Json) -> Json:
    """Open the bot's direct messages with one person."""
    world.need("im:write")
    channel_id, users = str(args.get("channel", "")), str(args.get("users", ""))
    if channel_id:
        return {"channel": {"id": world.channel(channel_id).id}}
    if "," in users:
        world.need("mpim:write")
    member = world.workspace.members.get(users)
    if member is None:
        raise SlackError("user_not_found")
    if member.deleted:
        raise SlackError("user_disabled")
    if member.bot:
        raise SlackError("cannot_dm_bot")
    return {"channel": {"id": world.workspace.dm(users).id}}


def _allowed(world: World, args: Json, right: str) -> Channel:
    channel = world.channel(str(args.get("channel", "")))
    world.need(f"{channel.kind}:{right}")
    return channel


def _readable(world: World, args: Json) -> Channel:
    channel = _allowed(world, args, "history")
    if not channel.bot_is_member:
        raise SlackError("not_in_channel")
    return channel


def _page(world: World, args: Json, found: list[Json], *, newest_first: bool) -> Json:
    limit = int(args.get("limit") or 100)
    if not 1 <= limit <= MOST:
        raise SlackError("invalid_limit")
    if world.page_size:
        limit = min(limit, world.page_size)  # Slack may return fewer than asked for although there are more
    oldest, latest = float(args.get("oldest") or 0), float(args.get("latest") or "inf")
    inclusive = args.get("inclusive") in _YES
    shown = [
        one
        for one in found
        if oldest < float(one["ts"]) < latest or (inclusive and float(one["ts"]) in (oldest, latest))
    ]
    if not newest_first and found and found[0] not in shown:
        shown.insert(0, found[0])  # a thread's first message comes along whatever is asked for
    start = _after(args["cursor"], shown) if args.get("cursor") else 0
    page, rest = shown[start : start + limit], shown[start + limit :]
    answer: Json = {"messages": [_visible(one, args) for one in page], "has_more": bool(rest)}
    if rest:
        answer["response_metadata"] = {"next_cursor": base64.b64encode(f"next_ts:{rest[0]['ts']}".encode()).decode()}
    return answer


def _after(cursor: str, shown: list[Json]) -> int:
    try:
        word, _, ts = base64.b64decode(cursor, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as wrong:
        raise SlackError("invalid_cursor") from wrong
    if word != "next_ts":
        raise SlackError("invalid_cursor")
    return next((index for index, one in enumerate(shown) if one["ts"] == ts), len(shown))


def _visible(message: Json, args: Json) -> Json:
    shown = copy.deepcopy(message)
    if args.get("include_all_metadata") not in _YES:
        shown.pop("metadata", None)
    return shown
