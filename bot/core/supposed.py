"""A change as somebody supposes it, to ask the policy about it: what is said, what was read, and what stays open."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from bot.core.asked import facts_for
from bot.core.outlook import Unknown
from bot.core.parameters import Parameter
from bot.core.people import Channel
from bot.core.plan import derived, normalise, parameter, parameters
from bot.core.policy_rule import Facts
from bot.core.reading import Reading, Values
from bot.core.risk_codes import ANY, RISKS, SOURCE
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
"""Risks that are never certain here: only the ledger knows what the bot remembers of what DBS does not show."""


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
        facts = self._facts(certain)
        # Whatever the plan is called now, rules are asked about the new name as well.
        return facts if facts.plan_name else replace(facts, new_name=self.then.get(NAME, ""))

    def unknown(self) -> Unknown:
        """Say what may turn out otherwise; where no values are proposed, any may be."""
        facts = self.facts()
        read = self.reading is not None
        kinds = {
            "plans": not (self.then and (read or facts.plan_name)),
            "regions": not facts.region,
            "engines": not facts.engine,
            "channels": not (self.channel.id and self.channel.name and self.channel.creator is not None),
        }
        return Unknown(
            kinds=frozenset(kind for kind, is_open in kinds.items() if is_open),
            risks=(self.told_by_values | self.told_by_ledger) - facts.risks,
        )

    @property
    def told_by_values(self) -> frozenset[str]:
        """Risks that hang on the values: on those proposed, and on what is there now."""
        return frozenset(filter(self._may_be, RISKS))

    @property
    def told_by_ledger(self) -> frozenset[str]:
        """Risks that hang on what the bot remembers of what DBS does not show, which nobody asks here.

        What it remembers is sent as it is; what it does not remember is left out, unless somebody fills it in.
        """
        left = _HIDDEN - {*self.then}
        brought = {code for code, about in RISKS.items() if not about.brought_by.keys().isdisjoint(left)}
        return _OF_THE_LEDGER | brought | ({"cleared"} if left else frozenset())

    @property
    def left_to_the_ledger(self) -> list[str]:
        """The labels of what DBS does not show and nobody proposes; --now cannot say whether the bot remembers it."""
        read = self.reading.facts if self.reading else {}
        facts = {**read, **_given({"DatabaseType": self.engine, "BackupMethod": self.method})}
        return [one.label for one in parameters() if one.name in _HIDDEN - {*self.then} and one.applies(facts)]

    @property
    def is_named(self) -> bool:
        """Whether it is known what the plan is called now."""
        return self._is_known(parameter(NAME))

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
        # As a form does, leave to DBS what it finds by itself.
        present = normalise(read.values)
        held = {name: text for name, text in present.items() if not derived(name, present)}
        proposed = _given({**held, **hidden, **then})
        # What becomes of what DBS does not show and nobody mentions is not certain: see `told_by_ledger`.
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
        if not self.then:
            return True
        doubtful = self._doubtful()
        if code == "cleared":
            return any(not self.then[name] for name in doubtful)
        if code == "source-changed" and any(self._sets_first(name) for name in SOURCE):
            return True
        return any(
            name in doubtful and (value == ANY or self.then[name] in {value, ""})
            for name, value in RISKS[code].brought_by.items()
        )

    def _sets_first(self, name: str) -> bool:
        """Whether a part of the source is set where nobody knows whether the plan has one: its first is no change."""
        read = self.reading.values if self.reading else {}
        is_first = bool(self.then.get(name)) and not {**read, **self.now}.get(name)
        return is_first and not all(self._is_known(parameter(other)) for other in SOURCE)


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
