"""Conditions as data: what steers a plan's parameters, and when one applies or is required.

A condition can be evaluated and printed; the printed form is the inline error, the hint and the docs' cell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Word(StrEnum):
    """One of a parameter's values in the API's spelling; found whatever its case, as DBS answers in several."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return next((word for word in cls if word.lower() == str(value).lower()), None)

    @property
    def words(self) -> str:
        """What people call it."""
        return "SQL Server" if self == "MSSQL" else self.value


class Fact(Word):
    """A word that steers other parameters. The name of its class is the API name of what it is a value of."""


class DatabaseType(Fact):
    """The engine, a fact of the existing plan."""

    MYSQL = "MySQL"
    MSSQL = "MSSQL"
    ORACLE = "Oracle"
    MARIADB = "MariaDB"
    POSTGRESQL = "PostgreSQL"
    DRDS = "DRDS"
    MONGODB = "MongoDB"
    REDIS = "Redis"
    PPAS = "PPAS"
    FILE = "FIle"


class BackupMethod(Fact):
    """How the plan backs up, a fact of the existing plan."""

    LOGICAL = "logical"
    PHYSICAL = "physical"
    DUPLICATION = "duplication"


class SourceEndpointInstanceType(Fact):
    """Where the database lives."""

    RDS = "RDS"
    ECS = "ECS"
    EXPRESS = "Express"
    AGENT = "Agent"
    DDS = "DDS"
    OTHER = "Other"


class BackupStorageType(Fact):
    """Whose storage keeps the backups; DBS spells `own` by an empty value."""

    OWN = "own"
    SYSTEM = "system"

    @property
    def words(self) -> str:
        """Say what the words mean."""
        return "own (your OSS bucket)" if self == "own" else "system (built into DBS)"


class BackupStrategyType(Fact):
    """Whether full backups follow the calendar."""

    SIMPLE = "simple"
    MANUAL = "manual"


KINDS: Mapping[str, str] = {
    "DatabaseType": "engine",
    "BackupMethod": "backup method",
    "SourceEndpointInstanceType": "source type",
    "BackupStrategyType": "backup strategy",
    "BackupStorageType": "backup storage",
}
"""What people call each kind of fact, by its API name."""

_ABSENT = {"BackupStrategyType": "simple"}
# DBS documents that a plan without a strategy is a simple one; no other fact has a value while it is absent.


class When:
    """Facts that must hold: those of one kind are alternatives, all kinds must be met. `When()` always holds."""

    def __init__(self, *facts: Fact) -> None:
        self._kinds: dict[str, list[Fact]] = {}
        for fact in facts:
            self._kinds.setdefault(type(fact).__name__, []).append(fact)

    def holds(self, facts: Mapping[str, str]) -> bool:
        """Tell whether it holds, given the facts by API name; an unknown or absent word matches none."""
        return all(
            (facts.get(kind) or _ABSENT.get(kind, "")).lower() in {word.lower() for word in words}
            for kind, words in self._kinds.items()
        )

    def __str__(self) -> str:
        """Print it: "the source type is Express, Agent or Other"."""
        if not self._kinds:
            return "always"
        return " and ".join(
            f"the {KINDS[kind]} is {either([word.words for word in words])}" for kind, words in self._kinds.items()
        )

    @property
    def clause(self) -> str:
        """The end of a sentence, with its space: " when the engine is Oracle", or nothing where it always holds."""
        return f" when {self}" if self._kinds else ""

    @property
    def kinds(self) -> frozenset[str]:
        """The API names of the facts it looks at."""
        return frozenset(self._kinds)


class Unless:
    """Holds except in the given cases."""

    def __init__(self, *cases: When) -> None:
        self._cases = cases

    def holds(self, facts: Mapping[str, str]) -> bool:
        """Tell whether none of the cases holds."""
        return not any(case.holds(facts) for case in self._cases)

    def __str__(self) -> str:
        """Print it: "unless the engine is Redis, or the source type is Agent and the engine is SQL Server"."""
        return "unless " + ", or ".join(str(case) for case in self._cases)

    @property
    def clause(self) -> str:
        """The end of a sentence, with its space."""
        return f" {self}"

    @property
    def kinds(self) -> frozenset[str]:
        """The API names of the facts it looks at."""
        return frozenset[str]().union(*(case.kinds for case in self._cases))


Condition = When | Unless

ALWAYS = When()
NEVER = Unless(ALWAYS)


@dataclass(frozen=True)
class Rule:
    """When a parameter may be set, when it must be, and with what."""

    applies: Condition = ALWAYS
    required: Condition = NEVER
    derived: Condition = NEVER
    """When DBS finds the value by itself: what was read is shown, and sent only if a person set it."""
    spared: Condition = NEVER
    """Where the plan as it was read is such, and has no value of `spared_with`, none is required either."""
    spared_with: str = ""
    """The API name of a readable parameter: this one, or the one that it belongs to."""
    together: str = ""
    """The API name of the parameter without which this one means nothing."""

    @property
    def steered_by(self) -> frozenset[str]:
        """The API names of the facts that decide."""
        return self.applies.kinds | self.required.kinds | self.derived.kinds

    def __str__(self) -> str:
        """Print it for hints and docs: "Required when the engine is Oracle.", or "" for a parameter always optional."""
        sentences = []
        if self.required is not NEVER:
            spared = f"; but not{self.spared.clause} and DBS shows no user" if self.spared is not NEVER else ""
            sentences.append(f"Required{self.required.clause}{spared}.")
        if self.applies is not ALWAYS:
            sentences.append(f"Only{self.applies.clause}.")
        return " ".join(sentences)


def either(words: Sequence[str]) -> str:
    """Join alternatives: "RDS", "RDS or ECS", "RDS, ECS or DDS"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
