"""What moved although nobody sent it: whether a full set resets what it does not name is documented nowhere."""

from fnmatch import fnmatchcase

from bot.core.diff import Row, moved
from bot.core.events import Requested
from bot.core.reading import Reading, Values

MOVES_BY_ITSELF = ("*Status", "ErrMessage", "*Time", "*Timestamp*")
"""Fields that backups and time move: statuses, times, the restorable window (patterns)."""
_NONE = "(none)"


def also_moved(request: Requested, reading: Reading) -> tuple[Row, ...]:
    """Return what differs between the plan as it was read for a request and now, beside all that was sent."""
    known = (
        row
        for row in moved(request.baseline, reading.baseline)
        if row.parameter not in request.proposed and row.parameter != "BackupPlanId"
    )
    return (*known, *_details(request.details, reading.details))


def _details(before: Values, now: Values) -> tuple[Row, ...]:
    """Compare fields that are no parameters; histories from before they were kept say nothing of them."""
    names = sorted({*before, *now}) if before else []
    return tuple(
        Row(name, name, before.get(name, _NONE), now.get(name, _NONE))
        for name in names
        if before.get(name) != now.get(name) and not any(fnmatchcase(name, pattern) for pattern in MOVES_BY_ITSELF)
    )
