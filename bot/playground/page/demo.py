"""`demo` and `demo --attach`: the playground in front of a bot, one of its own or one that is started by hand."""

import asyncio
import os
import shlex
import signal
import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import TextIO

from bot.playground.page.server import PageServer
from bot.playground.page.setting import Setting
from bot.playground.stage import free_port, is_free

PORT = 8300
BOT_PORT = 3000
INHERITED = ("PATH", "HOME", "PYTHONPATH")


async def show(out: TextIO, *, attach: bool, port: int | None, opens: bool) -> int:
    """Serve the playground until SIGINT or SIGTERM and return the exit code.

    `attach` leaves starting the bot to somebody else and prints its environment. `port` is the page's, None for the
    usual one, or any where that is taken. `opens`: have the browser open it.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    with tempfile.TemporaryDirectory(prefix="backup-plan-bot-") as folder:
        async with Setting(Path(folder)) as setting:
            page = PageServer(setting)
            try:
                await _listen(page, port)
            except OSError as taken:
                _print(out, f"Nothing can listen on 127.0.0.1, port {port}: {os.strerror(taken.errno or 0)}.")
                return 2
            try:
                if attach:
                    _offer(out, setting, page)
                else:
                    starting = asyncio.create_task(_start(out, setting, page))
                    await asyncio.wait({starting, asyncio.create_task(ended.wait())}, return_when="FIRST_COMPLETED")
                    if starting.done() and starting.result():
                        return 1
                    starting.cancel()
                if not ended.is_set():
                    _print(out, f"The playground is at {page.url} – Ctrl-C ends it.")
                    if opens:
                        _open(page.url)
                await ended.wait()
            finally:
                await page.stop()
    return 0


async def _listen(page: PageServer, port: int | None) -> None:
    if port is not None:
        await page.start(port)
        return
    try:
        await page.start(PORT)
    except OSError:
        await page.start(0)


async def _start(out: TextIO, setting: Setting, page: PageServer) -> int:
    """Start the bot and return 0, or say why it did not start and return 1."""
    try:
        bot = await setting.start_bot()
    except (RuntimeError, TimeoutError) as failed:
        _print(out, str(failed) or "The bot did not get ready.")
        return 1
    page.health_url = f"http://127.0.0.1:{bot.port}/healthz"
    return 0


def _offer(out: TextIO, setting: Setting, page: PageServer) -> None:
    """Print what a bot needs to know that somebody starts by hand, and deliver to where it will be."""
    port = BOT_PORT if is_free(BOT_PORT) else free_port()
    page.health_url = f"http://127.0.0.1:{port}/healthz"
    setting.slack.point_at(f"http://127.0.0.1:{port}/slack/events")
    _print(out, "Start a bot with this environment, for example in another terminal, then `backup-plan-bot serve`.")
    _print(out, "For Socket Mode, set SLACK_APP_TOKEN as well.\n")
    for name, value in setting.environment(port).items():
        if name not in INHERITED:
            _print(out, f"export {name}={shlex.quote(value)}")
    _print(out, f"# export SLACK_APP_TOKEN={setting.slack.app_token}\n")


def _open(url: str) -> None:
    """Open the page where there is a screen; a browser that needs the terminal would take it from the demo."""
    if sys.platform in {"darwin", "win32"} or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(url)


def _print(out: TextIO, text: str) -> None:
    out.write(f"{text}\n")
    out.flush()
