"""What several tests of the conversation need."""

import io
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.change import Change, fold
from bot.core.events import (
    Announced,
    Applied,
    Approved,
    Demand,
    Denied,
    Event,
    EventData,
    Expired,
    Refused,
    Requested,
    Sent,
    Stale,
    Started,
    Stuck,
    Withdrawn,
    chained,
    stamp,
)
from bot.log import configure
from bot.playground.slack.server import FakeSlack
from bot.slack.web import new_client, new_session

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
PLAN = {
    "BackupPlanId": "dbs1", "BackupPlanName": "orders", "SourceEndpointInstanceType": "RDS",
    "SourceEndpointRegion": "cn-hangzhou", "SourceEndpointInstanceID": "rm-1", "SourceEndpointUserName": "backup",
    "BackupRetentionPeriod": "730", "BackupStartTime": "14:22",
}  # fmt: skip
FACTS = {"DatabaseType": "MySQL", "BackupMethod": "logical"}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the bot logs, at every level."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    configure("debug", "text", stream)
    yield stream
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def requested() -> Callable[..., Requested]:
    """Make a request: retention from 730 to 30 days, unless fields or values say otherwise."""

    def make(values: dict[str, str] | None = None, **fields: object) -> Requested:
        told: dict[str, object] = {
            "plan_id": "dbs1", "plan_name": "orders", "host": "dbs.test", "region": "cn-hangzhou", "status": "running",
            "proposed": {**PLAN, "BackupRetentionPeriod": "30", "SourceEndpointPassword": "orders-db"} | (values or {}),
            "baseline": PLAN | FACTS, "known": {}, "secrets": {}, "reason": "Disk is full", "channel": "C0OPS",
            "view_id": "V1", "digest": "d" * 64, "execute_within": 1800,
            "demand": Demand(
                approvals=2, approvers=("S0DBA",), pool=("U0ANA", "U0BEN"), policy="",
                sentence="2 people out of <!subteam^S0DBA> must approve, not counting <@U0RITA>.",
            ),
            "expires_at": stamp(NOON + timedelta(hours=4)),
        }  # fmt: skip
        request = Requested.model_validate(told | fields)
        plan = {"BackupPlanId": request.plan_id}
        return request.model_copy(
            update={"proposed": {**request.proposed, **plan}, "baseline": {**request.baseline, **plan}}
        )

    return make


@pytest.fixture
def change_in(requested: Callable[..., Requested]) -> Callable[..., Change]:
    """Bring a change to a state, by its name or by the event that ends it; `request` may be another one."""

    def bring(state: str | EventData, request: Requested | None = None, card: tuple[str, str] | None = None) -> Change:
        yes = Approved(digest="d" * 64)
        lease = stamp(NOON + timedelta(minutes=10))
        began = Started(attempt=1, owner="P", client_token="t", not_before=stamp(NOON), lease_end=lease)
        approved: list[tuple[str, EventData]] = [("U0ANA", yes), ("U0BEN", yes)]
        sent: list[tuple[str, EventData]] = [*approved, ("bot", began), ("bot", Sent(attempt=1))]
        ways: dict[str, list[tuple[str, EventData]]] = {
            "pending": [], "approved": approved, "executing": sent[:3], "sent": sent,
            "applied": [*sent, ("bot", Applied(request_id="R-1"))],
            "refused": [*sent, ("bot", Refused(code="Bad", message="Too short.", request_id="R-2"))],
            "stale": [*sent[:3], ("bot", Stale(why="plan", sentence="It moved.", now={**PLAN, **FACTS}))],
            "stuck": [*sent, ("bot", Stuck(sentence="Nobody knows."))],
            "denied": [("U0BEN", Denied(reason="Not tonight"))],
            "withdrawn": [("U0RITA", Withdrawn())],
            "expired": [("bot", Expired(why="approval"))],
        }  # fmt: skip
        if isinstance(state, EventData):
            before = sent if isinstance(state, Applied | Stuck) else sent[:3]
            steps = [*before, ("bot", state)]
        else:
            steps = ways[state]
        channel, ts = card or ("C0OPS", "1.0")
        said = [("U0RITA", request or requested()), ("bot", Announced(channel=channel, ts=ts)), *steps]
        events: list[Event] = []
        for seq, (actor, data) in enumerate(said, start=1):
            before_it = events[-1].hash if events else ""
            events.append(chained(before_it, "c1", seq, actor, stamp(NOON + timedelta(minutes=seq)), data))
        change = fold(events)
        assert change is not None
        return change

    return bring


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A workspace with one person and a channel; nothing that the bot sends it may be refused."""
    async with FakeSlack() as running:
        running.add_person("rita", id="U0RITA")
        running.add_channel("C0OPS", "ops")
        yield running
        assert running.violations == []


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """The HTTP session that the bot would use."""
    async with new_session() as open_session:
        yield open_session


@pytest.fixture
def client(slack: FakeSlack, session: aiohttp.ClientSession) -> AsyncWebClient:
    """The Web API client as the bot makes it."""
    return new_client(slack.bot_token, slack.url, session)
