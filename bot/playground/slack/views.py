"""views.open, views.update, views.push and views.publish."""

import json
from typing import Any

from bot.playground.slack.errors import SlackError
from bot.playground.slack.modals import View
from bot.playground.slack.schema import VIEW_BYTES, view_problems
from bot.playground.slack.workspace import Json
from bot.playground.slack.world import World


def open_view(world: World, args: Json) -> Json:
    """Open a modal for the person who did something less than three seconds ago."""
    trigger = world.tickets.check_trigger(_trigger_id(args))
    content = checked_view(world, args.get("view"), "modal", "views.open")
    if trigger.origin == "view_submission":
        world.journal.violation("views.open: a view_submission is answered with a response_action instead")
    trigger.used = True
    return _shown(world, world.modals.open(trigger.user_id, content, trigger.channel))


def push_view(world: World, args: Json) -> Json:
    """Put a modal on top of the one the person is working in."""
    trigger = world.tickets.check_trigger(_trigger_id(args))
    if not trigger.in_modal or world.modals.top(trigger.user_id) is None:
        raise SlackError("not_found")
    content = checked_view(world, args.get("view"), "modal", "views.push")
    view = world.modals.push(trigger.user_id, content)
    trigger.used = True
    return _shown(world, view)


def update_view(world: World, args: Json) -> Json:
    """Replace what an open view shows."""
    view = world.modals.find(str(args.get("view_id", "")), str(args.get("external_id", "")))
    if view is None or view.content["type"] != "modal":
        raise SlackError("not_found")
    content = checked_view(world, args.get("view"), "modal", "views.update")
    if args.get("hash") and args["hash"] != view.hash:
        raise SlackError("hash_conflict")
    return _shown(world, world.modals.update(view, content))


def publish_view(world: World, args: Json) -> Json:
    """Show a person's home tab."""
    user_id = str(args.get("user_id", ""))
    if user_id not in world.workspace.members:
        raise SlackError("user_not_found")
    content = checked_view(world, args.get("view"), "home", "views.publish")
    home = world.modals.homes.get(user_id)
    if home is not None and args.get("hash") and args["hash"] != home.hash:
        raise SlackError("hash_conflict")
    return _shown(world, world.modals.publish(user_id, content))


def checked_view(world: World, view: Any, kind: str, where: str) -> Json:
    """Return the view if Slack would take it. Raises SlackError and records why otherwise."""
    world.refuse("invalid_arguments", view_problems(view, kind), where)
    if len(json.dumps(view).encode()) > VIEW_BYTES:
        world.refuse("view_too_large", [f"the view is larger than {VIEW_BYTES} bytes"], where)
    content: Json = view
    return content


def _trigger_id(args: Json) -> str:
    return str(args.get("trigger_id") or args.get("interactivity_pointer") or "")


def _shown(world: World, view: View) -> Json:
    world.workspace.changed()
    return {"view": world.view_json(view)}
