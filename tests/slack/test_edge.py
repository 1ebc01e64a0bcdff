"""The door for HTTP, knocked at by strangers and by Slack itself, over a real server with a real Bolt app behind."""

import copy
import hashlib
import hmac
import io
import json
import logging
import re
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import structlog
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient

from bot.log import configure
from bot.slack.bolt import new_app, to_bolt
from bot.slack.edge import BODY_BYTES, Edge
from bot.slack.identity import Identity
from bot.slack.once import Once

ME = Identity(team_id="T1", team="", bot_id="B1", user_id="U1")
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
MARK = "marked-7f3a"

Json = dict[str, Any]
Asgi = Callable[[Any, Any, Any], Awaitable[None]]


class Web:
    """The edge, with enough of Slack's Web API beside it for Bolt to learn who it is."""

    def __init__(self) -> None:
        self.url = ""
        self.healthy: Json | None = None
        self.handled: list[str] = []
        self._edge: Edge | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/api/auth.test":
            body = json.dumps({"ok": True, "team_id": "T1", "user_id": "U0BOT", "bot_id": "B1"}).encode()
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        if self._edge is None:
            self._edge = Edge(Once(self._bolt()), SecretStr(SECRET), lambda: self.healthy)
        await self._edge(scope, receive, send)

    def _bolt(self) -> Any:
        app = new_app(AsyncWebClient(token="xoxb-1", base_url=f"{self.url}/api/"), ME)

        async def listener(ack: Any, body: Json) -> None:
            self.handled.append(body.get("type", "command"))
            await ack()

        every = re.compile("")
        app.command("/backup-plan")(listener)
        app.action(every)(listener)
        app.view(every)(listener)
        app.view_closed(every)(listener)
        app.options(every)(listener)
        app.shortcut(every)(listener)
        return to_bolt(app)


@dataclass
class Served:
    web: Web
    client: httpx.Client
    port: int
    log: io.StringIO

    def send(self, body: bytes, *, at: float | None = None, headers: dict[str, str] | None = None) -> httpx.Response:
        """Post `body` as Slack does."""
        return self.client.post("/slack/events", content=body, headers={**signed(body, at), **(headers or {})})

    def logged(self) -> str:
        text = self.log.getvalue()
        self.log.seek(0)
        self.log.truncate()
        return text


def signed(body: bytes, at: float | None = None) -> dict[str, str]:
    sent = str(int(time.time() if at is None else at))
    digest = hmac.new(SECRET.encode(), b"v0:" + sent.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": sent,
        "x-slack-signature": f"v0={digest}",
    }


def serve(app: Asgi, sock: socket.socket) -> tuple[uvicorn.Server, threading.Thread]:
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, args=([sock],))
    thread.start()
    return server, thread


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    log = io.StringIO()
    configure("debug", "json", log)
    web = Web()
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        web.url = f"http://127.0.0.1:{port}"
        server, thread = serve(web, sock)
        with httpx.Client(base_url=web.url, trust_env=False) as client:
            yield Served(web, client, port, log)
        server.should_exit = True
        thread.join()
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


