"""The strict text forms of parameters: how each kind of value is typed, stored, sent and told to people."""

import re
import unicodedata
from enum import Enum
from typing import Generic, TypeVar

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from bot.core.as_read import AsRead
from bot.core.conditions import Word, either
from bot.core.looks import marked

T = TypeVar("T")

MAX_32, MAX_64 = 2**31 - 1, 2**63 - 1
"""The largest numbers that DBS's two integer types hold."""


class Kind(Enum):
    """What sort of input asks for a parameter."""

    TEXT = "text"
    MULTILINE = "multiline"
    NUMBER = "number"
    ID64 = "id64"
    """A whole number too long for a number input; typed as text."""
    CHOICE = "choice"
    CHOICES = "choices"
    ON_OFF = "on_off"
    TIME = "time"
    """HH:mm in UTC."""
    SECRET = "secret"  # noqa: S105 - the word, not a password
    """The name of a secret, never its value."""
    PLAN = "plan"
    """A backup plan of the account."""


class Form(Generic[T]):
    """One form of text. In an annotation it makes pydantic read that text and nothing else."""

    kind = Kind.TEXT
    choices: tuple[str, ...] = ()
    """The values to choose from, in the API's words."""
    minimum: int | None = None
    maximum: int | None = None
    unit = ""
    empty = ""
    """The word that stands for DBS's empty value, where that is a value."""
    nothing: tuple[str, ...] = ("",)
    """What DBS answers for "none"."""

    def parse(self, text: str) -> T:
        """Return the value; raises ValueError with the end of a sentence whose beginning is the parameter's label."""
        raise NotImplementedError

    def text(self, value: T) -> str:
        """Return the canonical text of a value."""
        return str(value)

    def words(self, text: str) -> str:
        """Return what people read, in full."""
        return f"{text} {self.unit}" if self.unit else text

    def names(self, text: str) -> tuple[str, ...]:  # noqa: ARG002 - most values name nothing
        """Return the names in a value: what may look like something else."""
        return ()

    def comparable(self, text: str) -> str:
        """Return a form in which values that mean the same are the same text."""
        return text

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Have pydantic call `parse`, so that its errors are our sentences."""
        return core_schema.no_info_plain_validator_function(self._validate)

    def _validate(self, text: object) -> T | AsRead:
        if isinstance(text, AsRead):
            return text
        if not isinstance(text, str):
            raise PydanticCustomError("text_form", "must be given as text.")
        try:
            return self.parse(text)
        except ValueError as problem:
            raise PydanticCustomError("text_form", "{problem}", {"problem": str(problem)}) from None


class Line(Form[str]):
    """Free text on one line."""

    def __init__(self, kind: Kind = Kind.TEXT) -> None:
        self.kind = kind

    def parse(self, text: str) -> str:
        """Refuse what would not survive the way to DBS: control characters and halves of characters."""
        line = text.strip()
        if not line:
            raise ValueError("must not be empty.")
        if not printable(line):
            raise ValueError("must be one line of printable characters.")
        return line

    def words(self, text: str) -> str:
        """Mark letters that pass for others."""
        return marked(text)

    def names(self, text: str) -> tuple[str, ...]:
        """Take the whole line for a name."""
        return (text,) if text else ()


class AccountId(Form[str]):
    """A number that is a name: no digit may be lost."""

    kind = Kind.ID64

    def parse(self, text: str) -> str:
        """Take digits only."""
        if not re.fullmatch("[0-9]{1,32}", text):
            raise ValueError("must be the id of an Alibaba Cloud account: digits only.")
        return text


class WholeNumber(Form[int]):
    """A whole number within bounds."""

    minimum: int
    maximum: int

    def __init__(
        self, minimum: int = 0, maximum: int = MAX_32, unit: str = "", kind: Kind = Kind.NUMBER, zero: str = ""
    ) -> None:
        """`zero` is what people read in the place of 0, where that is no number."""
        self.minimum, self.maximum, self.unit, self.kind, self.zero = minimum, maximum, unit, kind, zero
        # DBS answers 0 where an id is missing.
        self.nothing = ("", "0") if kind is Kind.ID64 else ("",)

    def parse(self, text: str) -> int:
        """Take an optional minus and digits; no plus, point, blank or underscore."""
        # More than 20 characters are out of any 64-bit range, and Python refuses to read numbers of thousands.
        if not re.fullmatch("-?[0-9]{1,20}", text) or not self.minimum <= int(text) <= self.maximum:
            span = self.words(f"from {self.minimum} to {self.maximum}")
            raise ValueError(f"must be a whole number {span}.")
        return int(text)

    def words(self, text: str) -> str:
        """Count: "30 days", "1 day"."""
        if text == "0" and self.zero:
            return self.zero
        unit = self.unit.removesuffix("s") if text == "1" and self.unit.isalpha() else self.unit
        return f"{text} {unit}" if unit else text


class OnOff(Form[bool]):
    """A switch."""

    kind = Kind.ON_OFF
    choices = ("true", "false")

    def parse(self, text: str) -> bool:
        """Take the two words and no other."""
        if text not in self.choices:
            raise ValueError("must be true or false.")
        return text == "true"

    def text(self, value: bool) -> str:
        """Write it as DBS wants it, in lower case."""
        return "true" if value else "false"

    def words(self, text: str) -> str:
        """Say on or off."""
        return {"true": "on", "false": "off"}.get(text, text)


class TimeOfDay(Form[str]):
    """HH:mm in UTC."""

    kind = Kind.TIME
    unit = "UTC"

    def parse(self, text: str) -> str:
        """Take HH:mm, with or without the Z that the documentation writes behind it."""
        if not re.fullmatch("(?:[01][0-9]|2[0-3]):[0-5][0-9]Z?", text):
            raise ValueError("must be a time of day in UTC, written HH:mm, from 00:00 to 23:59.")
        return text.removesuffix("Z")


class OneOf(Form[Word]):
    """One of a few words."""

    kind = Kind.CHOICE

    def __init__(self, among: type[Word], empty: str = "") -> None:
        self.among, self.empty = among, empty
        self.choices = tuple(word.value for word in among)
        self.nothing = () if empty else ("",)

    def parse(self, text: str) -> Word:
        """Take a word whatever its case; DBS's own empty value is spelt by `empty`."""
        try:
            return self.among(text or self.empty)
        except ValueError:
            raise ValueError(f"must be {either(self.choices)}.") from None

    def words(self, text: str) -> str:
        """Say the word as people do."""
        return self.among(text).words if text in self.choices else text


