"""DBS over HTTP: reads plans, lists them, and sends ConfigureBackupPlan, once for each time it is asked to."""

import asyncio
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Self

import stamina
from pydantic import SecretStr

from bot.alibaba.answers import advice, failure
from bot.alibaba.credentials import KeySource
from bot.alibaba.endpoint import Endpoint
from bot.alibaba.lately import Lately
from bot.alibaba.reading import details, read_plan, summarise, text
from bot.alibaba.redact import clean
from bot.alibaba.rpc import Reply, Rpc
from bot.alibaba.signature import Position
from bot.clock import SystemClock
from bot.core.reading import PlanSummary, Reading, Values
from bot.errors import DbsRefused, DbsThrottled, DbsUnanswered

VERSION = "2019-03-06"
_PAGE = 100
_READ_ATTEMPTS = 3
_UNKNOWN = ("InvalidParameterValid", "InvalidJobId", "InvalidBackupPlanId")
"""Codes with which DBS says that it has no such plan, or no plans at all."""
_ODD = (*_UNKNOWN, "InvalidParameter", "InvalidRegion")
"""Codes after which asking without the region may help."""

AtHand = Callable[[str], Iterable[str]]
"""The secrets of a plan that can be had for nothing: what DBS says of the plan is cleaned of them."""


def nothing_at_hand(_plan_id: str) -> Iterable[str]:
    """Know no secret."""
    return ()


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
        at_hand: AtHand = nothing_at_hand,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        """Raise ConfigError, naming `setting`, for an endpoint that cannot be used; `region` is where plans are."""
        where = Endpoint.parse(endpoint, setting)
        self._rpc = Rpc(where, VERSION, keys, timeout=timeout, position=parameters, verify=verify)
        self._region = region
        self._position = parameters
        self._at_hand = at_hand
        self._now = now or SystemClock().now
        self._lately = Lately()
        self._regions: dict[str, str] = {}
        """Plan id → the region that DBS named."""
        self._without_region: set[str] = set()
        """Plans that DBS shows only where it is not asked for those of a region."""

    @property
    def host(self) -> str:
        """The endpoint's host, with its port where that is not the default."""
        return self._rpc.endpoint.host

    async def aclose(self) -> None:
        """Close the connections."""
        self._lately.forget()
        await self._rpc.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def read(self, plan_id: str) -> Reading:
        """Read one plan afresh; an unknown one is DbsRefused with the code `InvalidParameterValid`.

        DBS may answer an unknown id with an error, with nothing, or with another plan. Nobody says whether it looks
        further than the region it is asked about: what it does not find there is asked for without one.
        """
        request_id = ""
        for region in [{}] if plan_id in self._without_region else [{"Region": self._region}, {}]:
            try:
                reply = await self._describe({"BackupPlanId": plan_id, **region}, plan_id)
            except DbsRefused as error:
                if not error.code.startswith(_ODD if region else _UNKNOWN):
                    raise
                request_id = error.request_id
                continue
            request_id = reply.text("RequestId", limit=100)
            shown = details(reply.body)
            found = next((detail for detail in shown if text(detail.get("BackupPlanId")) == plan_id), None)
            if found is not None:
                if not region:
                    self._without_region.add(plan_id)
                reading = read_plan(found, reply.secrets, self._now())
                self._regions[plan_id] = reading.region
                return reading
            if shown:
                raise self._other_plans(plan_id, request_id)
        what = f"No plan {clean(plan_id, limit=64)}, or no plans here: DBS shows none in this account and region."
        raise DbsRefused(_UNKNOWN[0], what, request_id, advice(_UNKNOWN[0], "", ""))

    def _other_plans(self, plan_id: str, request_id: str) -> DbsRefused:
        """Say that DBS did not heed the id, as it does for some unknown ones, or where it does not read the body."""
        what = f"DBS was asked for {clean(plan_id, limit=64)} and showed other plans."
        todo = "Check the plan id."
        if self._position == "body":
            todo += " If it is right, DBS does not read parameters from the body: set DBS_PARAMETERS=query."
        return DbsRefused(_UNKNOWN[0], what, request_id, todo)

    async def plans(self) -> Sequence[PlanSummary]:
        """List every plan; in an account without any DBS may answer as it does to an unknown id.

        Asked without a region first: DBS may take that for all of them, or for none.
        """
        for region in ({}, {"Region": self._region}):
            try:
                found = await self._list(region)
            except DbsRefused as error:
                if not error.code.startswith(_UNKNOWN):
                    raise
            else:
                if found:
                    return found
        return []

    async def _list(self, region: dict[str, str]) -> Sequence[PlanSummary]:
        """List page by page from page 0 until one is short; plans that move between pages count once."""
        found: dict[str, PlanSummary] = {}
        page = 0
        while True:
            reply = await self._describe({"PageNum": str(page), "PageSize": str(_PAGE), **region}, "*")
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
        self._lately.sent(plan_id, hidden.values())
        reply = self._knowing(plan_id, await self._rpc.call("ConfigureBackupPlan", params, hidden))
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
                reply = self._knowing(plan_id, reply)
                if not _shows_plans(reply):
                    self._check(reply, "DescribeBackupPlanList", plan_id)
        return reply

    def _knowing(self, plan_id: str, reply: Reply) -> Reply:
        """Return a reply whose texts are cleaned of every secret of the plan that is known now."""
        return replace(reply, secrets=(*reply.secrets, *self._lately.of(plan_id), *self._at_hand(plan_id)))

    def _check(self, reply: Reply, action: str, plan_id: str) -> None:
        region = self._regions.get(plan_id) or self._region
        resource = f"acs:dbs:{region}:*:backupplan/{clean(plan_id, limit=64)}"
        if (error := failure(reply, f"dbs:{action}", resource)) is not None:
            raise error


def _shows_plans(reply: Reply) -> bool:
    """Tell whether an answer shows plans without saying whether it is a success: what is there can be read."""
    silent = all(reply.body.get(name) is None for name in ("Success", "Code"))
    return reply.status == 200 and silent and "Items" in reply.body


def _on_the_wire(name: str, value: str) -> str:
    """Return a value as DBS takes it: your own storage is the empty one."""
    return "" if name == "BackupStorageType" and value == "own" else value