_USER = {"id": "U0ANA", "username": "ana", "team_id": "T1"}
_INTERACTION = {
    "user": _USER,
    "team": {"id": "T1", "domain": "acme"},
    "enterprise": None,
    "is_enterprise_install": False,
    "api_app_id": "A1",
    "token": MARK,
    "trigger_id": "1.2.3",
}
_VIEW = {
    "id": "V1",
    "type": "modal",
    "team_id": "T1",
    "callback_id": "configure",
    "hash": "1.a",
    "private_metadata": MARK,
    "blocks": [{"type": "input", "block_id": "BackupPeriod", "element": {"type": "multi_static_select"}}],
    "state": {
        "values": {
            "BackupPeriod": {
                "BackupPeriod": {"type": "multi_static_select", "selected_options": [{"value": "Monday"}]}
            },
            "BackupPlanName": {"BackupPlanName": {"type": "plain_text_input", "value": None}},
        }
    },
    "root_view_id": "V1",
    "previous_view_id": None,
    "bot_id": "B1",
}
_ACTION = {"type": "button", "action_id": "approve", "block_id": "decide", "value": MARK, "action_ts": "1.2"}
_MESSAGE = {"type": "message", "ts": "1.2", "text": MARK, "thread_ts": "1.2"}
INTERACTIVE: list[Json] = [
    {
        **_INTERACTION,
        "type": "block_actions",
        "actions": [_ACTION],
        "container": {"type": "message", "message_ts": "1.2", "channel_id": "C1", "is_ephemeral": False},
        "channel": {"id": "C1", "name": "ops"},
        "message": _MESSAGE,
        "state": {"values": {}},
        "response_url": "https://hooks.slack.example/actions/1",
    },
    {
        **_INTERACTION,
        "type": "block_actions",
        "actions": [_ACTION],
        "container": {"type": "view", "view_id": "V1"},
        "view": _VIEW,
    },
    {**_INTERACTION, "type": "view_submission", "view": _VIEW, "response_urls": []},
    {**_INTERACTION, "type": "view_closed", "view": _VIEW, "is_cleared": False},
    {
        **_INTERACTION,
        "type": "block_suggestion",
        "action_id": "BackupPlanId",
        "block_id": "BackupPlanId",
        "value": MARK,
        "container": {"type": "view", "view_id": "V1"},
        "view": _VIEW,
    },
    {
        **_INTERACTION,
        "type": "message_action",
        "callback_id": "history",
        "channel": {"id": "C1"},
        "message": _MESSAGE,
        "message_ts": "1.2",
        "action_ts": "1.3",
        "response_url": "https://hooks.slack.example/app/1",
    },
    {**_INTERACTION, "type": "shortcut", "callback_id": "new", "action_ts": "1.2"},
]
COMMAND = {
    "token": MARK,
    "team_id": "T1",
    "team_domain": "acme",
    "channel_id": "C1",
    "channel_name": "ops",
    "user_id": "U0ANA",
    "user_name": "ana",
    "command": "/backup-plan",
    "text": f"configure {MARK}",
    "api_app_id": "A1",
    "is_enterprise_install": "false",
    "response_url": "https://hooks.slack.example/commands/1",
    "trigger_id": "1.2.3",
}


def form(payload: object) -> bytes:
    return urlencode({"payload": json.dumps(payload)}).encode()


@pytest.mark.parametrize("payload", INTERACTIVE, ids=lambda payload: str(payload["type"]))
def test_every_kind_of_payload_reaches_its_listener(served: Served, payload: Json) -> None:
    assert served.send(form({**payload, "action_ts": f"now {time.time()}"})).status_code == 200
    assert served.web.handled[-1] == payload["type"]


def test_a_command_reaches_its_listener(served: Served) -> None:
    assert served.send(urlencode(COMMAND).encode()).status_code == 200
    assert served.web.handled[-1] == "command"


def test_a_repeated_delivery_is_handled_once(served: Served) -> None:
    body = form({**INTERACTIVE[0], "trigger_id": "repeated"})
    before = len(served.web.handled)
    first, second = served.send(body), served.send(body, at=time.time() - 5)
    assert (first.status_code, first.text) == (second.status_code, second.text)
    assert len(served.web.handled) == before + 1


def test_slack_may_look_at_the_certificate(served: Served) -> None:
    assert served.send(b"ssl_check=1&token=1").status_code == 200


def test_what_nobody_listens_to_is_not_acked(served: Served) -> None:
    assert served.send(urlencode({**COMMAND, "command": "/other"}).encode()).status_code == 404


def test_health_is_503_until_ready(served: Served) -> None:
    served.web.healthy = None
    starting = served.client.get("/healthz")
    assert (starting.status_code, starting.json()) == (503, {"status": "starting"})
    served.web.healthy = {"status": "ok", "team": "T1"}
    ready = served.client.get("/healthz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "team": "T1"})
    assert ready.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/slack/events", 405),
        ("PUT", "/slack/events", 405),
        ("POST", "/healthz", 405),
        ("POST", "/slack/events/", 404),
        ("POST", "/", 404),
        ("GET", "/docs", 404),
    ],
)
def test_there_are_two_routes(served: Served, method: str, path: str, status: int) -> None:
    assert served.client.request(method, path).status_code == status


