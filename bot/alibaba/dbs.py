"""DBS over HTTP: reads plans, lists them, and sends ConfigureBackupPlan, once for each time it is asked to."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from typing import Self

import stamina
from pydantic import SecretStr

from bot.alibaba.answers import advice, failure
from bot.alibaba.credentials import KeySource
from bot.alibaba.endpoint import Endpoint
from bot.alibaba.reading import details, read_plan, summarise, text
from bot.alibaba.redact import clean
from bot.alibaba.rpc import Reply, Rpc
from bot.alibaba.signature import Position
from bot.core.reading import PlanSummary, Reading, Values
from bot.errors import DbsRefused, DbsThrottled, DbsUnanswered

VERSION = "2019-03-06"
_PAGE = 100
_READ_ATTEMPTS = 3


class DbsClient:
    """Implements `ports.Dbs`. One for a process; close it, or use it as a context.

    `timeout` is in seconds and holds for each call as a whole: credentials, connecting, waiting, reading.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        region: str,
        keys: KeySource,
        timeout: float = 20.0,
        parameters: Position = "body",
        verify: ssl.SSLContext | bool = True,
        setting: str = "DBS_ENDPOINT",
    ) -> None:
        """Raise ConfigError, naming `setting`, for an endpoint that cannot be used."""
        where = Endpoint.parse(endpoint, setting)
        self._rpc = Rpc(where, VERSION, keys, timeout=timeout, position=parameters, verify=verify)
        self._region = region

    @property
    def host(self) -> str:
        """The endpoint's host, with its port where that is not the default."""
        return self._rpc.endpoint.host

    async def aclose(self) -> None:
        """Close the connections."""
        await self._rpc.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def read(self, plan_id: str) -> Reading:
        """Read one plan afresh; an unknown one is DbsRefused with the code `InvalidParameterValid`."""
        reply = await self._describe({"BackupPlanId": plan_id}, plan_id)
        # DBS may answer an unknown id with an error, with nothing, or with another plan.
        found = next((detail for detail in details(reply.body) if text(detail.get("BackupPlanId")) == plan_id), None)
        if found is None:
            code = "InvalidParameterValid"
            what = f"DBS has no backup plan {clean(plan_id, limit=64)}."
            raise DbsRefused(code, what, reply.text("RequestId", limit=100), advice(code, "", ""))
        return read_plan(found, clean(text(found.get("ErrMessage")), reply.secrets))

    async def plans(self) -> Sequence[PlanSummary]:
        """List every plan, page by page from page 0 until one is short; plans that move between pages count once."""
        found: dict[str, PlanSummary] = {}
        page = 0
        while True:
            reply = await self._describe({"PageNum": str(page), "PageSize": str(_PAGE)}, "*")
            entries = [summarise(detail) for detail in details(reply.body)]
            new = {plan.plan_id: plan for plan in entries if plan.plan_id and plan.plan_id not in found}
            found |= new
            # A full page without anything new means that the page number is not heeded.
            if len(entries) < _PAGE or not new:
                return list(found.values())
            page += 1

    async def configure(
        self, plan_id: str, request: Values, secrets: Mapping[str, SecretStr], client_token: str
    ) -> str:
        """Send ConfigureBackupPlan once and return the RequestId of an answer that says it was done."""
        if request.get("BackupPlanId") != plan_id or "BackupPlanId" in secrets:
            what = "The values to be sent are for another plan; nothing was sent."
            raise DbsRefused("PlanMismatch", what, advice="Report this: it is a fault of the bot.")
        params = {name: _on_the_wire(name, value) for name, value in request.items()} | {"ClientToken": client_token}
        hidden = {name: value.get_secret_value() for name, value in secrets.items()}
        reply = await self._rpc.call("ConfigureBackupPlan", params, hidden)
        self._check(reply, "ConfigureBackupPlan", plan_id)
        request_id = reply.text("RequestId", limit=100)
        answered = text(reply.body.get("BackupPlanId"))
        if answered not in ("", plan_id):
            other = f"DBS says that it configured another plan: {clean(answered, reply.secrets, 64)}."
            raise DbsUnanswered("UnexpectedAnswer", other, request_id)
        return request_id

    async def _describe(self, params: dict[str, str], plan_id: str) -> Reply:
        """Ask once more when throttled: reading changes nothing, and somebody may be looking at an empty form."""
        deadline = asyncio.get_running_loop().time() + self._rpc.timeout

        def wait(error: Exception) -> bool | float:
            if not isinstance(error, DbsThrottled):
                return False
            seconds = 0.5 if error.retry_after is None else error.retry_after
            return seconds if asyncio.get_running_loop().time() + seconds < deadline else False

        async for attempt in stamina.retry_context(on=wait, attempts=_READ_ATTEMPTS, timeout=None):
            with attempt:
                reply = await self._rpc.call("DescribeBackupPlanList", params, deadline=deadline)
                if not _shows_plans(reply):
                    self._check(reply, "DescribeBackupPlanList", plan_id)
        return reply

    def _check(self, reply: Reply, action: str, plan_id: str) -> None:
        resource = f"acs:dbs:{self._region}:*:backupplan/{clean(plan_id, limit=64)}"
        if (error := failure(reply, f"dbs:{action}", resource)) is not None:
            raise error


def _shows_plans(reply: Reply) -> bool:
    """Tell whether an answer shows plans without saying whether it is a success: what is there can be read."""
    silent = all(reply.body.get(name) is None for name in ("Success", "Code"))
    return reply.status == 200 and silent and "Items" in reply.body


def _on_the_wire(name: str, value: str) -> str:
    """Return a value as DBS takes it: your own storage is the empty one."""
    return "" if name == "BackupStorageType" and value == "own" else value
