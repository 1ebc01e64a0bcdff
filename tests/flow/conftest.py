"""Stages with everything around the bot; each test starts the process or processes it needs."""

import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.playground.acts import said
from bot.playground.dbs.plans import redis_on_ecs
from bot.playground.stage import Stage

OpenStage = Callable[..., Awaitable[Stage]]


@pytest.fixture(scope="module", autouse=True)
def _processes(forked: None) -> None:
    """Every process is forked."""


@pytest.fixture
async def open_stage(tmp_path: Path) -> AsyncIterator[OpenStage]:
    """Open a stage with the settings of `Stage`; `await stage.start_bot()` starts the real process on it.

    Whatever a test was about: in the end the bot sent nothing that Slack would not take, and nothing surprised it.
    """
    opened: list[Stage] = []

    async with AsyncExitStack() as stack:

        async def one(**settings: Any) -> Stage:
            opened.append(await stack.enter_async_context(Stage(tmp_path, **settings)))
            return opened[-1]

        yield one
    for stage in opened:
        check(stage)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A stage on which one process runs for all tests of a module, as it does in life; see `shared_stage`.

    What went unanswered is sent again after a quarter of the lease.
    """
    async with Stage(tmp_path_factory.mktemp("stage"), EXECUTION_LEASE="4s", DBS_TIMEOUT="3s") as stage:
        await stage.start_bot()
        yield stage
    check(stage)


@pytest.fixture
def shared_stage(running_stage: Stage) -> Stage:
    """The running stage, with nothing left on anybody's screen. Tests keep apart by each using a `new_plan`.

    Its module needs `pytestmark = pytest.mark.asyncio(loop_scope="module")`.
    """
    world = running_stage.slack.world
    for person in running_stage.slack.people:
        world.modals.clear(person)
    world.ephemerals.clear()
    world.notices.clear()
    return running_stage


@pytest.fixture
def new_plan(shared_stage: Stage) -> Callable[..., str]:
    """Put one more plan into the account and return its id; it needs no secret."""

    def put(**fields: Any) -> str:
        plan = redis_on_ecs(f"dbstest{len(shared_stage.dbs.plans):06}", **fields)
        shared_stage.dbs.plans[plan["BackupPlanId"]] = plan
        return str(plan["BackupPlanId"])

    return put


@pytest.fixture
async def stage(open_stage: OpenStage) -> Stage:
    """Over HTTP, with the playground's policy."""
    return await open_stage()


@pytest.fixture
async def socket_stage(open_stage: OpenStage) -> Stage:
    """Over Socket Mode."""
    return await open_stage(socket_mode=True)


@pytest.fixture
def history() -> Callable[[Stage, dict[str, Any]], list[tuple[str, str, dict[str, Any]]]]:
    """Read what is in the ledger about the change of a card, past the bot: (type, actor, data) of each event."""

    def read(stage: Stage, card: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
        with closing(sqlite3.connect(stage.ledger_file)) as db:
            asked = "select type, actor, data from events where change_id = ? order by seq"
            rows = db.execute(asked, [said(card)["change_id"]]).fetchall()
        return [(kind, actor, json.loads(data)) for kind, actor, data in rows]

    return read


def check(stage: Stage) -> None:
    """Find what no test may leave behind: payloads that Slack would not take, and surprises."""
    assert stage.slack.violations == []
    for bot in stage.bots:
        assert "Traceback" not in bot.log, bot.log
