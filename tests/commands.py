"""The bot's command line: as a process, as an administrator runs it, or in this one, where only the words matter."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from click.testing import CliRunner

from bot.cli import main


class Ended(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


async def run_bot(*arguments: str, environment: Mapping[str, str], folder: Path | None = None) -> Ended:
    """Run `python -m bot` to its end in a folder, else this one, with these variables and where programs are."""
    path = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments, env={**path, **environment}, cwd=folder, stdin=DEVNULL, stdout=PIPE,
        stderr=PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


def run_here(*arguments: str, environment: Mapping[str, str] | None = None, stdin: str = "") -> Ended:
    """Have this process do what `python -m bot` would, with nothing but these variables; raises what it raises."""
    with mock.patch.dict(os.environ, environment or {}, clear=True):
        result = CliRunner().invoke(main, arguments, input=stdin, catch_exceptions=False)
    return Ended(result.exit_code, result.stdout, result.stderr)
