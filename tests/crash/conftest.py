"""Stages with real processes on them, and the means to look at what is left of one: its log, its file, its words."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from bot.playground.stage import Stage


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings that choose where the ledger is; ask for it before `set_stage`."""
    return {} if request.param == "sqlite" else {"DATABASE_URL": request.getfixturevalue("database")}


@pytest.fixture
async def set_stage(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Stage]]]:
    """Set up one more stage; at the end no rule of Slack's was broken on any, and no process had a traceback."""
    stages: list[Stage] = []
    async with AsyncExitStack() as stack:

        async def one_more(**settings: Any) -> Stage:
            folder = tmp_path / f"stage-{len(stages)}"
            folder.mkdir()
            stages.append(await stack.enter_async_context(Stage(folder, **settings)))
            return stages[-1]

        yield one_more
        for stage in stages:
            assert stage.slack.violations == []
    for bot in (bot for stage in stages for bot in stage.bots):
        assert "Traceback" not in bot.log, bot.log