class SomeOf(Form[tuple[Word, ...]]):
    """Several of a few words, comma-joined in their natural order."""

    kind = Kind.CHOICES

    def __init__(self, among: type[Word]) -> None:
        self.among = among
        self.choices = tuple(word.value for word in among)

    def parse(self, text: str) -> tuple[Word, ...]:
        """Take words in any order and case; each counts once."""
        try:
            chosen = {self.among(part.strip()) for part in text.split(",")}
        except ValueError:
            raise ValueError(f"must be one or more of {', '.join(self.choices)}, joined by commas.") from None
        return tuple(word for word in self.among if word in chosen)

    def text(self, value: tuple[Word, ...]) -> str:
        """Join without blanks, as DBS wants it."""
        return ",".join(value)

    def words(self, text: str) -> str:
        """Join with blanks, as people read it."""
        return text.replace(",", ", ")


class AnyWord(Form[str]):
    """A fact that DBS states: a known word in the API's spelling, or an unknown one as it is."""

    def __init__(self, among: type[Word]) -> None:
        self.among = among

    def parse(self, text: str) -> str:
        """Take any word: a new engine must not break the bot."""
        if not text or not printable(text):
            raise ValueError("must be one line of printable characters.")
        try:
            return self.among(text).value
        except ValueError:
            return text

    def words(self, text: str) -> str:
        """Say the word as people do, if it is known."""
        return self.among(text).words if text in tuple(self.among) else text


def printable(text: str) -> bool:
    """Tell whether text has neither control characters nor lone surrogates, which no encoding can carry."""
    # what Python calls printable has neither; what it does not may still be a kind of blank, which is fine here
    return text.isprintable() or not any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)
