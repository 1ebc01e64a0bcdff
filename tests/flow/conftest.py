"""A stage with everything around the bot; each test starts the process or processes it needs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.playground.stage import Stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Over HTTP: `await stage.start_bot()` starts the real process."""
    async with Stage(tmp_path) as running:
        yield running
    check(running)


@pytest.fixture
async def socket_stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Over Socket Mode."""
    async with Stage(tmp_path, socket_mode=True) as running:
        yield running
    check(running)


def check(stage: Stage) -> None:
    """Whatever a test was about: the bot sent nothing that Slack would not take, and nothing surprised it."""
    assert stage.slack.violations == []
    for bot in stage.bots:
        assert "Traceback" not in bot.log, bot.log