def test_req18_a_request_may_be_five_minutes_off_and_no_more(served: Served) -> None:
    body = urlencode(COMMAND).encode()
    now = time.time()
    assert served.send(body, at=now - 295).status_code == 200
    assert served.send(body, at=now + 295).status_code == 200
    assert served.send(body, at=now - 305).status_code == 401
    assert served.send(body, at=now + 305).status_code == 401


@pytest.mark.parametrize("sent", ["", "now", "-1", "+1", "1e9", "1.5", "1 2", "1_0", "9" * 5000])
def test_req18_a_timestamp_is_digits_only(served: Served, sent: str) -> None:
    assert served.send(b"", headers={"x-slack-request-timestamp": sent}).status_code == 401


@pytest.mark.parametrize("signature", ["", "v0=", "v0=" + "0" * 64, "v1=" + "0" * 64])
def test_req18_a_wrong_signature_is_refused(served: Served, signature: str) -> None:
    answer = served.send(urlencode(COMMAND).encode(), headers={"x-slack-signature": signature})
    assert answer.status_code == 401
    assert answer.text == "The request is not signed with this app's signing secret."


def test_req18_the_signature_covers_every_byte(served: Served) -> None:
    body = urlencode(COMMAND).encode()
    answer = served.client.post("/slack/events", content=body + b" ", headers=signed(body))
    assert answer.status_code == 401


def test_a_body_of_one_mebibyte_is_read(served: Served) -> None:
    assert served.send(b"a" * BODY_BYTES).status_code == 400


def test_req18_a_larger_body_is_refused_by_its_length(served: Served) -> None:
    assert served.send(b"a" * (BODY_BYTES + 1)).status_code == 413


def test_req18_a_larger_body_is_refused_while_it_is_read(served: Served) -> None:
    pieces = [b"a" * 65536] * 17
    headers = signed(b"".join(pieces))
    assert served.client.post("/slack/events", content=iter(pieces), headers=headers).status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"payload=%ff",
        b"payload=",
        b"payload=%7B",
        b"payload=NaN",
        b"payload=" + b"%5B" * 20000,
        b"payload=" + b"9" * 9000,
        b'payload={"type":"view_closed","type":',
        b"payload=%7B%7D&payload=%7B%7D",
        b"command=/backup-plan",
        b"no form at all",
        b'{"type": "event_callback"}',
        b'{"type": "url_verification", "challenge": "abc"}',
        form([]),
        form(None),
        form({"type": ["block_actions"]}),
        form({"type": "event_callback", "event": {"type": "message"}}),
        form({**INTERACTIVE[0], "actions": []}),
        form({**INTERACTIVE[0], "user": "U0ANA"}),
        form({**INTERACTIVE[0], "user": {"id": 7}}),
        form({**INTERACTIVE[0], "team": "T1"}),
        form({**INTERACTIVE[1], "view": None, "actions": [{"action_id": "approve"}]}),
        form({**INTERACTIVE[2], "view": {**_VIEW, "callback_id": None}}),
        form({**INTERACTIVE[2], "view": {**_VIEW, "blocks": [{"type": "input", "label": {}}]}}),
        form({**INTERACTIVE[2], "view": {**_VIEW, "state": {"values": {"a": {"b": None}}}}}),
        b"payload=" + b"%22%5Cud800%22",
    ],
)
def test_req18_an_authenticated_but_malformed_body_is_refused(served: Served, body: bytes) -> None:
    assert served.send(body).status_code == 400


def test_a_token_in_a_payload_does_not_replace_ours(served: Served) -> None:
    body = form({**INTERACTIVE[0], "trigger_id": "token", "bot_access_token": "xoxb-other", "event": 3})
    assert served.send(body).status_code == 200


