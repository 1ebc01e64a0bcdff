"""The vocabulary of the policy file: what a table, an id, a pattern and a line of text may be."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

TEXT, TABLE = "(id)", "(table)"
"""The two forms of an entry that may be text or a table, as pydantic puts them into the path of an error."""


def _id(pattern: str, what: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value, re.ASCII):
            raise ValueError(f"{value!r} is not {what}; names cannot be used, they change")
        return value

    return AfterValidator(check)


def _one_line(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("must be one line of visible characters, without spaces around it")
    if "<" in text:
        raise ValueError("must do without '<', with which Slack begins a mention")
    return text


def _glob(pattern: str) -> str:
    if pattern.startswith("#"):
        raise ValueError(f"{pattern!r} matches nothing: names of channels are written without '#'")
    if any("]" not in part[1:] for part in pattern.split("[")[1:]):
        raise ValueError(f"{pattern!r} has a '[' that no ']' closes; '[[]' stands for a '[' itself")
    return pattern


PersonOrGroup = Annotated[str, _id(r"[UWS][A-Z0-9]+", "a user id (U…, W…) or a user-group id (S…)")]
Person = Annotated[str, _id(r"[UW][A-Z0-9]+", "a user id (U… or W…, a bot’s as well)")]
ChannelId = Annotated[str, _id(r"[CG][A-Z0-9]+", "a channel id (C… or G…)")]
Pattern = Annotated[str, Field(min_length=1)]
Line = Annotated[str, Field(min_length=1), AfterValidator(_one_line)]
"""Text that people read, shown in Slack as it is."""
Glob = Annotated[Line, AfterValidator(_glob)]
"""A pattern with `*`, `?` and `[…]` for a whole name."""


class Section(BaseModel):
    """A table of the policy file: strict, every key known."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


def is_group(who: str) -> bool:
    """Whether an id is a user group's."""
    return who.startswith("S")
