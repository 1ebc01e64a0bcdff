"""The bot's command line, run as an administrator runs it."""

import asyncio
import os
import sys
from pathlib import Path


async def cli(*arguments: str, folder: Path | None = None, **environment: str) -> tuple[int, str]:
    """Run a command in a folder, else this one, with these variables; return its exit code and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments, env={**os.environ, **environment}, cwd=folder,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()
