"""A change as somebody supposes it, to ask the policy about it: what is said, what was read, and what stays open."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from bot.core.asked import facts_for
from bot.core.outlook import Unknown
from bot.core.parameters import Parameter
from bot.core.people import Channel
from bot.core.plan import parameter, parameters
from bot.core.policy_rule import Facts
from bot.core.reading import Reading, Values
from bot.core.risk_codes import ANY, RISKS
from bot.core.risks import NAME
from bot.core.text import Kind

_NOT_SET = {
    "BackupPlanId": "is given with --plan.",
    "ClientToken": "is the bot's own.",
    "DatabaseType": "is a fact of the plan: see --engine.",
    "BackupMethod": "is a fact of the plan: see --method.",
}
_HIDDEN = frozenset(one.name for one in parameters() if not one.readable)
_OF_THE_LEDGER = frozenset({"secret-changed", "unknown-now"})
"""Risks that hang on what the bot remembers of what DBS does not show: open here, as the ledger is not asked."""


@dataclass(frozen=True, slots=True)
class Supposed:
    """A change of a plan; what is "" is not known."""

    plan_id: str
    name: str = ""
    region: str = ""
    engine: str = ""
    method: str = ""
    now: Values = field(default_factory=dict)
    """API name → canonical text of what is there now, "" for no value."""
    then: Values = field(default_factory=dict)
    """The same for what it is to become."""
    by: str = ""
    channel: Channel = field(default_factory=lambda: Channel("", creator=None))
    reading: Reading | None = None
    """The plan as DBS shows it; what is said above counts more."""

    def facts(self) -> Facts:
        """Return the facts as far as they are certain: nobody's group, and only risks that are there in any case."""
        certain = {name: text for name, text in self.then.items() if name not in self._doubtful()}
        return self._facts(certain)

    def unknown(self) -> Unknown:
        """Say what may turn out otherwise; where no values are proposed, any may be."""
        facts = self.facts()
        read = self.reading is not None
        kinds = {
            "plans": not (read or facts.plan_name),
            "regions": not facts.region,
            "engines": not facts.engine,
            "channels": not (self.channel.id and self.channel.name and self.channel.creator is not None),
        }
        return Unknown(
            kinds=frozenset(kind for kind, is_open in kinds.items() if is_open),
            risks=frozenset(filter(self._may_be, RISKS)) - facts.risks,
        )

    def rows(self) -> list[str]:
        """Say for each value that is set what is there now and what it is to become."""
        named = {NAME: self.name} if self.name else {}
        before = {**(self.reading.values if self.reading else {}), **named, **self.now}
        return [
            f"{one.label}: {_words(one, before.get(one.name), known=self._is_known(one))} → {_words(one, text)}"
            for one in parameters()
            if (text := self.then.get(one.name)) is not None
        ]

    def _facts(self, then: Values) -> Facts:
        read = self.reading or Reading({"BackupPlanId": self.plan_id}, self.engine, self.method, status="")
        shown = {name: text for name, text in self.now.items() if parameter(name).readable}
        hidden = {name: text for name, text in self.now.items() if name not in shown and text}
        values = _given({**read.values, **shown})
        read = replace(
            read,
            values={**values, NAME: self.name} if self.name else values,
            database_type=self.engine or read.database_type,
            backup_method=self.method or read.backup_method,
            region=self.region or read.region,
        )
        proposed = _given({**read.values, **hidden, **then})
        # What DBS does not show and nobody mentions is supposed to stay as it is.
        staying = _HIDDEN - {*hidden, *then}
        facts = facts_for(read, proposed, hidden, self.by, self.channel, staying=staying)
        return replace(facts, risks=facts.risks - _OF_THE_LEDGER)

    def _is_known(self, one: Parameter) -> bool:
        named = one.name == NAME and self.name
        return bool(named) or one.name in self.now or (self.reading is not None and one.readable)

    def _doubtful(self) -> frozenset[str]:
        """Return what is proposed without anybody knowing what is there now, where that makes a difference."""
        return frozenset(name for name in self.then if name not in _HIDDEN and not self._is_known(parameter(name)))

    def _may_be(self, code: str) -> bool:
        """Whether what is proposed may bring a risk, depending on what is there now."""
        if not self.then or code in _OF_THE_LEDGER:
            return True
        doubtful = self._doubtful()
        if code == "cleared":
            return any(not self.then[name] for name in doubtful)
        return any(
            name in doubtful and (value == ANY or self.then[name] in {value, ""})
            for name, value in RISKS[code].brought_by.items()
        )


def _given(values: Values) -> dict[str, str]:
    return {name: text for name, text in values.items() if text}


def _words(one: Parameter, text: str | None, *, known: bool = True) -> str:
    if not known:
        return "unknown"
    return one.words(text) if text else "(none)"


def read_values(pairs: Iterable[str]) -> dict[str, str]:
    """Read `Name=value` pairs, the value "" for none. Raises ValueError with every problem as a sentence."""
    names = {one.name.lower(): one for one in parameters() if one.name not in _NOT_SET}
    values: dict[str, str] = {}
    problems: list[str] = []
    for pair in pairs:
        try:
            name, text = _read(pair, names)
        except ValueError as problem:
            problems.append(str(problem))
            continue
        if name in values:
            problems.append(f"{name} is there twice.")
        values[name] = text
    if problems:
        raise ValueError(" ".join(problems))
    return values


def _read(pair: str, names: Mapping[str, Parameter]) -> tuple[str, str]:
    name, equals, text = pair.partition("=")
    one = names.get(name.strip().lower())
    if one is None:
        for other, why in _NOT_SET.items():
            if other.lower() == name.strip().lower():
                raise ValueError(f"{other} {why}")
        if not equals:
            raise ValueError("Write Name=value.")  # not repeated: it may be a password
        close = get_close_matches(name.lower(), names)
        listed = ", ".join(names[found].name for found in close or names)
        raise ValueError(f"{name!r} is no parameter of a backup plan; {'perhaps' if close else 'there are'} {listed}.")
    if one.kind is Kind.SECRET:
        raise ValueError(
            f"{one.name} is not given here, it might be a password: whether it changes is told as an “if”."
        )
    if not equals:
        raise ValueError(f"{one.name} has no value: write {one.name}=value.")
    if not one.is_given(text):
        return one.name, ""
    try:
        return one.name, one.form.text(one.form.parse(text))
    except ValueError as problem:
        raise ValueError(f"{one.name}: {one.label} {problem}") from None
