"""The door for HTTP: path, size, age, signature and shape are checked before anything else sees a request."""

import asyncio
import hashlib
import hmac
import json
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog
from pydantic import SecretStr

from bot.slack.form_body import from_form
from bot.slack.payload import Answer, Dispatch, Malformed

BODY_BYTES = 1024 * 1024
AGE_SECONDS = 300
READ_SECONDS = 10
"""How long a body may take to arrive: Slack sends it at once, others may hold a connection open."""

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]

log = structlog.get_logger()


class _Refused(Exception):
    """The request goes no further; `reason` is ours, never the sender's words."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class _Disconnected(Exception):
    """Nobody waits for the answer any more."""


class Edge:
    """An ASGI application with two routes: `POST /slack/events` and `GET /healthz`."""

    def __init__(
        self,
        dispatch: Dispatch,
        signing_secret: SecretStr | None,
        ready: Callable[[], dict[str, Any] | None],
        now: Callable[[], float] = time.time,
    ) -> None:
        """Without `signing_secret` (Socket Mode) `/slack/events` does not exist.

        `ready` returns what `/healthz` tells, or None while the bot is not ready; `now` is in seconds since 1970.
        """
        self._dispatch = dispatch
        self._signing_secret = signing_secret
        self._ready = ready
        self._now = now

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        try:
            answer = await self._answer(scope, receive)
        except _Refused as refused:
            log.info("request_refused", status=refused.status, reason=refused.reason)
            answer = Answer(refused.status, refused.reason)
        except _Disconnected:
            return
        await _respond(send, answer)

    async def _answer(self, scope: _Message, receive: _Receive) -> Answer:
        match scope["path"], scope["method"]:
            case "/healthz", "GET" | "HEAD":
                return self._health()
            case "/slack/events", "POST" if self._signing_secret is not None:
                return await self._slack(self._signing_secret, dict(scope["headers"]), receive)
            case "/healthz", _:
                return Answer(405, "This address answers GET only.")
            case "/slack/events", _ if self._signing_secret is not None:
                return Answer(405, "This address answers POST only.")
        return Answer(404, "There is nothing here.")

    def _health(self) -> Answer:
        ready = self._ready()
        told = {"status": "starting"} if ready is None else ready
        return Answer(503 if ready is None else 200, json.dumps(told), "application/json")

    async def _slack(self, secret: SecretStr, headers: dict[bytes, bytes], receive: _Receive) -> Answer:
        # what a stranger can have refused comes first, and costs next to nothing
        _check_length(headers.get(b"content-length", b"0"))
        sent = headers.get(b"x-slack-request-timestamp", b"")
        self._check_age(sent)
        body = await _read(receive)
        signed = hmac.new(secret.get_secret_value().encode(), b"v0:%b:%b" % (sent, body), hashlib.sha256)
        if not hmac.compare_digest(b"v0=" + signed.hexdigest().encode(), headers.get(b"x-slack-signature", b"")):
            raise _Refused(401, "The request is not signed with this app's signing secret.")
        try:
            payload = from_form(body)
        except Malformed as problem:
            raise _Refused(400, str(problem)) from None
        return await self._dispatch(payload)

    def _check_age(self, sent: bytes) -> None:
        if not re.fullmatch(rb"[0-9]{1,12}", sent):
            raise _Refused(401, "The request has no timestamp of Slack's.")
        if abs(self._now() - int(sent)) > AGE_SECONDS:
            raise _Refused(401, "The request's timestamp is more than five minutes off.")


def _check_length(length: bytes) -> None:
    if not re.fullmatch(rb"[0-9]{1,19}", length) or int(length) > BODY_BYTES:
        raise _Refused(413, "The body is larger than 1 MiB.")


async def _read(receive: _Receive) -> bytes:
    """Return the body; what is too large or too slow is refused as soon as that shows."""
    body = bytearray()
    more = True
    try:
        async with asyncio.timeout(READ_SECONDS):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _Disconnected
                body += message.get("body", b"")
                _check_length(b"%d" % len(body))
                more = message.get("more_body", False)
    except TimeoutError:
        raise _Refused(408, "The body took too long to arrive.") from None
    return bytes(body)


async def _respond(send: _Send, answer: Answer) -> None:
    body = answer.body.encode()
    headers = [(b"content-type", answer.content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
