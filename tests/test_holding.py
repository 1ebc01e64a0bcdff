"""A hold on a change, and what is known about it afterwards."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from doubles import World

from bot.holding import holding


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as opened:
        yield opened


async def test_a_hold_that_was_kept_has_not_lapsed(world: World) -> None:
    async with holding(world.ledger, await world.asked(), timedelta(seconds=60)) as hold:
        assert not hold.lapsed


async def test_who_stood_still_for_longer_knows_it_ever_after(world: World) -> None:
    async with holding(world.ledger, await world.asked(), timedelta(milliseconds=50)) as hold:
        time.sleep(0.06)  # noqa: ASYNC251 - nothing goes on meanwhile, as in a process that is stopped
        await hold.take()
        assert hold.lapsed
