"""The run before: what it found is kept beside the document, so that the next one can say where it differs."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from pydantic import BaseModel

from bench.row import Row

COUNTED_ONCE = 0.01
"""So much may a ratio differ that has no rounds: the least and the most are the same then."""


class Found(BaseModel):
    """The ratio of one row: in the middle, the lowest and the highest of the rounds."""

    ratio: float
    low: float
    high: float

    def agrees(self, other: Self) -> bool:
        """Tell whether the ratio of one of two runs lies within what the other one states as its spread."""
        return self._spans(other.ratio) or other._spans(self.ratio)

    def _spans(self, ratio: float) -> bool:
        some = COUNTED_ONCE * self.ratio if self.low == self.high else 0.0
        return self.low - some <= ratio <= self.high + some


class Run(BaseModel):
    """One run of everything."""

    ended: str
    """Day and minute, in UTC."""
    machine: str
    found: dict[str, Found]
    """By what identifies a row; see `identity`."""

    def of(self, row: Row) -> Found | None:
        """Return what this run found for a row, None where it had no such row."""
        return self.found.get(identity(row))

    def agreeing(self, other: Self) -> tuple[int, int]:
        """Return how many ratios of two runs agree, and how many can be compared."""
        agree = [self.found[name].agrees(found) for name, found in other.found.items() if name in self.found]
        return sum(agree), len(agree)


def identity(row: Row) -> str:
    """Return what tells a row from all others, in every run."""
    return f"{row.work} / {row.reference} / {row.unit}"


def run_of(rows: Iterable[Row], ended: str, machine: str) -> Run:
    """Return what is to be kept of a run."""
    return Run(ended=ended, machine=machine, found={identity(row): found_for(row) for row in rows})


def found_for(row: Row) -> Found:
    """Return what is to be kept of a row."""
    low, high = row.spread
    return Found(ratio=row.ratio, low=low, high=high)


def read(path: Path) -> Run | None:
    """Return the run that was kept, None where there was none."""
    return Run.model_validate_json(path.read_bytes()) if path.exists() else None


def keep(run: Run, path: Path) -> None:
    """Write it in place of the run before."""
    path.write_text(run.model_dump_json(indent=1) + "\n", encoding="utf-8")
