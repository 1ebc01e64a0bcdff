"""The bot's command line: in a process of its own, or in this one, where only the words matter."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from unittest import mock

from click.testing import CliRunner
from forked import Forked

from bot.cli import main

SECONDS = 60.0
"""Far more than any command takes."""


class Ended(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


async def run_bot(*arguments: str, environment: Mapping[str, str], folder: Path | None = None) -> Ended:
    """Run a command to its end in a process with just these variables, in a folder, else where we are."""
    with TemporaryDirectory() as temporary:
        out, err = Path(temporary) / "out", Path(temporary) / "err"
        process = Forked(arguments, environment, out=out, err=err, folder=folder or Path.cwd())
        try:
            async with asyncio.timeout(SECONDS):
                code = await process.wait()
        finally:
            with suppress(ProcessLookupError):
                process.kill()
        return Ended(code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))


def run_here(*arguments: str, environment: Mapping[str, str] | None = None, stdin: str = "") -> Ended:
    """Have this process do what `python -m bot` would, with nothing but these variables; raises what it raises.

    Not for `serve` and `ledger`, which set up the log of the process that they are in.
    """
    with mock.patch.dict(os.environ, environment or {}, clear=True):
        result = CliRunner().invoke(main, arguments, input=stdin, catch_exceptions=False)
    return Ended(result.exit_code, result.stdout, result.stderr)
