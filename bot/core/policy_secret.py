"""One `[secrets.NAME]` table of the policy file: where a password is kept, and what it may be used for."""

import re
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import AfterValidator, Field

from bot.core.bindings import read_binding, unbound
from bot.core.policy_section import Pattern, Section
from bot.core.reading import Values


def _reference(ref: str) -> str:
    if not re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*|file:/.+|kms:.+", ref, re.ASCII):
        raise ValueError("must be env:NAME, file:/absolute/path or kms:NAME")
    return ref


def _binding(line: str) -> str:
    read_binding(line)
    return line


class Secret(Section):
    """A secret by name: where its value is kept, and what it may be used for."""

    ref: Annotated[str, AfterValidator(_reference)]
    plans: list[Pattern] = Field(min_length=1)
    """Plan ids, as case-sensitive patterns."""
    sources: list[Annotated[str, Field(min_length=1), AfterValidator(_binding)]] = Field(min_length=1)
    """Where it may go: `instance:rm-uf6*`, `host:10.0.3.0/24`; see `bot.core.bindings`."""

    def serves(self, plan_id: str) -> bool:
        """Whether it may be used for this plan at all."""
        return any(fnmatchcase(plan_id, pattern) for pattern in self.plans)

    def strangers(self, values: Values) -> list[str]:
        """Return each part of a request, as `kind:value`, that this secret is not bound to."""
        return unbound([read_binding(line) for line in self.sources], values)
