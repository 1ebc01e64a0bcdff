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
    ("low", "ratio", "high", "agrees"),
    [
        (1.0, 1.0, 1.1, True),
        (2.9, 3.0, 3.0, True),
        (3.0, 3.1, 3.2, False),
        (0.8, 0.9, 1.0, False),
        (0.1, 0.9, 2.0, True),
    ],
)
def test_two_runs_agree_where_the_middle_of_one_lies_within_the_spread_of_the_other(
    low: float, ratio: float, high: float, agrees: bool
) -> None:
    one, other = Found(low=1.0, ratio=2.0, high=3.0), Found(low=low, ratio=ratio, high=high)
    assert one.agrees(other) is other.agrees(one) is agrees


@pytest.mark.parametrize(("ratio", "agrees"), [(2.01, True), (1.99, True), (2.03, False)])
def test_what_is_counted_once_agrees_within_one_per_cent(ratio: float, agrees: bool) -> None:
    assert Found(low=2.0, ratio=2.0, high=2.0).agrees(Found(low=ratio, ratio=ratio, high=ratio)) is agrees


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
