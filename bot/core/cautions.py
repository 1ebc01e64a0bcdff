"""What DBS may make of a change that its documents do not settle: information for who decides, each with a code."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta

from bot.core.conditions import BackupMethod, BackupStrategyType
from bot.core.events import moment
from bot.core.plan import parameter
from bot.core.reading import Reading, Values
from bot.core.risk_codes import SOURCE
from bot.core.risks import Risk

DOCUMENTED = 1825
"""Days of retention up to which the API's page goes; the console's pages go further."""
SOON = timedelta(days=30)
"""So long before its end people hear that a subscription ends."""
_MILLISECONDS = 100_000_000_000
"""From here on a number counts milliseconds since 1970: as seconds it would be in the year 5138."""


def cautions(reading: Reading, current: Values, proposed: Values, touched: Collection[str]) -> Iterator[Risk]:
    """Yield what to know of going from `current` to `proposed`, both normalised, `touched` being what differs."""
    yield from _schedule(proposed)
    days = proposed.get("BackupRetentionPeriod", "")
    if days.isascii() and days.isdigit() and len(days) < 10 and int(days) > DOCUMENTED:
        said = f"Backups are kept for {days} days: the API documents up to {DOCUMENTED}, so DBS may refuse."
        yield Risk("retention-long", said)
    physical = reading.backup_method in {BackupMethod.PHYSICAL, BackupMethod.DUPLICATION}
    if physical and any(name in current for name in SOURCE) and any(name in touched for name in SOURCE):
        said = "The plan backs up physically: the DBS console lets only logical plans change their source."
        yield Risk("source-physical", said)
    yield from _subscription(reading)


def _schedule(proposed: Values) -> Iterator[Risk]:
    if (proposed.get("BackupStrategyType") or BackupStrategyType.SIMPLE) != BackupStrategyType.SIMPLE:
        return
    missing = [parameter(name).label for name in ("BackupPeriod", "BackupStartTime") if name not in proposed]
    if missing:
        listed = " and ".join(missing)
        yield Risk("schedule-incomplete", f"The strategy is simple, but without {listed}: DBS may refuse or choose.")
    if "BackupPeriod" in proposed and "," not in proposed["BackupPeriod"]:
        said = "A full backup is made on one day of the week only: one page of DBS demands at least two."
        yield Risk("single-day", said)


def _subscription(reading: Reading) -> Iterator[Risk]:
    ends = moment_of(reading.details.get("InstanceExpiredTimestamp", ""))
    if ends is None or not reading.read_at:
        return
    left = ends - moment(reading.read_at)
    if left <= timedelta():
        yield Risk("expiring", f"The plan's subscription ended on {ends:%Y-%m-%d} (UTC): renew it, or DBS locks it.")
    elif left < SOON:
        soon = "today" if left.days == 0 else "in 1 day" if left.days == 1 else f"in {left.days} days"
        said = f"The plan's subscription ends {soon}, on {ends:%Y-%m-%d} (UTC): an expired plan is locked."
        yield Risk("expiring", said)


def moment_of(text: str) -> datetime | None:
    """Read a moment as DBS may write it: milliseconds or seconds since 1970, or ISO; None for none."""
    try:
        if text.isascii() and text.isdigit():
            number = int(text[:20])
            seconds = number / 1000 if number >= _MILLISECONDS else number
            return datetime.fromtimestamp(seconds, UTC) if number else None
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
