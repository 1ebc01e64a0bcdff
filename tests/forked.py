"""Processes of the bot that start in a tenth of the time: forked from one that has imported everything before.

For tests of what the bot does. What is read at the start of Python, or as a module is imported, cannot be tested so.
"""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path

from bot.cli import main
from bot.playground.stage import Process, Stage

_CONTEXT = get_context("forkserver")
# the last two are otherwise imported where they are first used
_CONTEXT.set_forkserver_preload([
    "bot.app", "bot.explaining", "bot.ledger.postgres", "bot.ledger.sqlite", "bot.serve", "bot.verification",
    "httpcore", "uvicorn.protocols.http.httptools_impl",
])  # fmt: skip
_serve_anew = Stage.serve


class Forked:
    """Does what `python -m bot` would with just these variables, in this folder; used like a process of asyncio's.

    `out` and `err`, which may be one, become the files with what it prints.
    """

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], *, out: Path, err: Path, folder: Path
    ) -> None:
        for path in (out, err):
            path.touch()  # there may be somebody who reads before there is anything
        self.returncode: int | None = None
        self._ended = asyncio.Event()
        # a daemon, so that it does not outlive tests that are broken off
        self._process = _CONTEXT.Process(
            target=_run, args=(tuple(arguments), dict(environment), out, err, folder), daemon=True
        )
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
        """Send it a signal. Raises ProcessLookupError when it has ended."""
        if self.returncode is not None:
            raise ProcessLookupError
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


async def serve_forked(stage: Stage, environment: dict[str, str], log: Path) -> Process:
    """Stand in for `Stage.serve`, but where a process is to import something else."""
    if environment.get("PYTHONPATH") != os.environ.get("PYTHONPATH"):
        return await _serve_anew(stage, environment, log)
    return Forked(["serve"], environment, out=log, err=log, folder=Path.cwd())


def _run(arguments: Sequence[str], environment: Mapping[str, str], out: Path, err: Path, folder: Path) -> None:
    for descriptor, path in enumerate((out, err), 1):
        with path.open("ab") as stream:
            os.dup2(stream.fileno(), descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    main(arguments, prog_name="python -m bot")
