"""A backup plan's configuration, read from text, judged as a whole, and written as the request.

Outside this model every value is text, by API name (`bot.core.reading.Values`): typed, stored, compared and sent.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Self

from pydantic import ModelWrapValidatorHandler, ValidationError, ValidationInfo, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from bot.core import document, rules
from bot.core.as_read import AsRead, can_be_sent
from bot.core.fields import PlanFacts, PlanFields
from bot.core.parameters import SOURCE, Parameter, declared
from bot.core.reading import Values
from bot.errors import BotError


class PlanProblems(BotError):
    """Values cannot be a plan's configuration; `problems` are complete sentences by API name."""

    def __init__(self, problems: dict[str, list[str]]) -> None:
        super().__init__(" ".join(sentence for sentences in problems.values() for sentence in sentences))
        self.problems = problems


class Plan(PlanFields):
    """One configuration that breaks no rule."""

    @model_validator(mode="wrap")
    @classmethod
    def _judge(cls, values: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """Report pydantic's problems and the rules' together: an `after` validator would be skipped by the former."""
        if not isinstance(values, Mapping):
            return handler(values)
        found: list[tuple[str, str]] = []
        plan = None
        try:
            plan = handler(values)
        except ValidationError as failed:
            # What is missing is a rule like any other and is told below, with its condition.
            found = [(str(e["loc"][0]), e["msg"]) for e in failed.errors() if e["loc"] and e["type"] != "missing"]
        found += rules.broken(parameters(), values, {name for name, _ in found}, info.context)
        if plan is None or found:
            raise ValidationError.from_exception_data(
                cls.__name__, [_error(name, rest) for name, rest in found], hide_input=True
            )
        return plan

    @classmethod
    def parse(cls, values: Values, read: Values | None = None) -> Self:
        """Read values by API name, the plan's facts among them; empty text is no value. Raises PlanProblems.

        `read` is the plan as DBS shows it: what is still as it was read is not judged, but sent as it was read.
        """
        shown = read or {}
        named, found = document.divide(values, _described())
        given = {
            name: AsRead(text) if _is_left_alone(name, text, shown) else text
            for name, text in named.items()
            if described(name).is_given(text)
        }
        try:
            plan = cls.model_validate(given, context=shown)
        except ValidationError as failed:
            for error in failed.errors():
                name = str(error["loc"][0])
                found.setdefault(name, []).append(f"{described(name).label} {error['msg']}")
            raise PlanProblems(found) from None
        if found:
            raise PlanProblems(found)
        return plan

    def request(self) -> dict[str, str]:
        """Return exactly what is sent, by API name in wire form; the password's entry is its secret's name."""
        sent = {}
        for parameter in parameters():
            value = getattr(self, parameter.field)
            if isinstance(value, AsRead):
                sent[parameter.name] = str(value)
            elif value is not None:
                text = parameter.form.text(value)
                sent[parameter.name] = "" if text == parameter.form.empty else text
        return sent


@cache
def parameters() -> tuple[Parameter, ...]:
    """Return the parameters a person can set, in the order of the form."""
    return declared(PlanFields, [field for field in PlanFields.model_fields if field not in PlanFacts.model_fields])


@cache
def _described() -> dict[str, Parameter]:
    return {found.name: found for found in (*declared(PlanFacts, PlanFacts.model_fields), *parameters())}


@cache
def _named() -> dict[str, Parameter]:
    return {found.name: found for found in parameters()}


def parameter(name: str) -> Parameter:
    """Return a parameter by its API name. Raises KeyError for a fact of the plan or an unknown name."""
    return _named()[name]


def described(name: str) -> Parameter:
    """Return a parameter or a fact of the plan, for its label and words. Raises KeyError for another name."""
    return _described()[name]


def problems(values: Values, read: Values | None = None) -> dict[str, list[str]]:
    """Return everything that is wrong with values (the plan's facts among them), complete sentences by API name.

    What is as it was `read` is not wrong.
    """
    try:
        Plan.parse(values, read)
    except PlanProblems as refused:
        return refused.problems
    return {}


def check_document(doc: Mapping[str, object]) -> dict[str, list[str]]:
    """Return everything that is wrong with a JSON object: API names, DatabaseType, BackupMethod, no ClientToken."""
    values, found = document.as_values(doc, _described())
    missing = {
        fact.name: [f"{fact.label} is required here: it decides which parameters apply and are required."]
        for fact in declared(PlanFacts, PlanFacts.model_fields)
        if not doc.get(fact.name)
    }
    return {**missing, **problems(values), **found}


def normalise(values: Values) -> dict[str, str]:
    """Return values in canonical text, without those that mean "none", so that readings and proposals compare equal."""
    canonical = {
        name: _described()[name].normalise(text) if name in _described() else text for name, text in values.items()
    }
    return {name: text for name, text in canonical.items() if text is not None}


def applicable(values: Values) -> dict[str, str]:
    """Return the values without those that do not apply under the facts among them: their inputs are hidden."""
    return rules.applicable(parameters(), values)


def derived(name: str, facts: Values) -> bool:
    """Tell whether DBS finds this parameter by itself: what was read is shown, but sent only if a person set it."""
    return parameter(name).rule.derived.holds(facts)


_FOUND_FROM = {"SourceEndpointInstanceType": SOURCE, "BackupStorageType": ("BackupStorageType",)}
"""What DBS finds a value by, for each kind of fact under which it does."""


def is_found_from_the_same(name: str, before: Values, now: Values) -> bool:
    """Tell whether what DBS finds this parameter by has stayed the same: the source, or the storage."""
    governing = (other for kind in parameter(name).rule.derived.kinds for other in _FOUND_FROM[kind])
    return all(described(other).same(before.get(other), now.get(other)) for other in governing)


def as_read(values: Values, read: Values) -> dict[str, str]:
    """Return values in the very text in which they were read, where they mean the same."""
    return {
        name: read[name] if name in read and described(name).same(text, read[name]) else text
        for name, text in values.items()
    }


def _is_left_alone(name: str, text: str, read: Values) -> bool:
    """Tell whether text is what was read and would not survive being judged: unknown to the rules, or not canonical."""
    return read.get(name) == text and can_be_sent(text) and not _is_canonical(described(name), text)


def _is_canonical(parameter: Parameter, text: str) -> bool:
    try:
        return parameter.form.text(parameter.form.parse(text)) == text
    except ValueError:
        return False


def _error(name: str, rest: str) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError("plan", "{rest}", {"rest": rest}), loc=(name,), input=None)
