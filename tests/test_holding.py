"""A hold on a change, and what is known about it afterwards."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from doubles import World

from bot.errors import MessageUnanswered
from bot.holding import holding


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as opened:
        yield opened


async def test_a_hold_that_is_kept_lets_everything_leave(world: World) -> None:
    async with holding(world.ledger, await world.asked(), timedelta(seconds=60)) as hold:
        hold.check()


async def test_who_stood_still_for_longer_says_nothing_ever_after(world: World) -> None:
    async with holding(world.ledger, await world.asked(), timedelta(milliseconds=50)) as hold:
        time.sleep(0.06)  # noqa: ASYNC251 - nothing goes on meanwhile, as in a process that is stopped
        with pytest.raises(MessageUnanswered, match="held up for too long"):
            await hold.take()
        with pytest.raises(MessageUnanswered):
            hold.check()
