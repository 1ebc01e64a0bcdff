"""What a change does to a plan, in full: now and proposed, what is risky, and what is left to DBS."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from bot.core.cautions import cautions
from bot.core.events import moment
from bot.core.looks import look_alike, marked
from bot.core.parameters import Parameter
from bot.core.plan import applicable, described, is_found_from_the_same, normalise, parameters
from bot.core.reading import Reading, Values
from bot.core.risks import Compared, Risk, risks

__all__ = ["Diff", "Risk", "Row", "RowKind", "compare_read_back", "diff", "moved"]

_NONE = "(none)"
_UNKNOWN = "unknown"
_DBS_DECIDES = "not sent: DBS decides"
_DBS_FINDS = "not sent: DBS finds it by itself"


class RowKind(StrEnum):
    """What a row says."""

    CHANGED = "changed"
    UNKNOWN = "unknown"
    """Sent, while the current value is not known."""
    NOT_SENT = "not_sent"
    REMEMBERED = "remembered"
    """Sent as this bot last set it, while DBS does not show whether it still is so."""
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Row:
    """One parameter, in full texts for people; never cut, a secret by its name."""

    parameter: str
    """Its API name."""
    label: str
    now: str
    proposed: str
    kind: RowKind = RowKind.CHANGED


@dataclass(frozen=True)
class Diff:
    """Everything that two people approve."""

    rows: tuple[Row, ...]
    """All but what DBS shows to stay as it is, in the order of the form."""
    unchanged: tuple[Row, ...]
    """What DBS shows to stay as it is."""
    risks: tuple[Risk, ...]

    @property
    def codes(self) -> frozenset[str]:
        """Everything that it counts as for the policy's rules."""
        return frozenset(code for risk in self.risks for code in risk.codes)

    @property
    def changes_nothing(self) -> bool:
        """Whether no value is sent, or left out, that is known to be another now."""
        return all(row.kind is RowKind.REMEMBERED for row in self.rows)


def diff(
    reading: Reading, proposed: Values, known: Values | None = None, since: str = "", *, staying: Collection[str] = ()
) -> Diff:
    """Compare a plan as read with the values to be sent.

    `known` is what this bot last set, at `since`, as `bot.core.remembered` tells it: what DBS cannot show is marked as
    such, and what DBS shows was set by people there, although DBS could find it by itself. What is in `staying` is left
    out of account: it is supposed to stay as it is, whatever that may be.
    """
    sent = applicable(normalise({**proposed, **reading.facts}))
    current = _current(reading, known)
    considered = [parameter for parameter in parameters() if parameter.name not in staying]
    by_people = frozenset(known or ())
    rows = {one: row for one in considered if (row := _row(one, current, sent, since, by_people)) is not None}
    changing = {parameter: row for parameter, row in rows.items() if row.kind is not RowKind.UNCHANGED}
    dropped = [parameter for parameter, row in changing.items() if row.kind is RowKind.NOT_SENT]
    along = [parameter for parameter in dropped if rows[parameter].proposed == _DBS_FINDS]
    compared = Compared(
        reading=reading,
        current=current,
        sent=sent,
        touched={parameter.name for parameter in changing},
        left_out=[parameter for parameter in dropped if parameter not in along],
        moved_along=along,
        unknown=[parameter for parameter, row in rows.items() if row.kind is RowKind.UNKNOWN],
    )
    return Diff(
        rows=tuple(changing.values()),
        unchanged=tuple(row for row in rows.values() if row.kind is RowKind.UNCHANGED),
        risks=(*risks(compared), *cautions(reading, current, sent, compared.touched)),
    )


def moved(before: Values, now: Values) -> tuple[Row, ...]:
    """Return what differs between two baselines: `now` of a row is what was seen, `proposed` what is there today."""
    names = sorted({*before, *now}, key=lambda name: (_place(name), name))
    shown = (described(name) for name in names if name in now or described(name).always_shown)
    return tuple(_differences((parameter, before.get(parameter.name), now.get(parameter.name)) for parameter in shown))


