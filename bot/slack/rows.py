"""The rows of a diff, as Slack can show them: in a table, in a modal, or in the plainest blocks there are."""

from collections.abc import Callable, Sequence

from bot.core.asked import reading_of
from bot.core.diff import Diff, Row, diff
from bot.core.events import Requested
from bot.slack.text import Block, bullets, inert, literal, plain, section, shortened

MOST_ROWS = 99
"""Rows below the heading of a table."""
MOST_TEXT = 10_000
"""Characters of one table, and what a message stays below."""
REST = 3000
"""Characters left for everything else on a card."""
SHORT = 300
"""Characters of a value that is only hinted at."""
CHUNK = 2900
"""Characters of one section, below Slack's 3000."""


def diff_of(request: Requested) -> Diff:
    """Return what a request changes, as its approvers see it."""
    return diff(reading_of(request), request.proposed, request.known, request.known_since)


def table(rows: Sequence[Row], headings: tuple[str, str, str] = ("Parameter", "Now", "Proposed")) -> Block:
    """Return a table of rows; every cell wraps, as Slack would cut it otherwise."""
    lines = [headings, *((row.label, row.now, row.proposed) for row in rows)]
    return {
        "type": "table",
        "rows": [[{"type": "raw_text", "text": inert(cell) or "(none)"} for cell in line] for line in lines],
        "column_settings": [{"is_wrapped": True}] * 3,
    }


def in_full(rows: Sequence[Row]) -> bool:
    """Whether a message can show all of these rows, whatever blocks it is drawn with."""
    return (
        len(rows) <= MOST_ROWS
        and sum(len(inert(row.label + row.now + row.proposed)) + 8 for row in rows) <= MOST_TEXT - REST
    )


def bulleted(rows: Sequence[Row]) -> Block:
    """Return rows as bullets, for modals, which have no tables; shortened if no message could show them in full."""
    return _bullets(rows, lambda row, longest: f"{shortened(row.now, longest)} → {shortened(row.proposed, longest)}")


def values(rows: Sequence[Row]) -> Block:
    """Return what does not change, one bullet a parameter; shortened if no message could show it in full."""
    return _bullets(rows, lambda row, longest: shortened(_one(row), longest))


def _bullets(rows: Sequence[Row], say: Callable[[Row, int], str]) -> Block:
    longest = MOST_TEXT if in_full(rows) else SHORT
    return bullets([[literal(f"{row.label}: ", bold=True), literal(say(row, longest))] for row in rows])


def sections(rows: Sequence[Row]) -> list[Block]:
    """Return rows in the plainest blocks, for a Slack that does not take the others; nothing is left out."""
    return chunks("\n".join(f"{row.label}: {row.now} → {row.proposed}" for row in rows))


def chunks(text: str) -> list[Block]:
    """Return text of any length as sections, parted between lines unless one line is too long for a section."""
    rest, parts = inert(text), []
    while len(rest) > CHUNK:
        end = rest.rfind("\n", 1, CHUNK)
        end = CHUNK if end < 0 else end
        parts.append(rest[:end])
        rest = rest[end:].removeprefix("\n")
    return [section(plain(part)) for part in (*parts, rest) if part]


def _one(row: Row) -> str:
    return row.now if row.now == row.proposed else f"{row.now} ({row.proposed})"
