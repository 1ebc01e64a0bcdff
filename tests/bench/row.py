"""One line of the table: a figure of ours beside what one would compare it with, measured in the same rounds."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True)
class Row:
    """One line of the table: our figure beside its reference, a pair for each round."""

    work: str
    reference: str
    target: float
    """The ratio that is to be reached, at most."""
    figures: tuple[float, ...]
    """Ours, one a round."""
    references: tuple[float, ...]
    """Measured in the same round."""
    unit: str
    """ms, ms of CPU, MiB, writes: of both."""
    note: str = ""
    """What is in it, or why it is not reached."""
    limit: float = math.inf
    """Where the goal is no ratio: the most that our figure may be, in `unit`; `target` is infinite then."""

    @property
    def figure(self) -> float:
        """Ours, in the middle of the rounds."""
        return median(self.figures)

    @property
    def reference_figure(self) -> float:
        """The reference, in the middle of the rounds."""
        return median(self.references)

    @property
    def ratios(self) -> tuple[float, ...]:
        """Our figure by its reference, round by round."""
        return tuple(ours / theirs for ours, theirs in zip(self.figures, self.references, strict=True))

    @property
    def ratio(self) -> float:
        """The one in the middle of the rounds'."""
        return median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest ratio of a round."""
        return min(self.ratios), max(self.ratios)

    @property
    def reached(self) -> bool:
        """Whether ratio and figure are what they are to be at most."""
        return self.ratio <= self.target and self.figure <= self.limit


def p99(samples: Iterable[float]) -> float:
    """Return what ninety-nine of a hundred stay below, and never more than the highest."""
    return quantiles(samples, n=100, method="inclusive")[-1]