def compare_read_back(sent: Values, reading: Reading) -> tuple[Row, ...]:
    """Return each readable parameter that DBS shows otherwise than it was sent: `now` is shown, `proposed` was sent."""
    readable = [parameter for parameter in parameters() if parameter.name in sent and is_shown(parameter, reading)]
    return tuple(
        _differences(
            (parameter, reading.values.get(parameter.name), sent[parameter.name] or parameter.form.empty)
            for parameter in readable
        )
    )


def is_shown(parameter: Parameter, reading: Reading) -> bool:
    """Tell whether a reading says what the value is: of some DBS shows none although there is one."""
    return parameter.readable and (parameter.always_shown or parameter.name in reading.values)


def _differences(pairs: Iterable[tuple[Parameter, str | None, str | None]]) -> Iterable[Row]:
    for parameter, one, other in pairs:
        if not parameter.same(one, other):
            yield Row(parameter.name, parameter.label, _words(parameter, one), _words(parameter, other))


def _current(reading: Reading, known: Values | None) -> dict[str, str]:
    shown = normalise(reading.values)
    remembered = normalise(known or {})
    return shown | {
        parameter.name: remembered[parameter.name]
        for parameter in parameters()
        if not parameter.readable and parameter.name in remembered
    }


def _row(parameter: Parameter, current: Values, sent: Values, since: str, by_people: Collection[str]) -> Row | None:
    """Return the parameter's row, or None where there is nothing now and nothing to send."""
    now, then = current.get(parameter.name), sent.get(parameter.name)
    said = _now(parameter, now, since)
    if then is not None:
        shown, kind = parameter.words(then), _kind(parameter, now, then)
        if now is not None and parameter.form.names(then) == (then,) and look_alike(now, then):
            said, shown = marked(now, then), marked(then, now)
        return Row(parameter.name, parameter.label, said, shown, kind)
    if not parameter.applies(sent):
        # What DBS shows is there, whatever is remembered; of the rest it is news only where it applied until now.
        if now is None or not (parameter.readable or parameter.applies({**sent, **_steering(current)})):
            return None
        fate = f"not sent: can be set only{parameter.rule.applies.clause}"
        return Row(parameter.name, parameter.label, said, fate, RowKind.NOT_SENT)
    if parameter.readable and now is None:
        return None
    if parameter.rule.derived.holds(sent) and parameter.name not in by_people:
        stays = is_found_from_the_same(parameter.name, current, sent)
        kind = RowKind.UNCHANGED if stays else RowKind.NOT_SENT
        return Row(parameter.name, parameter.label, said, _DBS_FINDS, kind)
    return Row(parameter.name, parameter.label, said, _DBS_DECIDES, RowKind.NOT_SENT)


def _kind(parameter: Parameter, now: str | None, then: str) -> RowKind:
    if now is None and not parameter.readable:
        return RowKind.UNKNOWN
    if not parameter.same(now, then):
        return RowKind.CHANGED
    return RowKind.UNCHANGED if parameter.readable else RowKind.REMEMBERED


def _steering(current: Values) -> dict[str, str]:
    """Return the current values that steer others; "" where one is unknown, which counts as DBS's default."""
    return {parameter.name: current.get(parameter.name, "") for parameter in parameters() if parameter.steers}


def _now(parameter: Parameter, now: str | None, since: str) -> str:
    if parameter.readable:
        return _words(parameter, now or parameter.form.empty or None)
    if now is None:
        return _UNKNOWN
    return f"{parameter.words(now)} ({f'set by this bot on {day(since)}' if since else 'last set by this bot'})"


def day(since: str) -> str:
    """Write the day of a moment in the ledger, as sentences name it: "12 Nov 2026"."""
    at = moment(since)
    return f"{at.day} {at:%b %Y}"


def _words(parameter: Parameter, text: str | None) -> str:
    text = parameter.normalise(text) if text is not None else text
    return _NONE if text is None else parameter.words(text)


def _place(name: str) -> int:
    """Order parameters as the form does, and the plan's facts behind them."""
    return next((place for place, parameter in enumerate(parameters()) if parameter.name == name), len(parameters()))
