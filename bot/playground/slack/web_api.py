"""The Web API over HTTP: who calls, with what, what goes wrong on purpose, and the answer in Slack's words."""

import asyncio
import json
from collections.abc import Callable
from urllib.parse import parse_qsl

from aiohttp import web

from bot.playground.slack import chat, conversations, directory, views
from bot.playground.slack.errors import SlackError
from bot.playground.slack.faults import Fault
from bot.playground.slack.journal import Call
from bot.playground.slack.workspace import Json
from bot.playground.slack.world import World

METHODS: dict[str, Callable[[World, Json], Json]] = {
    "auth.test": directory.auth_test,
    "users.info": directory.users_info,
    "usergroups.users.list": directory.usergroup_members,
    "chat.postMessage": chat.post_message,
    "chat.update": chat.update,
    "chat.getPermalink": chat.permalink,
    "conversations.info": conversations.info,
    "conversations.history": conversations.history,
    "conversations.replies": conversations.replies,
    "conversations.open": conversations.open_dm,
    "views.open": views.open_view,
    "views.update": views.update_view,
    "views.push": views.push_view,
    "views.publish": views.publish_view,
}
_JSON_ARGUMENTS = ("blocks", "view", "metadata", "attachments")


async def call(
    world: World, request: web.Request, methods: dict[str, Callable[[World, Json], Json]]
) -> web.StreamResponse:
    """Answer one call of the Web API. `methods` are those the bot token or (apps.*) the app token may call."""
    method = request.match_info["method"]
    raw = await request.text()
    record = Call(method, {}, world.clock(), f"{request.method} {request.rel_url}\n{raw}")
    world.journal.calls.append(record)
    try:
        record.args = _arguments(request, raw)
    except ValueError:
        return web.json_response({"ok": False, "error": "invalid_json"})
    fault = world.faults.next(method, record.args)
    early = await before(request, fault)
    wait = 0 if early is not None else world.limits.wait(method, record.args, world.clock())
    if wait:
        early = _too_many(wait)
    if early is not None:
        record.answer = {"ok": False, "error": "ratelimited"} if early.status == 429 else None
        return early
    record.answer = (
        {"ok": False, "error": fault.error} if fault.error else _answer(world, request, method, record, methods)
    )
    response = web.json_response(record.answer)
    if world.app.scopes_header and record.answer["ok"]:
        response.headers["x-oauth-scopes"] = ",".join(world.app.scopes)
    return await after(request, fault, response)


async def before(request: web.Request, fault: Fault) -> web.StreamResponse | None:
    """Let go wrong what goes wrong before a call is processed; return the answer if that was it."""
    await asyncio.sleep(fault.slow)
    if fault.gate is not None:
        await fault.gate.wait()
    if fault.retry_after is not None:
        return _too_many(fault.retry_after)
    if fault.status is not None:
        return web.Response(status=fault.status, text="<html>Server Error</html>", content_type="text/html")
    return _cut(request) if fault.cut else None


async def after(request: web.Request, fault: Fault, response: web.StreamResponse) -> web.StreamResponse:
    """Let go wrong what goes wrong once a call was processed."""
    if fault.gate_answer is not None:
        await fault.gate_answer.wait()
    return _cut(request) if fault.lose_answer else response


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _too_many(seconds: int) -> web.Response:
    return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": str(seconds)})


def _answer(
    world: World,
    request: web.Request,
    method: str,
    record: Call,
    methods: dict[str, Callable[[World, Json], Json]],
) -> Json:
    do = methods.get(method)
    if do is None:
        world.journal.violation(f"{method}: there is no such method")
        return {"ok": False, "error": "unknown_method"}
    try:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or str(record.args.pop("token", ""))
        _authenticate(world, method, token)
        return {"ok": True, **do(world, record.args)}
    except SlackError as refused:
        return {"ok": False, "error": refused.code, **refused.more}


def _authenticate(world: World, method: str, token: str) -> None:
    if not token:
        raise SlackError("not_authed")
    if token not in {world.app.bot_token, world.app.app_token}:
        raise SlackError("invalid_auth")
    if (token == world.app.app_token) != method.startswith("apps."):
        raise SlackError("not_allowed_token_type")


def _arguments(request: web.Request, raw: str) -> Json:
    args: Json = dict(request.query)
    if request.content_type == "application/json":
        args |= json.loads(raw) if raw else {}
    else:
        args |= dict(parse_qsl(raw, keep_blank_values=True))
    for name in _JSON_ARGUMENTS:
        if isinstance(args.get(name), str) and args[name]:
            args[name] = json.loads(args[name])
    return args
