"""Values from outside the form: names that are no parameter's, and JSON in which numbers and booleans may stand."""

import json
from collections.abc import Mapping

from bot.core.parameters import Parameter
from bot.core.text import OnOff, WholeNumber


def divide(values: Mapping[str, str], named: Mapping[str, Parameter]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Divide values into those that have a parameter and sentences about the others."""
    return (
        {name: text for name, text in values.items() if name in named},
        {name: [_unknown(name)] for name in values if name not in named},
    )


def as_values(doc: Mapping[str, object], named: Mapping[str, Parameter]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return a JSON object's values as text, and sentences about those that have the wrong JSON type.

    A value of the wrong type stays among the values, so that nobody is told that it is missing.
    """
    values: dict[str, str] = {}
    wrong: dict[str, list[str]] = {}
    for name, value in doc.items():
        if isinstance(value, str):
            values[name] = value
            continue
        values[name] = _text(value)
        if name in named and not isinstance(named[name].form, WholeNumber | OnOff):
            wrong[name] = [f"{named[name].label} must be a JSON string."]
    return values, wrong


def _text(value: object) -> str:
    try:
        return json.dumps(value)
    except ValueError:
        # Python does not write whole numbers of thousands of digits; they are out of any range.
        return "9" * 99


def _unknown(name: str) -> str:
    if name == "ClientToken":
        return "ClientToken is the bot's: leave it out."
    shown = json.dumps(name)
    return f"{shown} is no parameter of ConfigureBackupPlan that a person can set: see the spelling, or leave it out."
