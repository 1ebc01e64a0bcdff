"""What becomes of the bot's answers: acknowledgements of commands, submissions and suggestions, and response URLs."""

import json
from typing import Any

from aiohttp import web

from bot.playground.slack import chat
from bot.playground.slack.errors import SlackError
from bot.playground.slack.journal import Call, Delivery
from bot.playground.slack.modals import View
from bot.playground.slack.schema import option_problems
from bot.playground.slack.views import checked_view
from bot.playground.slack.web_api import after, before
from bot.playground.slack.workspace import Channel, Json
from bot.playground.slack.world import World

TROUBLE = "We had some trouble connecting. Try again?"


def failure(delivery: Delivery) -> str:
    """Return what Slack shows under a message whose button the bot did not acknowledge."""
    if delivery.problem == "timeout":
        return "Operation timed out. Apps need to respond within 3 seconds."
    return f"This app responded with Status Code {delivery.status}." if delivery.status else TROUBLE


def command(world: World, user_id: str, channel: Channel, delivery: Delivery) -> str:
    """Show what the acknowledgement of a slash command says, and return its text."""
    if not delivery.ok:
        error = "operation_timeout" if delivery.problem == "timeout" else "dispatch_failed"
        world.notice(user_id, f'{delivery.payload["command"]} failed with the error "{error}"')
        return ""
    said = _parsed(delivery.answer)
    if isinstance(said, str):
        said = {"text": said} if said else None
    if not isinstance(said, dict) or not said:
        return ""
    try:
        content = chat.checked_content(world, said, "the answer to the command")
    except SlackError:
        world.notice(user_id, TROUBLE)
        return ""
    if said.get("response_type") == "in_channel":
        chat.post(world, channel, content)
    else:
        world.show_ephemeral(user_id, channel.id, content)
    return str(content.get("text", ""))


def submission(world: World, view: View, delivery: Delivery) -> str:
    """Do what the answer to a view_submission says and return it: errors, update, push, clear, close, or `trouble`."""
    if not delivery.ok:
        return _trouble(world, view, "")
    said = _parsed(delivery.answer) or {}
    if not isinstance(said, dict):
        return _trouble(world, view, f"answered {delivery.answer[:100]!r}")
    action = said.get("response_action", "close")
    try:
        if action == "errors":
            return _errors(world, view, said.get("errors"))
        if action == "update":
            world.modals.update(view, checked_view(world, said.get("view"), "modal", "response_action update"))
        elif action == "push":
            world.modals.push(view.owner, checked_view(world, said.get("view"), "modal", "response_action push"))
        elif action == "clear":
            world.modals.clear(view.owner)
        elif action == "close":
            world.modals.close(view)
        else:
            return _trouble(world, view, f"there is no response_action {action!r}")
    except SlackError as refused:
        # what is wrong with a view was recorded where it was checked
        return _trouble(world, view, "" if refused.more else refused.code)
    world.workspace.changed()
    return str(action)


def suggestion(world: World, user_id: str, delivery: Delivery) -> list[Json]:
    """Return the options that the answer to a block_suggestion offers; none if it is no good."""
    said: Any = _parsed(delivery.answer) if delivery.ok else {"options": []}
    wrong = option_problems(said)
    for sentence in wrong:
        world.journal.violation(f"block_suggestion: {sentence}")
    if wrong or not delivery.ok:
        world.notice(user_id, "Trouble loading the options")
        return []
    groups = said.get("option_groups") or [{"options": said.get("options", [])}]
    return [option for group in groups for option in group["options"]]


async def response_url(world: World, request: web.Request) -> web.StreamResponse:
    """Take what the bot posts to a response URL."""
    raw = await request.text()
    record = Call("response_url", {}, world.clock(), f"POST {request.rel_url}\n{raw}")
    world.journal.calls.append(record)
    try:
        record.args = json.loads(raw)
    except ValueError:
        return web.json_response({"ok": False, "error": "invalid_payload"}, status=400)
    fault = world.faults.next("response_url", record.args)
    early = await before(request, fault)
    if early is not None:
        return early
    try:
        _respond(world, request.match_info["token"], record.args)
    except SlackError as refused:
        record.answer = {"ok": False, "error": refused.code}
        status = 404 if refused.code.endswith("_url") else 400
        return web.json_response(record.answer, status=status)
    record.answer = {"ok": True}
    return await after(request, fault, web.Response(text="ok"))


def _respond(world: World, token: str, said: Json) -> None:
    right = world.tickets.use_response(token)
    original = right.original
    private = world.ephemerals.get(right.user_id, [])
    channel = world.workspace.channels[right.channel]
    if said.get("delete_original") and original is not None:
        for shown in (private, channel.log):
            shown[:] = [one for one in shown if one["ts"] != original["ts"]]
        world.workspace.changed()
        return
    content = chat.checked_content(world, said, "response_url")
    if said.get("replace_original") and original is not None:
        live = next((one for one in [*private, *channel.log] if one["ts"] == original["ts"]), None)
        if live is None:
            raise SlackError("message_not_found")
        chat.redraw(world, live, content)
    elif said.get("response_type") == "in_channel":
        chat.post(world, channel, content, str(said.get("thread_ts") or ""))
    else:
        thread = {"thread_ts": said["thread_ts"]} if said.get("thread_ts") else {}
        world.show_ephemeral(right.user_id, right.channel, {**content, **thread})


def _errors(world: World, view: View, errors: Any) -> str:
    inputs = {block["block_id"] for block in view.content["blocks"] if block["type"] == "input"}
    if (
        not isinstance(errors, dict)
        or not errors
        or not all(isinstance(text, str) and text for text in errors.values())
    ):
        return _trouble(world, view, "response_action errors needs block ids with sentences")
    strange = sorted(set(errors) - inputs)
    if strange:
        return _trouble(world, view, f"response_action errors names {strange}, which are no inputs of the view")
    view.errors = errors
    world.workspace.changed()
    return "errors"


def _trouble(world: World, view: View, why: str) -> str:
    if why:
        world.journal.violation(f"view_submission of {view.content.get('callback_id', '')!r}: {why}")
    world.notice(view.owner, TROUBLE)
    return "trouble"


def _parsed(answer: str) -> Any:
    try:
        return json.loads(answer) if answer else ""
    except ValueError:
        return answer
