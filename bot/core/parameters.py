"""One parameter of ConfigureBackupPlan, as everybody else asks about it; gathered from the model's annotations."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bot.core.conditions import Rule
from bot.core.text import Form, Kind

T = TypeVar("T")


class Group(StrEnum):
    """How people think of the parameters, in the order of the form."""

    PLAN = "Plan"
    SOURCE = "Source"
    OBJECTS = "Objects"
    SCHEDULE = "Schedule"
    STORAGE = "Retention and storage"
    LIMITS = "Limits"
    CROSS_ACCOUNT = "Cross-account"
    OTHER = "Other"


@dataclass(frozen=True)
class Input:
    """What people see of a parameter."""

    group: Group
    label: str
    meaning: str
    """What it is, in a sentence for who fills it in."""
    default: str = ""
    """What DBS documents as its default, in text form."""
    readable: bool = True
    """Whether DBS shows the current value."""
    identifies: bool = False
    """Whether a value says which plan, database or account this is: one meant for a plan is none for another."""
    always_shown: bool = True
    """Whether an empty reply means that there is none; else it means that DBS does not show it."""


@dataclass(frozen=True)
class Parameter:
    """A parameter that a person can set."""

    name: str
    """The API name: its one identity outside Python."""
    field: str
    label: str
    hint: str
    group: Group
    default: str
    readable: bool
    identifies: bool
    always_shown: bool
    steers: bool
    """Whether the rules of others look at its value."""
    rule: Rule
    form: Form[Any]

    @property
    def kind(self) -> Kind:
        """What sort of input asks for it."""
        return self.form.kind

    @property
    def choices(self) -> tuple[str, ...]:
        """The values to choose from in text form, () for free text."""
        return self.form.choices

    @property
    def minimum(self) -> int | None:
        """The smallest number allowed."""
        return self.form.minimum

    @property
    def maximum(self) -> int | None:
        """The largest number allowed."""
        return self.form.maximum

    @property
    def unit(self) -> str:
        """What a number counts, "" for nothing."""
        return self.form.unit

    def applies(self, facts: Mapping[str, str]) -> bool:
        """Tell whether it may be set, given the facts by API name."""
        return self.rule.applies.holds(facts)

    def required(self, facts: Mapping[str, str], read: Mapping[str, str] | None = None) -> bool:
        """Tell whether it must be set; `read` is the plan as DBS shows it."""
        return self.applies(facts) and self.rule.required.holds(facts) and not self._is_spared(facts, read or {})

    def _is_spared(self, facts: Mapping[str, str], read: Mapping[str, str]) -> bool:
        """Tell whether DBS itself does without it, for the source that the plan has and keeps."""
        rule = self.rule
        return (
            rule.spared.holds(read)
            and not {rule.spared_with} & {*read, *facts}
            and all(facts.get(name) == read.get(name) for name in SOURCE)
        )

    def words(self, text: str) -> str:
        """Return a value as people read it, in full: "30 days", "14:22 UTC", "on"."""
        return self.form.words(text)

    def is_given(self, text: str) -> bool:
        """Tell whether text typed by a person is a value; empty text is one only where DBS has an empty word."""
        return bool(text.strip()) or "" not in self.form.nothing

    def normalise(self, text: str) -> str | None:
        """Return the canonical text of a value, None for DBS's "none"; what cannot be read stays as it is."""
        return _canonical(self.form, text)

    def same(self, one: str | None, other: str | None) -> bool:
        """Tell whether two texts mean the same to DBS; None where there is no value."""
        return self._comparable(one) == self._comparable(other)

    def _comparable(self, text: str | None) -> str | None:
        if text is not None:
            text = self.normalise(text)
        text = text or self.form.empty
        return _comparable(self.form, text) if text else None


SOURCE = ("SourceEndpointInstanceType", "SourceEndpointRegion", "SourceEndpointInstanceID")
"""What names a source that DBS finds the rest of by itself."""

SHORT = 10_000
"""Characters of the longest text whose forms are remembered. Drawing one card asks for the same ones four times."""


def _remembered(derive: Callable[[Form[Any], str], T]) -> Callable[[Form[Any], str], T]:
    """Remember what was derived from short texts; a long one is derived anew each time."""
    remembering = lru_cache(maxsize=1024)(derive)

    def derived(form: Form[Any], text: str) -> T:
        return (remembering if len(text) <= SHORT else derive)(form, text)

    return derived


@_remembered
def _canonical(form: Form[Any], text: str) -> str | None:
    if text.strip() in form.nothing:
        return None
    try:
        return form.text(form.parse(text))
    except ValueError:
        return text


@_remembered
def _comparable(form: Form[Any], text: str) -> str:
    return form.comparable(text)


def form_of(info: FieldInfo) -> Form[Any]:
    """Return the text form in a field's annotation."""
    return next(part for part in info.metadata if isinstance(part, Form))


def declared(model: type[BaseModel], names: Iterable[str]) -> tuple[Parameter, ...]:
    """Return the parameters that a model's fields of these (Python) names declare, in their order."""
    found = [(name, model.model_fields[name]) for name in names]
    rules = {name: next((part for part in info.metadata if isinstance(part, Rule)), Rule()) for name, info in found}
    steering = frozenset[str]().union(*(rule.steered_by for rule in rules.values()))
    return tuple(_parameter(name, info, rules[name], steering) for name, info in found)


def _parameter(field: str, info: FieldInfo, rule: Rule, steering: frozenset[str]) -> Parameter:
    shown = next(part for part in info.metadata if isinstance(part, Input))
    form, name = form_of(info), info.alias or field
    default = f"Documented default: {form.words(shown.default)}." if shown.default else ""
    return Parameter(
        name=name,
        field=field,
        label=shown.label,
        hint=" ".join(part for part in (shown.meaning, str(rule), default) if part),
        group=shown.group,
        default=shown.default,
        readable=shown.readable,
        identifies=shown.identifies,
        always_shown=shown.always_shown,
        steers=name in steering,
        rule=rule,
        form=form,
    )
