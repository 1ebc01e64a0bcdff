"""One `[[rules]]` table of the policy file: which changes it is about, and what it asks for them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import AfterValidator, Discriminator, Field, Tag

from bot.core.calendar import read_freeze, read_window
from bot.core.duration import Duration
from bot.core.policy_channels import Channels, MadeBy, adding, excepted
from bot.core.policy_section import TABLE, TEXT, ChannelId, Glob, Line, PersonOrGroup, Section
from bot.core.risk_codes import RISKS


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules are asked about: one change, and who is in the groups that they name."""

    plan_id: str
    plan_name: str = ""
    """What it is called now."""
    new_name: str = ""
    """What it is to be called, "" where the name stays."""
    region: str = ""
    engine: str = ""
    """The API's word: MSSQL for SQL Server."""
    channel_id: str = ""
    channel_name: str = ""
    channel_creator: str | None = ""
    """Who made the channel: "" where Slack does not say, None where nobody asked."""
    risks: frozenset[str] = frozenset()
    """Codes."""
    requester: str = ""
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """User-group id → user ids; a group that is missing has nobody in it."""


def _checked(read: Callable[[str], object]) -> AfterValidator:
    def check(text: str) -> str:
        read(text)
        return text

    return AfterValidator(check)


def _risk(code: str) -> str:
    if code not in RISKS:
        raise ValueError(f"{code!r} is no risk that a rule can be about; there are {', '.join(RISKS)}")
    return code


class Seats(Section):
    """Places for people of certain groups: `{ from = ["S0DBA"], at_least = 1 }`."""

    who: list[PersonOrGroup] = Field(alias="from", min_length=1)
    at_least: int = Field(default=1, ge=1, le=20)


def _one_form(approvers: list[str | Seats]) -> list[str | Seats]:
    if len({isinstance(one, Seats) for one in approvers}) > 1:
        raise ValueError("lists ids beside tables; write { from = […], at_least = … } for all of them or for none")
    return approvers


Approver = Annotated[
    Annotated[PersonOrGroup, Tag(TEXT)] | Annotated[Seats, Tag(TABLE)],
    Discriminator(lambda value: TABLE if isinstance(value, dict | Seats) else TEXT),
]


class Rule(Section):
    """What holds for some changes. Kinds of conditions must all be met, of one kind any."""

    name: Annotated[Line, Field(max_length=75)]
    reason: Annotated[Line, Field(max_length=500)] | None = None

    plans: list[Glob] = Field(default=[], min_length=1)
    """Patterns on plan id or name, like all patterns for the whole of it and case-sensitive."""
    regions: list[Glob] = Field(default=[], min_length=1)
    engines: list[Glob] = Field(default=[], min_length=1)
    """The only patterns whose case does not matter."""
    channels: list[Channels] = Field(default=[], min_length=1)
    """Patterns on channel id or name, or who made the channel."""
    except_channels: list[Channels] = Field(default=[], min_length=1)
    """Channels in which it does not apply, whatever else is the case."""
    when: list[Annotated[str, AfterValidator(_risk)]] = Field(default=[], min_length=1)

    approvals: int | None = Field(default=None, ge=1, le=20)
    approvers: Annotated[list[Approver], AfterValidator(_one_form)] = Field(default=[], min_length=1)
    windows: list[Annotated[str, _checked(read_window)]] = Field(default=[], min_length=1)
    freezes: list[Annotated[str, _checked(read_freeze)]] = Field(default=[], min_length=1)
    remind_after: list[Duration] = Field(default=[], min_length=1)
    escalate_to: list[PersonOrGroup] = Field(default=[], min_length=1)
    notify: list[ChannelId] = Field(default=[], min_length=1)
    incident: bool = False
    on_call: list[PersonOrGroup] = Field(default=[], min_length=1)
    expires_after: Duration | None = None
    execute_within: Duration | None = None
    deny: bool = False
    dm: bool = False

    @property
    def binds(self) -> bool:
        """Whether it changes who must approve, or when it may be carried out."""
        return bool(self.deny or self.approvals or self.approvers or self.windows or self.freezes)

    def places(self, approvals: int) -> list[Seats]:
        """Return the slots it names; a plain list of ids is one, for `approvals` people if the rule has no number."""
        tables = [one for one in self.approvers if isinstance(one, Seats)]
        ids = [one for one in self.approvers if isinstance(one, str)]
        return [
            *tables,
            *([Seats.model_validate({"from": ids, "at_least": self.approvals or approvals})] if ids else []),
        ]

    def meets(self, facts: Facts) -> str | None:
        """Say by which of its conditions it applies to a change, None if it does not."""
        if excepted(self.except_channels, facts):
            return None
        conditions: list[tuple[str, Sequence[str | MadeBy], Sequence[str | MadeBy]]] = [
            ("plan", self.plans, _fitting(self.plans, facts.plan_id, facts.plan_name, facts.new_name)),
            ("region", self.regions, _fitting(self.regions, facts.region)),
            ("engine", self.engines, _fitting([one.lower() for one in self.engines], facts.engine.lower())),
            ("channel", self.channels, adding(self.channels, facts)),
            ("risk", self.when, [code for code in dict.fromkeys(self.when) if code in facts.risks]),
        ]
        if any(named and not fitting for _, named, fitting in conditions):
            return None
        met = [(what, fitting) for what, _, fitting in conditions if fitting]
        return ", ".join(f"{what} {_joined(what, fitting)}" for what, fitting in met) or "every change"

    def is_left(self, facts: Facts) -> bool:
        """Whether it applies now and would not apply any more once the plan has its new name."""
        later = replace(facts, plan_name=facts.new_name, new_name="")
        return bool(facts.new_name) and self.meets(facts) is not None and self.meets(later) is None

    def late_reminder(self, expires_after: timedelta) -> int | None:
        """Return the index of a reminder that would come after the end, None if there is none."""
        end = min(self.expires_after or expires_after, expires_after)
        return next((index for index, after in enumerate(self.remind_after) if after >= end), None)


def _fitting(patterns: Sequence[str], *values: str) -> list[str]:
    return [one for one in patterns if any(value and fnmatchcase(value, one) for value in values)]


def _joined(what: str, fitting: Sequence[str | MadeBy]) -> str:
    return (", " if what == "risk" else " or ").join(map(str, fitting))
