"""What `make bench` says of a run beside the run before."""

from pathlib import Path

import pytest

from bench.before import Found, keep, read, run_of
from bench.report import document, printed
from bench.row import Row

MACHINE = "Some CPU, 2 cores; slack-bolt 1."


def row(work: str, *figures: float, target: float = 2.0, note: str = "") -> Row:
    return Row(work, "nothing", target, figures, (1.0,) * len(figures), "ms", note)


@pytest.mark.parametrize(
    ("low", "high", "ratio", "agrees"),
    [
        (1.0, 3.0, 1.0, True),
        (1.0, 3.0, 3.0, True),
        (1.0, 3.0, 3.01, False),
        (1.0, 3.0, 0.99, False),
        (2.0, 2.0, 2.01, True),
        (2.0, 2.0, 2.03, False),
    ],
)
def test_a_ratio_agrees_that_lies_within_the_spread_of_the_run_before(
    low: float, high: float, ratio: float, agrees: bool
) -> None:
    assert Found(ratio=2.0, low=low, high=high).agrees(ratio) is agrees


def test_the_next_run_says_where_it_agrees_with_the_one_before(tmp_path: Path) -> None:
    kept = tmp_path / "performance.json"
    assert read(kept) is None
    keep(run_of([row("One", 1.0, 1.5, 1.2), row("Two", 1.0, 1.1, 1.2), row("Gone", 1.0)], "Monday", MACHINE), kept)
    before = read(kept)
    assert before is not None
    rows = [row("One", 1.4, 9.0, 0.5), row("Two", 3.0, 3.1, 2.9, note="Because."), row("New", 1.0)]
    text = document(rows, run_of(rows, "Tuesday", "Another CPU."), before)
    lines = text.splitlines()
    assert "| One | nothing | 1.4× | 0.5–9 | 1.2×, agrees | ≤ 2× | 1.4 ms | 1 ms | reached |" in lines
    assert "| Two | nothing | 3× | 2.9–3.1 | 1.1×, differs | ≤ 2× | 3 ms | 1 ms | not reached |" in lines
    assert "| New | nothing | 1× | one round | – | ≤ 2× | 1 ms | 1 ms | reached |" in lines
    assert "- **Two** (nothing): Because." in lines
    assert "> Another CPU." in lines
    said = " ".join(lines)
    assert "This run ended on Tuesday, UTC." in said
    assert f"The run before ended on Monday, on another machine ({MACHINE[:-1]})." in said
    assert "Of the 2 ratios in both, 1 agree" in said
    assert "1.1×, differs" in printed(rows, before)


def test_the_first_run_has_nothing_to_agree_with() -> None:
    rows = [row("One", 1.0, 2.0)]
    assert "There is no run before" in document(rows, run_of(rows, "Monday", MACHINE), None)