def test_a_client_that_leaves_amid_the_body_is_no_error(served: Served) -> None:
    served.logged()
    lines = [f"{name}: {value}" for name, value in signed(b"").items()]
    head = "\r\n".join(["POST /slack/events HTTP/1.1", "host: bot", "content-length: 100", *lines, "", ""])
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(head.encode() + b"payload=")
    assert served.client.get("/healthz").status_code in {200, 503}
    assert "Traceback" not in served.logged()


def test_without_a_signing_secret_there_is_no_slack_route() -> None:
    async def dispatch(_payload: Any) -> Any:
        raise AssertionError

    edge = Edge(dispatch, None, lambda: {"status": "ok"})
    with socket.create_server(("127.0.0.1", 0)) as sock:
        server, thread = serve(edge, sock)
        with httpx.Client(base_url=f"http://127.0.0.1:{sock.getsockname()[1]}", trust_env=False) as client:
            assert client.post("/slack/events", content=b"", headers=signed(b"")).status_code == 404
            assert client.get("/slack/events").status_code == 404
            assert client.get("/healthz").status_code == 200
        server.should_exit = True
        thread.join()


HEADER_TEXT = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=80)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(MARK),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in _places(item, (*path, key)))]


@st.composite
def bent(draw: st.DrawFn) -> object:
    """Return a payload of Slack's in which something is missing, replaced or added."""
    payload: Any = {"": copy.deepcopy(draw(st.sampled_from(INTERACTIVE)))}
    for _ in range(draw(st.integers(0, 3))):
        *way, last = draw(st.sampled_from(_places(payload)[1:]))
        place = payload
        for step in way:
            place = place[step]
        if way and draw(st.booleans()):
            del place[last]
        else:
            place[last] = draw(JSON)
        if isinstance(payload[""], dict) and draw(st.booleans()):
            extra = ["event", "authorizations", "function_data", "bot_access_token", "command", "response_urls", "item"]
            payload[""][draw(st.sampled_from(extra))] = draw(JSON)
    return payload[""]


@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]),
    path=st.sampled_from(["/slack/events", "/healthz", "/", "/slack", "/%00", "/slack/events?x=y", "/slack/%65vents"]),
    headers=st.dictionaries(
        st.sampled_from(["x-slack-request-timestamp", "x-slack-signature", "content-type", "x-other"]), HEADER_TEXT
    ),
    fresh=st.booleans(),
    body=st.binary(max_size=300),
)
@settings(deadline=None)
def test_req18_a_stranger_gets_nowhere_and_is_not_quoted(
    served: Served, method: str, path: str, headers: dict[str, str], fresh: bool, body: bytes
) -> None:
    served.logged()
    handled = len(served.web.handled)
    now = {"x-slack-request-timestamp": str(int(time.time()))} if fresh else {}
    answer = served.client.request(method, path, headers={**headers, **now}, content=MARK.encode() + body)
    expected = {401, 404, 405} if "healthz" not in path else {200, 405, 503}
    assert answer.status_code in expected
    assert MARK not in answer.text
    assert len(served.web.handled) == handled
    _nothing_told(served)


@given(
    body=st.binary()
    | bent().map(form)
    | JSON.map(form)
    | st.dictionaries(st.text(), st.text()).map(urlencode).map(str.encode)
)
@settings(max_examples=150, deadline=None)
def test_req18_whatever_is_signed_is_answered_without_a_traceback(served: Served, body: bytes) -> None:
    served.logged()
    answer = served.send(body)
    assert answer.status_code in {200, 400, 404}
    assert MARK not in answer.text
    _nothing_told(served)


@given(fields=st.dictionaries(st.sampled_from(sorted(COMMAND)), st.text() | st.none(), max_size=4))
@settings(deadline=None)
def test_req18_a_bent_command_is_answered_without_a_traceback(served: Served, fields: dict[str, str | None]) -> None:
    served.logged()
    bent_command = {name: value for name, value in {**COMMAND, **fields}.items() if value is not None}
    body = urlencode(bent_command, errors="replace").encode()
    assert served.send(body).status_code in {200, 400, 404}
    _nothing_told(served)


def _nothing_told(served: Served) -> None:
    logged = served.logged()
    assert "Traceback" not in logged
    assert '"level": "error"' not in logged
    assert MARK not in logged
