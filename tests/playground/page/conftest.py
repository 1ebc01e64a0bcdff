"""The page's server in front of the demo's setting, without a bot."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.playground.page.server import PageServer
from bot.playground.page.setting import Setting
from bot.playground.stage import free_port


@pytest.fixture
async def setting(tmp_path: Path) -> AsyncIterator[Setting]:
    async with Setting(tmp_path) as setting:
        yield setting


@pytest.fixture
async def page(setting: Setting) -> AsyncIterator[PageServer]:
    server = PageServer(setting)
    server.health_url = f"http://127.0.0.1:{free_port()}/healthz"
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def http(page: PageServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(page.url) as session:
        yield session
