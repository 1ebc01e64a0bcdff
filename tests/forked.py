"""Processes of the bot that start in a tenth of the time: forked from one that has imported everything before.

For tests of what the bot does. How it starts, ends and dies is tested with `python -m bot serve`, as elsewhere.
"""

import asyncio
import os
import signal
from multiprocessing import get_context
from pathlib import Path

from bot.cli import main
from bot.playground.stage import Stage

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["bot.app", "bot.cli", "bot.ledger.postgres", "bot.ledger.sqlite", "bot.serve"])


class Forked:
    """Runs `serve` with exactly these variables and writes everything into `log`; used like a process of asyncio's."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.returncode: int | None = None
        self._ended = asyncio.Event()
        # a daemon, so that it does not outlive tests that are broken off
        self._process = _CONTEXT.Process(target=_serve, args=(environment, log), daemon=True)
        self._process.start()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._process.sentinel, self._end)

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process.pid is not None
        return self._process.pid

    async def wait(self) -> int:
        """Wait until it has ended and return its exit code, or the signal that ended it as a negative number."""
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def _end(self) -> None:
        self._loop.remove_reader(self._process.sentinel)
        self.returncode = self._process.exitcode
        self._ended.set()


async def serve_forked(_: Stage, environment: dict[str, str], log: Path) -> Forked:
    """Stand in for `Stage.serve`."""
    return Forked(environment, log)


def _serve(environment: dict[str, str], log: Path) -> None:
    with log.open("wb") as stream:
        for standard in (1, 2):
            os.dup2(stream.fileno(), standard)
    os.environ.clear()
    os.environ.update(environment)
    main(["serve"])
