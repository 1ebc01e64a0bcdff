"""`python -m bench`: measures how fast the bot is beside what one would compare it with; it never fails on a number."""

import argparse
import asyncio
import inspect
import sys
import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from bench.before import keep, read, run_of
from bench.processes import REST, on
from bench.report import document, machine, printed
from bench.row import Row
from bot import log

PARTS = ("clicks", "commands", "drawing", "calls", "one_change", "starting", "ledger_size")
"""Modules with a function `measure` that takes a number of rounds and returns rows; in the order of the table."""
DOCUMENT = Path(__file__).parents[2] / "docs/performance.md"
KEPT = DOCUMENT.with_suffix(".json")
"""What the last run of everything found."""


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
    parser.add_argument("--rounds", type=int, default=7, help="pairs of figure and reference for each line")
    asked = parser.parse_args()
    log.configure("warning", "text")
    began = time.monotonic()
    before, where = read(KEPT), machine()  # before this process keeps to one core
    with on(REST):
        rows = asyncio.run(measured(asked.only or list(PARTS), asked.rounds))
    sys.stdout.write(f"{printed(rows, before)}\n")
    if not asked.only:
        run = run_of(rows, f"{datetime.now(UTC):%Y-%m-%d at %H:%M}", where)
        DOCUMENT.write_text(document(rows, run, before), encoding="utf-8")
        keep(run, KEPT)
        sys.stderr.write(f"docs/performance.md is written, after {time.monotonic() - began:.0f} s\n")


if __name__ == "__main__":
    main()
