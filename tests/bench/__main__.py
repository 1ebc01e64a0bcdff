"""`python -m bench`: measures how fast the bot is beside what one would compare it with; it never fails on a number."""

import argparse
import asyncio
import inspect
import sys
import time
from importlib import import_module
from pathlib import Path

from bench.processes import REST, on
from bench.report import document, machine, printed
from bench.row import Row
from bot import log

PARTS = ("clicks", "commands", "drawing", "calls", "one_change", "starting", "ledger_size")
"""Modules with a function `measure` that takes a number of rounds and returns rows; in the order of the table."""
DOCUMENT = Path(__file__).parents[2] / "docs/performance.md"


async def measured(parts: list[str], rounds: int) -> list[Row]:
    """Return the rows of these parts, one part after the other."""
    rows: list[Row] = []
    for part in parts:
        began = time.monotonic()
        found = import_module(f"bench.{part}").measure(rounds)
        rows += await found if inspect.isawaitable(found) else found
        sys.stderr.write(f"{part}: {time.monotonic() - began:.0f} s\n")
    return rows


def main() -> None:
    """Measure everything and write docs/performance.md, or some of it and write nothing."""
    parser = argparse.ArgumentParser(prog="bench", description=main.__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of figure and reference for each line")
    asked = parser.parse_args()
    log.configure("warning", "text")
    said = machine()  # before this process keeps to one core
    with on(REST):
        rows = asyncio.run(measured(asked.only or list(PARTS), asked.rounds))
    sys.stdout.write(f"{printed(rows)}\n")
    if not asked.only:
        DOCUMENT.write_text(document(rows, said), encoding="utf-8")
        sys.stderr.write("docs/performance.md is written\n")


if __name__ == "__main__":
    main()
