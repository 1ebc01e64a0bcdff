"""A playground with the real bot behind it, and tabs of a real browser in front."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from browser.desk import Desk, OpenDesk
from playwright.async_api import Browser, async_playwright

from bot.playground.page.server import PageServer
from bot.playground.page.setting import Setting

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = (
    "There is no Chromium on this machine: `apt-get install chromium` gets one on Debian, CHROMIUM=path names one."
)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the browser is; without one these tests fail, for nothing else would notice that they did not run."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.exit(MISSING, returncode=1)
    return found


@pytest.fixture
async def setting(tmp_path: Path) -> AsyncIterator[Setting]:
    """The workspace of the demo with the bot running; in the end nothing surprised either of them."""
    async with Setting(tmp_path) as setting:
        yield setting
    assert setting.slack.violations == []
    for bot in setting.bots:
        assert "Traceback" not in bot.log, bot.log


@pytest.fixture
async def page(setting: Setting) -> AsyncIterator[PageServer]:
    """The page in front of it."""
    bot = await setting.start_bot()
    server = PageServer(setting)
    server.health_url = f"http://127.0.0.1:{bot.port}/healthz"
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """Chromium, without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
def shots(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where screenshots go: into SHOTS, a folder a test, or into the test's temporary folder."""
    kept = os.environ.get("SHOTS")
    folder = (Path(kept) if kept else tmp_path / "shots") / str(request.node.name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
async def open_desk(page: PageServer, browser: Browser, shots: Path) -> AsyncIterator[OpenDesk]:
    """Open a tab as somebody; in the end no tab has an error in its console, or a hole where a drawing is missing."""
    desks: list[Desk] = []

    async def one(who: str = "U0RITA", *, width: int = 1440, height: int = 900, scheme: str = "light") -> Desk:
        context = await browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light"
        )
        desks.append(Desk(await context.new_page(), shots))
        await desks[-1].open(f"{page.url}?as={who}")
        return desks[-1]

    yield one
    for desk in desks:
        assert desk.problems == []
        assert await desk.tab.locator(".unrendered").all_inner_texts() == []


@pytest.fixture
async def desk(open_desk: OpenDesk) -> Desk:
    """One tab, as Rita."""
    return await open_desk()
