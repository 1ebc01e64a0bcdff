"""What Slack sends when people act, field by field."""

import copy

from bot.playground.slack.elements import STATE_KEYS, holders, initial
from bot.playground.slack.modals import View
from bot.playground.slack.workspace import Channel, Json, Member
from bot.playground.slack.world import World

_LEGACY_NAMES = {"im": "directmessage", "groups": "privategroup"}


def command(world: World, member: Member, channel: Channel, line: str) -> Json:
    """Return the form of a slash command; `line` is what was typed, slash included."""
    word, _, text = line.partition(" ")
    return {
        "token": world.app.verification_token,
        "team_id": world.workspace.team_id,
        "team_domain": "playground",
        "channel_id": channel.id,
        "channel_name": _LEGACY_NAMES.get(channel.kind, channel.name),
        "user_id": member.id,
        "user_name": member.name,
        "command": word,
        "text": text.strip(),
        "api_app_id": world.app.id,
        "is_enterprise_install": "false",
        "response_url": response_url(world, member, channel.id),
        "trigger_id": world.tickets.trigger(member.id, "command", channel.id),
    }


def action(world: World, block: Json, element: Json, entry: Json) -> Json:
    """Return one item of `actions`; `entry` is what the element now holds, in the keys of its state."""
    told = {"type": element["type"], "action_id": element["action_id"], "block_id": block["block_id"]}
    kept: Json = {key: element[key] for key in ("text", "value", "style", "placeholder") if key in element}
    return {**told, **kept, **entry, "action_ts": world.workspace.mint_ts()}


def view_actions(world: World, member: Member, view: View, actions: list[Json]) -> Json:
    """Return the block_actions of something done in a view."""
    return {
        **_interaction(world, member, "block_actions"),
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": world.tickets.trigger(member.id, "block_actions", view.channel, in_modal=True),
        "view": _snapshot(world, view),
        "actions": actions,
    }


def message_actions(world: World, member: Member, channel: Channel, message: Json, actions: list[Json]) -> Json:
    """Return the block_actions of something done in a message, as the client that was clicked shows it."""
    private = "channel" in message  # only private replies carry their channel
    container = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": channel.id,
        "is_ephemeral": private,
        **({"thread_ts": message["thread_ts"]} if "thread_ts" in message else {}),
    }
    shown = {} if private else {"message": {key: value for key, value in message.items() if key != "metadata"}}
    state: dict[str, dict[str, Json]] = {}
    for block, element in holders(message.get("blocks", [])):
        start = initial(element) if element["type"] in STATE_KEYS else None
        if start is not None:
            state.setdefault(block["block_id"], {})[element["action_id"]] = start
    return {
        **_interaction(world, member, "block_actions"),
        "container": container,
        "trigger_id": world.tickets.trigger(member.id, "block_actions", channel.id),
        "channel": {"id": channel.id, "name": _LEGACY_NAMES.get(channel.kind, channel.name)},
        **copy.deepcopy(shown),
        "state": {"values": state},
        "response_url": response_url(world, member, channel.id, message),
        "actions": actions,
    }


def submission(world: World, member: Member, view: View) -> Json:
    """Return a view_submission."""
    return {
        **_interaction(world, member, "view_submission"),
        "trigger_id": world.tickets.trigger(member.id, "view_submission", view.channel, in_modal=True),
        "view": _snapshot(world, view),
        "response_urls": [],
    }


def closed(world: World, member: Member, view: View, *, is_cleared: bool) -> Json:
    """Return a view_closed."""
    return {
        **_interaction(world, member, "view_closed"),
        "view": _snapshot(world, view),
        "is_cleared": is_cleared,
    }


def suggestion(world: World, member: Member, view: View, block: Json, element: Json, typed: str) -> Json:
    """Return the block_suggestion that asks for options."""
    return {
        **_interaction(world, member, "block_suggestion"),
        "container": {"type": "view", "view_id": view.id},
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "value": typed,
        "view": _snapshot(world, view),
    }


def shortcut(world: World, member: Member, channel: Channel, message: Json, callback_id: str) -> Json:
    """Return the message_action of a message shortcut."""
    return {
        **_interaction(world, member, "message_action"),
        "callback_id": callback_id,
        "trigger_id": world.tickets.trigger(member.id, "message_action", channel.id),
        "action_ts": world.workspace.mint_ts(),
        "message_ts": message["ts"],
        "channel": {"id": channel.id, "name": _LEGACY_NAMES.get(channel.kind, channel.name)},
        "message": {key: copy.deepcopy(value) for key, value in message.items() if key != "metadata"},
        "response_url": response_url(world, member, channel.id),
    }


def event(world: World, member: Member, content: Json) -> Json:
    """Return an Events API callback about something this person did."""
    return {
        "token": world.app.verification_token,
        "team_id": world.workspace.team_id,
        "api_app_id": world.app.id,
        "event": {"user": member.id, "event_ts": world.workspace.mint_ts(), **content},
        "type": "event_callback",
        "event_id": f"Ev{world.workspace.mint_ts().replace('.', '')}",
        "event_time": int(world.clock()),
        "authorizations": [
            {
                "team_id": world.workspace.team_id,
                "user_id": world.app.bot_user,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
    }


def response_url(world: World, member: Member, channel_id: str, original: Json | None = None) -> str:
    """Hand out a response URL for this person in this channel."""
    return f"{world.url}/response/{world.tickets.response(member.id, channel_id, original)}"


def _interaction(world: World, member: Member, kind: str) -> Json:
    return {
        "type": kind,
        "user": world.user_json(member),
        "api_app_id": world.app.id,
        "token": world.app.verification_token,
        "team": {"id": world.workspace.team_id, "domain": "playground"},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _snapshot(world: World, view: View) -> Json:
    return copy.deepcopy(world.view_json(view))
