"""The fake itself: an HTTP server on loopback that checks, fails on order, answers, and keeps all it was sent."""

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl

from aiohttp import web

from bot.playground.dbs import kms
from bot.playground.dbs.account import Account
from bot.playground.dbs.acs3 import Porter, canonical_request, mismatch
from bot.playground.dbs.faults import Fault
from bot.playground.dbs.plans import Plan, catalogue
from bot.playground.dbs.refusals import Answer, Refused

VERSION = "2019-03-06"
KEYS = {"LTAIplayground": "playground-key-secret"}


@dataclass
class Received:
    """One request as it came over the wire, good or bad."""

    action: str
    version: str
    headers: Mapping[str, str] = field(repr=False)
    raw_query: str = field(repr=False)
    raw_body: bytes = field(repr=False)
    params: dict[str, str] = field(repr=False)
    code: str = ""
    """What it was answered: empty for success, else the error's code, or `cut`."""
    at: float = 0.0
    """Seconds since 1970."""
    duration: float | None = None
    """Seconds until it was answered; None before that."""
    answer: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The body it was answered with; empty where that was none of DBS's."""


class FakeDbs:
    """DBS and KMS on one loopback address; `async with FakeDbs() as dbs` starts and stops it, `dbs.url` says where.

    Without arguments it has one plan of every kind (the one named `forbidden` behind RAM) and one access key.
    """

    def __init__(
        self,
        plans: Sequence[Plan] | None = None,
        *,
        keys: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.account = Account(catalogue() if plans is None else plans)
        self.account.forbidden |= {"dbsforbidden1"} & self.account.plans.keys()
        self.kms = kms.FakeKms()
        self.porter = Porter(dict(keys or KEYS), now=now)
        self.requests: list[Received] = []
        self.plans = self.account.plans
        self.effects = self.account.effects
        self._now = now
        self._host, self._port = host, port
        self._faults: dict[str, list[tuple[str, Fault]]] = defaultdict(list)
        self._runner: web.AppRunner | None = None
        self._actions: dict[tuple[str, str], Callable[[Mapping[str, str], Fault], dict[str, Any]]] = {
            (VERSION, "DescribeBackupPlanList"): lambda params, _: self.account.describe(params),
            (VERSION, "ConfigureBackupPlan"): self.account.configure,
            (kms.VERSION, "GetSecretValue"): lambda params, _: self.kms.get_secret_value(params),
        }

    @property
    def url(self) -> str:
        """Where it listens, once started."""
        return f"http://{self._host}:{self._port}"

    def next(self, action: str, *faults: Fault, plan_id: str = "") -> None:
        """Let the next calls of this action go wrong, one fault each; calls with a bad signature use none up.

        With `plan_id` only calls about that plan do.
        """
        self._faults[action] += [(plan_id, fault) for fault in faults]

    @property
    def queued(self) -> list[tuple[str, str, Fault]]:
        """Return what is still to go wrong: (action, the plan it is about or "", fault)."""
        return [(action, *one) for action, queue in self._faults.items() for one in queue]

    def forget(self) -> None:
        """Let nothing more go wrong."""
        self._faults.clear()

    def change(self, plan_id: str, **fields: Any) -> None:
        """Change a plan as somebody at the console would: reply fields, behind the bot's back."""
        self.plans[plan_id].update(fields)

    def calls(self, action: str) -> list[Received]:
        """Return what was received for one action, in order."""
        return [request for request in self.requests if request.action == action]

    async def start(self) -> None:
        """Listen; with port 0 the system chooses the port."""
        app = web.Application(client_max_size=4 * 1024**2)
        app.router.add_route("*", "/{path:.*}", self._serve)
        # Parameters in the query make long request lines: longer than the 8 KiB that aiohttp allows by itself.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, max_line_size=128 * 1024)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening; calls that are still held are dropped."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _serve(self, http: web.Request) -> web.StreamResponse:
        try:
            body = await http.read()
        except ConnectionResetError:
            return web.Response()  # the bot died in the middle of a request, of which nothing counts
        headers = {name.lower(): value for name, value in http.headers.items()}
        received = Received(
            headers.get("x-acs-action", ""),
            headers.get("x-acs-version", ""),
            headers,
            http.rel_url.raw_query_string,
            body,
            dict(parse_qsl(http.rel_url.raw_query_string, keep_blank_values=True)),
        )
        if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            received.params.update(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        received.at, began = self._now(), time.monotonic()
        self.requests.append(received)
        request_id = str(uuid.uuid4()).upper()
        try:
            answer = await self._answer(http, received, request_id)
        except Refused as refusal:
            received.code = refusal.code
            answer = refusal.answer(request_id, http.host)
        received.duration = time.monotonic() - began
        if isinstance(answer, bytes):
            return web.Response(body=answer, content_type="text/html")
        if answer is None:
            received.code = "cut"
            if http.transport is not None:
                http.transport.abort()
            return web.Response()
        received.answer = answer.body
        return web.json_response(answer.body, status=answer.status, headers=answer.headers)

    async def _answer(self, http: web.Request, received: Received, request_id: str) -> Answer | bytes | None:
        """Return what to send back; bytes for garbage, None for a connection that is cut."""
        self.porter.admit(http.method, http.path, received.raw_query, received.headers, received.raw_body)
        call = self._actions.get((received.version, received.action))
        if call is None:
            message = f"No operation {received.action} in version {received.version}."
            raise Refused("InvalidAction.NotFound", message, status=404)
        fault = self._take_fault(received)
        await asyncio.sleep(fault.seconds)
        if fault.gate is not None and fault.gate_before:
            await fault.gate.pass_through()
        if fault.echo:
            raise _echo(http, received)
        if fault.before is not None:
            raise fault.before
        if fault.cut == "before":
            return None
        body: dict[str, Any] = {"RequestId": request_id}
        if received.version == VERSION:
            body |= {"Success": True, "HttpStatusCode": 200, "ErrCode": "", "ErrMessage": ""}
        body |= call(received.params, fault)
        if fault.meanwhile:
            self.change(received.params["BackupPlanId"], **fault.meanwhile)
        if fault.gate is not None and not fault.gate_before:
            await fault.gate.pass_through()
        if fault.after is not None:
            raise fault.after
        if fault.cut == "after":
            return None
        return fault.garbage if fault.garbage is not None else Answer(200, body | dict(fault.lie))

    def _take_fault(self, received: Received) -> Fault:
        queue = self._faults[received.action]
        for index, (plan_id, fault) in enumerate(queue):
            if plan_id in {"", received.params.get("BackupPlanId")}:
                del queue[index]
                return fault
        return Fault()


def _echo(http: web.Request, received: Received) -> Refused:
    payload = received.headers["x-acs-content-sha256"]
    signed = received.headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    args = (http.method, http.path, received.raw_query, received.headers, signed, payload)
    return mismatch(canonical_request(*args), received.raw_body)
