"""What a change does to a plan, in full: now and proposed, what is risky, and what is left to DBS."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bot.core.parameters import Parameter
from bot.core.plan import applicable, described, normalise, parameters
from bot.core.reading import Reading, Values
from bot.core.risks import Risk, omitted, risks

__all__ = ["Diff", "Risk", "Row", "RowKind", "compare_read_back", "diff", "moved"]

_NONE = "(none)"
_UNKNOWN = "unknown"
_DBS_DECIDES = "not sent: DBS decides"
_DBS_FINDS = "not sent: DBS finds it by itself"
_FOUND_FROM = ("SourceEndpointInstanceType", "SourceEndpointRegion", "SourceEndpointInstanceID")


class RowKind(StrEnum):
    """What a row says."""

    CHANGED = "changed"
    UNKNOWN = "unknown"
    """Sent, while the current value is not known."""
    NOT_SENT = "not_sent"
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
    """What changes, what is sent over an unknown value, and what is left to DBS, in the order of the form."""
    unchanged: tuple[Row, ...]
    risks: tuple[Risk, ...]


def diff(reading: Reading, proposed: Values, known: Values | None = None) -> Diff:
    """Compare a plan as read with the values to be sent.

    `known` is what this bot last applied; of it only what DBS cannot show counts, and is marked as such.
    """
    sent = applicable(normalise({**proposed, **reading.facts}))
    current = _current(reading, known)
    rows: list[Row] = []
    left_out: list[Risk] = []
    for parameter in parameters():
        row = _row(parameter, current, sent)
        if row is None:
            continue
        rows.append(row)
        if row.proposed == _DBS_DECIDES:
            left_out.append(omitted(parameter.label, known=parameter.name in current))
    touched = {row.parameter for row in rows if row.kind is not RowKind.UNCHANGED}
    return Diff(
        rows=tuple(row for row in rows if row.kind is not RowKind.UNCHANGED),
        unchanged=tuple(row for row in rows if row.kind is RowKind.UNCHANGED),
        risks=(*risks(reading, current, sent, touched), *left_out),
    )


def moved(before: Values, now: Values) -> tuple[Row, ...]:
    """Return what differs between two baselines: `now` of a row is what was seen, `proposed` what is there today."""
    names = sorted({*before, *now}, key=lambda name: (_place(name), name))
    return tuple(_differences((described(name), before.get(name), now.get(name)) for name in names))


def compare_read_back(sent: Values, reading: Reading) -> tuple[Row, ...]:
    """Return each readable parameter that DBS shows otherwise than it was sent: `now` is shown, `proposed` was sent."""
    readable = [parameter for parameter in parameters() if parameter.readable and parameter.name in sent]
    return tuple(
        _differences(
            (parameter, reading.values.get(parameter.name), sent[parameter.name] or parameter.form.empty)
            for parameter in readable
        )
    )


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


def _row(parameter: Parameter, current: Values, sent: Values) -> Row | None:
    """Return the parameter's row, or None where there is nothing now and nothing to send."""
    now, then = current.get(parameter.name), sent.get(parameter.name)
    said = _now(parameter, now)
    if then is not None:
        if parameter.same(now, then) and (parameter.readable or now is not None):
            kind = RowKind.UNCHANGED
        else:
            kind = RowKind.CHANGED if parameter.readable or now is not None else RowKind.UNKNOWN
        return Row(parameter.name, parameter.label, said, parameter.words(then), kind)
    if not parameter.applies(sent):
        # It is news only where it applied until now.
        if now is None or not parameter.applies({**sent, **_steering(current)}):
            return None
        fate = f"not sent: can be set only{parameter.rule.applies.clause}"
        return Row(parameter.name, parameter.label, said, fate, RowKind.NOT_SENT)
    if parameter.readable and now is None:
        return None
    if parameter.rule.derived.holds(sent):
        kind = RowKind.UNCHANGED if _same_source(current, sent) else RowKind.NOT_SENT
        return Row(parameter.name, parameter.label, said, _DBS_FINDS, kind)
    return Row(parameter.name, parameter.label, said, _DBS_DECIDES, RowKind.NOT_SENT)


def _same_source(current: Values, sent: Values) -> bool:
    """Tell whether what DBS found by itself still holds."""
    return all(described(name).same(current.get(name), sent.get(name)) for name in _FOUND_FROM)


def _steering(current: Values) -> dict[str, str]:
    """Return the current values that steer others; "" where one is unknown, which counts as DBS's default."""
    return {parameter.name: current.get(parameter.name, "") for parameter in parameters() if parameter.steers}


def _now(parameter: Parameter, now: str | None) -> str:
    if parameter.readable:
        return _words(parameter, now or parameter.form.empty or None)
    return _UNKNOWN if now is None else f"{parameter.words(now)} (last set by this bot)"


def _words(parameter: Parameter, text: str | None) -> str:
    text = parameter.normalise(text) if text is not None else text
    return _NONE if text is None else parameter.words(text)


def _place(name: str) -> int:
    """Order parameters as the form does, and the plan's facts behind them."""
    return next((place for place, parameter in enumerate(parameters()) if parameter.name == name), len(parameters()))
