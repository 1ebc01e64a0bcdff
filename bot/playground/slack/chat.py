"""chat.postMessage, chat.update and chat.getPermalink, and what may be in a message."""

import json

from bot.playground.slack.elements import with_ids
from bot.playground.slack.errors import SlackError
from bot.playground.slack.schema import RENDERED_LIMIT, message_problems, rendered_length, table_problems
from bot.playground.slack.workspace import Channel, Json
from bot.playground.slack.world import World

UPDATE_BYTES = 4000
TEXT_CHARACTERS = 40_000
BROADCAST = "thread_broadcast"
"""The subtype of a reply that the channel shows as well."""
METADATA_BYTES = 16_000
_CONTENT = ("text", "blocks", "attachments", "metadata")


def post_message(world: World, args: Json) -> Json:
    """Post into a channel, a thread or somebody's direct messages."""
    world.need("chat:write")
    channel = _writable(world, str(args.get("channel", "")), open_dm=True)
    content = checked_content(world, args, "chat.postMessage")
    thread_ts = str(args.get("thread_ts") or "")
    parent = channel.find(thread_ts)
    if thread_ts and (parent is None or parent.get("thread_ts", thread_ts) != thread_ts):
        raise SlackError("thread_not_found")
    if args.get("reply_broadcast") and not thread_ts:
        world.refuse("invalid_arguments", ["reply_broadcast needs a thread_ts"], "chat.postMessage")
    if args.get("reply_broadcast"):
        content["subtype"] = BROADCAST
    message = post(world, channel, content, thread_ts)
    return {"channel": channel.id, "ts": message["ts"], "message": message}


def post(world: World, channel: Channel, content: Json, thread_ts: str = "") -> Json:
    """Put a message of the bot into a channel or a thread, whether or not it may, and return it, live."""
    return world.workspace.post(channel, {**_signature(world), **content}, thread_ts)


def update(world: World, args: Json) -> Json:
    """Change a message of the bot's own. Text without blocks takes the old blocks away; metadata stays unless given."""
    world.need("chat:write")
    channel = _writable(world, str(args.get("channel", "")), open_dm=False)
    message = channel.find(str(args.get("ts", "")))
    if message is None:
        raise SlackError("message_not_found")
    if message.get("bot_id") != world.app.bot_id:
        raise SlackError("cant_update_message")
    if len(str(args.get("text", "")).encode()) > UPDATE_BYTES:
        world.refuse("msg_too_long", [f"text is longer than {UPDATE_BYTES} bytes"], "chat.update")
    redraw(world, message, checked_content(world, args, "chat.update"))
    return {"channel": channel.id, "ts": message["ts"], "text": message.get("text", ""), "message": message}


def permalink(world: World, args: Json) -> Json:
    """Return the link to a message."""
    channel = world.channel(str(args.get("channel", "")))
    ts = str(args.get("message_ts", ""))
    message = channel.find(ts)
    if message is None:
        raise SlackError("message_not_found")
    link = f"https://playground.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"
    if message.get("thread_ts", ts) != ts:
        link += f"?thread_ts={message['thread_ts']}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def checked_content(world: World, args: Json, where: str) -> Json:
    """Return what a message shows, ids added. Raises SlackError as Slack refuses it, and records why."""
    content = {key: args[key] for key in _CONTENT if args.get(key)}
    if not any(content.get(key) for key in ("text", "blocks", "attachments")):
        world.refuse("no_text", ["a message needs text or blocks"], where)
    metadata = content.get("metadata")
    problems = message_problems({key: value for key, value in content.items() if key in {"text", "metadata"}})
    world.refuse("invalid_metadata_format" if metadata else "invalid_arguments", problems, where)
    if metadata and len(json.dumps(metadata).encode()) > METADATA_BYTES:
        world.refuse("metadata_too_large", ["the metadata is too large"], where)
    if len(content.get("text", "")) > TEXT_CHARACTERS:
        world.refuse("msg_too_long", [f"text is longer than {TEXT_CHARACTERS} characters"], where)
    if content.get("blocks"):
        world.refuse("invalid_blocks", message_problems({"blocks": content["blocks"]}), where)
        world.refuse("invalid_attachments", table_problems(content["blocks"]), where)
        length = rendered_length(content["blocks"])
        if length > RENDERED_LIMIT:
            world.refuse("msg_blocks_too_long", [f"the blocks show {length} characters"], where)
        content["blocks"] = with_ids(content["blocks"])
    return content


def redraw(world: World, message: Json, content: Json) -> None:
    """Put new content into a message, live."""
    if "blocks" not in content and "text" in content:
        message.pop("blocks", None)
        message["edited"] = {"user": world.app.bot_user, "ts": world.workspace.mint_ts()}
    message.update(content)
    world.workspace.changed()


def _writable(world: World, channel_id: str, *, open_dm: bool) -> Channel:
    member = world.workspace.members.get(channel_id)
    if open_dm and member is not None:
        if member.bot or member.deleted:
            raise SlackError("channel_not_found")
        return world.workspace.dm(member.id)
    channel = world.channel(channel_id)
    if channel.archived:
        raise SlackError("is_archived")
    if not channel.bot_is_member:
        raise SlackError("not_in_channel")
    return channel


def _signature(world: World) -> Json:
    app = world.app
    return {
        "type": "message",
        "user": app.bot_user,
        "bot_id": app.bot_id,
        "app_id": app.id,
        "team": world.workspace.team_id,
        "bot_profile": {"id": app.bot_id, "app_id": app.id, "name": app.name, "team_id": world.workspace.team_id},
    }
