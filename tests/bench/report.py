"""What `make bench` says: the table in the terminal, and docs/performance.md."""

import math
import os
import platform
import sqlite3
import ssl
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from bench.before import Found, Run, found_for
from bench.row import Row

LIBRARIES = ("slack-bolt", "slack-sdk", "aiohttp", "httpx", "pydantic", "uvicorn", "uvloop", "httptools")
HEAD = ("Work", "Beside", "Ratio", "of the rounds", "run before", "To reach", "Ours", "Reference", "")

BEGINNING = """\
# Performance

Written by `make bench`; the next run replaces whatever is changed here by hand. Everything is measured with the real
process, over HTTP on loopback, with valid signatures and whole payloads: a click brings the card it was made on.
Figure and reference are taken in turns in the same run, so that the ratios say more than the milliseconds; those
depend on the machine, which is

> {machine}

What is measured runs on one core; the load, the playground's Slack and DBS and the program that times it all on the
other. A ratio is the median of the rounds'; beside it stand the lowest and the highest of them. No run fails on a
number.

This run ended on {ended}, UTC.
{before}
"""
COMPARED = """\
The run before ended on {ended}{machine}.
Of the {all} ratios in both, {agree} agree: the median of one of the two runs lies between the lowest and the highest of
the other one's rounds.\
"""
FIRST = "There is no run before to compare it with."


def machine() -> str:
    """Name what it was measured on."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown"
    )
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    cores = len(os.sched_getaffinity(0))
    return (
        f"{model}, {cores} cores, Linux {platform.release().partition('-')[0]}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {ssl.OPENSSL_VERSION.rpartition(' ')[0].rsplit(' ', 2)[0]}; {libraries}."
    )


def printed(rows: Sequence[Row], before: Run | None) -> str:
    """Return the table for a terminal, and what is to be said about its rows."""
    cells = [line[2:] + line[:2] for line in (HEAD, *(_cells(row, before) for row in rows))]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEAD))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([*lines, "", *(f"{row.work}: {row.note}" for row in rows if row.note)])


def document(rows: Sequence[Row], run: Run, before: Run | None) -> str:
    """Return docs/performance.md; `run` is this one."""
    table = [_line(HEAD), _line(["---"] * len(HEAD)), *(_line(_cells(row, before)) for row in rows)]
    missed = [f"- **{row.work}** ({row.reference}): {row.note}" for row in rows if not row.reached]
    others = [f"- {row.work} ({row.reference}): {row.note}" for row in rows if row.reached and row.note]
    compared = _compared(run, before) if before else FIRST
    parts = [BEGINNING.format(machine=run.machine, ended=run.ended, before=compared), *table, ""]
    if missed:
        parts += ["## What is not reached, and why", "", *missed, ""]
    if others:
        parts += ["## What is in the figures", "", *others, ""]
    return "\n".join(parts)


def _lines(path: str) -> Iterable[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


def _compared(run: Run, before: Run) -> str:
    agree, all_of_them = before.agreeing(run)
    machine = "" if before.machine == run.machine else f", on another machine ({before.machine.rstrip('.')})"
    return COMPARED.format(ended=before.ended, machine=machine, agree=agree, all=all_of_them)


def _cells(row: Row, before: Run | None) -> tuple[str, ...]:
    low, high = row.spread
    goal = f"≤ {row.target:g}×" if math.isfinite(row.target) else f"≤ {row.limit:g} {row.unit}"
    many = len(row.figures) > 1
    return (
        row.work,
        row.reference,
        f"{_number(row.ratio)}×",
        f"{_number(low)}–{_number(high)}" if many else "one round",
        _then(row, before.of(row) if before else None),
        goal,
        f"{_number(row.figure)} {row.unit}",
        f"{_number(row.reference_figure)} {row.unit}",
        "reached" if row.reached else "not reached",
    )


def _then(row: Row, found: Found | None) -> str:
    if found is None:
        return "–"
    return f"{_number(found.ratio)}×, {'agrees' if found.agrees(found_for(row)) else 'differs'}"


def _number(value: float) -> str:
    """Write a figure with three digits that count."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
