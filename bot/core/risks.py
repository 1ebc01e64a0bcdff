"""What the people who decide should not overlook: each risk has codes and a sentence, and none of them refuses."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from bot.core.conditions import BackupMethod, BackupStrategyType, DatabaseType, SourceEndpointInstanceType
from bot.core.looks import is_mixed, look_alike, marked
from bot.core.objects import is_reduced
from bot.core.parameters import Parameter
from bot.core.plan import parameter
from bot.core.reading import Reading, Values
from bot.core.risk_codes import ACCOUNT, LIFECYCLE, NAMES, RISKS, SOURCE, STORAGE, brought_by, clauses

SECRET = "SourceEndpointPassword"  # noqa: S105 - a parameter's name
NAME = "BackupPlanName"

_STATUSES = {
    "wait": "",
    "init": "",
    "check_pass": "",
    "running": "The plan is running: DBS does not say whether it takes a change now.",
    "pause": "The plan is paused: DBS does not say whether it takes a change now.",
    "stop": "The plan has failed and stopped: DBS does not say whether it takes a change now.",
    "locked": "The plan is locked: unlock it first, in the DBS console or by renewing it.",
}


@dataclass(frozen=True)
class Risk:
    """One thing to look at before approving."""

    code: str
    """A stable word: one of `RISKS`, or one that only informs."""
    sentence: str
    counts_as: tuple[str, ...] = ()
    """What else it may be at the worst, so that rules about that apply too."""

    @property
    def codes(self) -> tuple[str, ...]:
        """Everything that it counts as."""
        return (self.code, *self.counts_as)


@dataclass(frozen=True)
class Compared:
    """A plan as it is and as it is to become, all values normalised."""

    reading: Reading
    current: Values
    """What DBS shows, and what this bot remembers of the rest."""
    sent: Values
    touched: Collection[str]
    """What does not stay as it is, by API name."""
    left_out: Collection[Parameter]
    """What is neither sent nor found by DBS, though it has a present value or nobody knows."""
    moved_along: Collection[Parameter]
    """What is no longer sent because DBS finds it by itself for another source or storage."""
    unknown: Collection[Parameter]
    """What is sent while nobody knows what is there now."""


def risks(found: Compared) -> Iterator[Risk]:
    """Yield what is risky about a change."""
    current, sent, touched = found.current, found.sent, found.touched
    yield from _plan(found.reading)
    yield from _renamed(current, sent)
    yield from _retention(current, sent)
    if sent.get("EnableBackupLog") == "false" != current.get("EnableBackupLog"):
        yield _risk("log-backup-off")
    along = {one.name for one in found.moved_along}
    if any(name in current for name in SOURCE):
        # A plan that has no source yet gets its first one; that is no change of source.
        yield from _moves("source-changed", SOURCE, touched, ("cleared",) if along & {*SOURCE} else ())
    yield from _moves("storage-changed", STORAGE, touched, ("cleared",) if along & {*STORAGE} else ())
    yield from _moves("account-changed", ACCOUNT, touched)
    yield from _moves("lifecycle-changed", LIFECYCLE, touched)
    yield from _schedule(current, sent)
    yield from _objects(current, sent)
    yield from _secret(current, sent)
    yield from _look_alikes(current, sent)
    yield from _unknown(found.unknown)
    for one in found.left_out:
        yield _omitted(one, known=one.name in current)


def _risk(code: str, counts_as: tuple[str, ...] = (), **said: object) -> Risk:
    return Risk(code, RISKS[code].sentence.format(**said), counts_as)


def _omitted(one: Parameter, *, known: bool) -> Risk:
    """Return the risk of leaving a parameter out: the worst that any of its values could be."""
    worst = brought_by(one.name)
    said = f" Treated as: {'; '.join(clauses(worst))}." if worst else ""
    if known:
        return Risk("cleared", RISKS["cleared"].sentence.format(label=one.label) + said, worst)
    sentence = f"{one.label}: not sent, and the present value is unknown. DBS decides whether that stays."
    return Risk("unknown-now", sentence + said, ("cleared", *worst))


def _unknown(unknown: Collection[Parameter]) -> Iterator[Risk]:
    """Say it once for all: each has its row."""
    if unknown:
        counts_as = ("secret-changed",) if any(one.name == SECRET for one in unknown) else ()
        yield _risk("unknown-now", counts_as, labels=", ".join(one.label for one in unknown))


def _plan(reading: Reading) -> Iterator[Risk]:
    status = reading.status
    if said := _STATUSES.get(status, f"The bot does not know the plan's status {status or '(none)'}."):
        yield Risk("status", said)
    for code, kind, word in (
        ("unknown-engine", DatabaseType, reading.database_type),
        ("unknown-method", BackupMethod, reading.backup_method),
    ):
        if not _is_one_of(kind, word):
            subject = "engine" if kind is DatabaseType else "backup method"
            yield Risk(code, f"The bot does not know the {subject} {word or '(none)'}: its rules may not fit.")


def _renamed(current: Values, sent: Values) -> Iterator[Risk]:
    before, after = current.get(NAME), sent.get(NAME)
    if before and after and before != after:
        yield _risk("renamed", before=before)


def _retention(current: Values, sent: Values) -> Iterator[Risk]:
    before, after = _number(current, "BackupRetentionPeriod"), _number(sent, "BackupRetentionPeriod")
    said = current.get("BackupRetentionPeriod")
    if after is not None and said is not None and (before is None or before < 0 or after < before):
        # what is no number of days, or a negative one, may be for ever
        yield _risk("retention-shortened", before=said, after=after)
    names = (*LIFECYCLE, "BackupRetentionPeriod")
    # 0 days until a backup moves means that it never does.
    steps = [(name, days) for name in names if (days := _number(sent, name)) or (days == 0 and name not in LIFECYCLE)]
    if any(earlier[1] >= later[1] for earlier, later in pairwise(steps)):
        listed = ", ".join(f"{parameter(name).label} {days} days" for name, days in steps)
        yield Risk("lifecycle-order", f"{listed}: each should be longer than the one before, or DBS may refuse.")


def _moves(
    code: str, names: Collection[str], touched: Collection[str], counts_as: tuple[str, ...] = ()
) -> Iterator[Risk]:
    if moved := [parameter(name).label for name in names if name in touched]:
        yield _risk(code, counts_as, labels=", ".join(moved))


def _schedule(current: Values, sent: Values) -> Iterator[Risk]:
    manual = BackupStrategyType.MANUAL
    if sent.get("BackupStrategyType") == manual:
        # Also where this bot set it before: DBS does not show whether it still is, and no day is fewer than any.
        stays = current.get("BackupStrategyType") == manual
        yield _risk("schedule-manual", ("days-fewer",), becomes="stays" if stays else "becomes")
    before, after = (_days(values) for values in (current, sent))
    if 0 < after < before:
        yield _risk("days-fewer", before=before, after=after)


def _objects(current: Values, sent: Values) -> Iterator[Risk]:
    before, after = current.get("BackupObjects"), sent.get("BackupObjects")
    if after is None:
        if sent.get("SourceEndpointInstanceType") != SourceEndpointInstanceType.AGENT:
            yield Risk("objects-absent", "Backup objects are not named: DBS decides what is backed up, or refuses.")
    elif before is not None and not parameter("BackupObjects").same(before, after):
        if is_reduced(before, after):
            yield _risk("objects-reduced", ("objects-changed",))
        else:
            yield _risk("objects-changed")


def _secret(current: Values, sent: Values) -> Iterator[Risk]:
    before, after = current.get(SECRET), sent.get(SECRET)
    if before and after and before != after:
        yield _risk("secret-changed", before=before, after=after)


def _look_alikes(current: Values, sent: Values) -> Iterator[Risk]:
    for one in map(parameter, NAMES):
        before, after = (one.form.names(values.get(one.name, "")) for values in (current, sent))
        for name in after:
            if name in before:
                continue
            twin = next((other for other in before if look_alike(name, other)), "")
            if twin:
                looks = f"looks like {marked(twin, name)}, and is another"
            elif is_mixed(name):
                looks = "is written in letters of several scripts, of which some look alike"
            else:
                continue
            yield _risk("look-alike", label=one.label, name=marked(name, twin), looks=looks)


def _is_one_of(kind: type[Enum], word: str) -> bool:
    try:
        kind(word)
    except ValueError:
        return False
    return True


def _number(values: Values, name: str) -> int | None:
    try:
        return int(values[name])
    except (KeyError, ValueError):
        return None


def _days(values: Values) -> int:
    return len(values["BackupPeriod"].split(",")) if "BackupPeriod" in values else 0
