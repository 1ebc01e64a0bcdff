"""The policy: who may ask, who must approve, where, and which secret goes where. Looking people up is not done here."""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import Field, ValidationError, model_validator

from bot.core.duration import Duration
from bot.core.events import canonical_json
from bot.core.kept import may_stay
from bot.core.people import Channel
from bot.core.policy_rule import Rule
from bot.core.policy_secret import Secret
from bot.core.policy_section import TABLE, TEXT, ChannelId, PersonOrGroup, Section
from bot.core.policy_section import is_group as is_group  # noqa: PLC0414 - read from here by those who ask the policy
from bot.core.reading import Values
from bot.core.slots import Seating
from bot.errors import ConfigError


class Defaults(Section):
    """What holds for every change."""

    approvals: int = Field(default=2, ge=1, le=20)
    """People besides the requester."""
    approvers: list[PersonOrGroup] = Field(min_length=1)
    requesters: list[PersonOrGroup] = Field(default=[])
    """Empty: every full member of the workspace."""
    channels: list[ChannelId] = Field(default=[])
    """Empty: wherever the bot is a member."""
    expires_after: Duration = timedelta(hours=4)
    execute_within: Duration = timedelta(minutes=30)
    operators: ChannelId | None = None
    """Told when the policy file can no longer be read."""

    @model_validator(mode="after")
    def _reachable(self) -> "Defaults":
        if not any(is_group(who) for who in self.approvers) and len(set(self.approvers)) < self.approvals:
            raise ValueError(
                f"defaults.approvers lists {len(set(self.approvers))} people, "
                f"but defaults.approvals asks for {self.approvals}"
            )
        return self


class Policy(Section):
    """The whole file."""

    defaults: Defaults
    secrets: dict[Annotated[str, Field(min_length=1, max_length=75)], Secret] = Field(default={})
    rules: list[Rule] = Field(default=[])

    @model_validator(mode="after")
    def _consistent(self) -> "Policy":
        if problems := [*_rule_problems(self.defaults, self.rules)]:
            raise ValueError("\n".join(problems))
        return self

    @property
    def digest(self) -> str:
        """Digest of what the policy says, not of how the file is laid out."""
        return hashlib.sha256(canonical_json(self.model_dump(mode="json")).encode()).hexdigest()

    @property
    def weighs_risks(self) -> bool:
        """Whether any rule asks what is risky about a change."""
        return any(rule.when for rule in self.rules)

    def secrets_for(self, plan_id: str) -> list[str]:
        """Return the names of the secrets that may be used for a plan."""
        return sorted(name for name, secret in self.secrets.items() if secret.serves(plan_id))


def _rule_problems(defaults: Defaults, rules: list[Rule]) -> Iterator[str]:
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        place = f"rules[{index}]"
        if rule.name in seen:
            yield f"{place}.name: there is a rule {rule.name!r} already"
        seen.add(rule.name)
        if (late := rule.late_reminder(defaults.expires_after)) is not None:
            yield f"{place}.remind_after[{late}]: is not before the change expires"
        if rule.escalate_to and not rule.remind_after:
            yield f"{place}.escalate_to: is told with the last reminder, so remind_after must be set as well"
        if why := _never_filled(rule, defaults):
            yield f"{place}.approvers: {why}"
        named = len(set(defaults.approvers))
        enough = any(map(is_group, [*defaults.approvers, *rule.escalate_to])) or named >= (rule.approvals or 0)
        if not enough and not any(one.approvers for one in rules):
            yield f"{place}.approvals: asks for {rule.approvals}, but defaults.approvers lists {named} people"


def _never_filled(rule: Rule, defaults: Defaults) -> str:
    """Say why the people listed cannot do what the rule asks for; where a group is listed, nobody knows yet."""
    slots = [
        (frozenset(places.who).union(rule.escalate_to), places.at_least) for places in rule.places(defaults.approvals)
    ]
    seats = [who for who, number in slots for _ in range(number) if not any(map(is_group, who))]
    if not seats:
        return ""
    listed_people = frozenset().union(*seats)
    if empty := Seating(seats, listed_people).open:
        return f"the people listed can take only {len(seats) - len(empty)} of {len(seats)} places, one person a place"
    number = max(defaults.approvals, rule.approvals or 0)
    if len(seats) == sum(number for _, number in slots) and len(listed_people) < number:
        return f"lists {len(listed_people)} people, but {number} have to approve"
    return ""


def read_policy(text: str) -> Policy:
    """Read a policy file. Raises ConfigError with every problem, each naming its key's path, or the line."""
    try:
        return Policy.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"not TOML: {error}"]) from error
    except ValidationError as error:
        raise ConfigError(
            [
                line
                for detail in error.errors()
                for line in _sentence(detail["loc"], detail["type"], detail["msg"]).splitlines()
            ]
        ) from error


def _sentence(path: tuple[int | str, ...], kind: str, message: str) -> str:
    steps = [step for step in path if step not in {TEXT, TABLE}]
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")
    match kind:
        case "extra_forbidden":
            return f"{place}: unknown key"
        case "missing":
            return f"{place}: is missing"
        case "too_short" | "string_too_short":
            return f"{place}: must not be empty"
        case "value_error":
            said = message.removeprefix("Value error, ")
            return said if not place or said.startswith("defaults.") else f"{place}: {said}"
        case _:
            return f"{place}: {message[:1].lower()}{message[1:]}"


def everybody(who: list[str] | tuple[str, ...], members: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return the user ids behind users and groups; `members` has each group's."""
    people = [members[one] if is_group(one) else frozenset({one}) for one in who]
    return frozenset().union(*people)


def channel_problem(policy: Policy, channel: Channel) -> str:
    """Say why a change cannot be posted in a channel, and what to do; "" if it can."""
    allowed = policy.defaults.channels
    if channel.is_direct:
        return "A change is posted in a channel, where others see it; choose one."
    if allowed and channel.id not in allowed:
        return "The policy does not allow changes in this channel; choose one of those named above."
    if channel.is_shared_outside:
        return "This channel is shared with another organisation; backup plans are not shown there."
    if channel.is_archived:
        return "This channel is archived; choose another."
    if not channel.bot_is_member:
        return "The bot is not in this channel: invite it there, or choose another channel."
    return ""


def channel_lost(policy: Policy, channel: Channel) -> str:
    """Say why nothing may be written any more where a change is decided; "" while it may.

    An archived channel, or a public one without the bot, is not lost: it may come back, and who reads it is known.
    """
    if not channel.is_known:
        return "The bot can no longer see the channel where it is decided, and so not whether outsiders read it."
    if channel.is_shared_outside:
        return "The channel where it is decided is now shared with another organisation."
    if policy.defaults.channels and channel.id not in policy.defaults.channels:
        return "The policy no longer allows changes in the channel where it is decided."
    return ""


def secret_problem(policy: Policy, name: str, plan_id: str, values: Values, read: Values, known: Values) -> str:
    """Say why a secret may not go with a request, and what to do; "" if it may.

    `read` is the plan as DBS shows it and `known` what this bot remembers of it: what the request leaves out may stay.
    """
    secret = policy.secrets.get(name)
    if secret is None:
        return f"There is no secret {name!r} in the policy; choose one of the list."
    if not secret.serves(plan_id):
        return f"The policy does not allow the secret {name!r} for plan {plan_id}."
    strangers = secret.strangers(values)
    kept = [line for line in secret.strangers(may_stay(values, read, known)) if line not in strangers]
    strangers += [f"{line} (not sent, but DBS may keep it)" for line in kept]
    if strangers:
        return (
            f"The policy does not allow the secret {name!r} for {', '.join(strangers)}; "
            f"choose another secret, or have [secrets.{name}] sources extended."
        )
    return ""


def ever_approving(policy: Policy) -> tuple[str, ...]:
    """Return everybody whom the policy lets approve some change: users and groups, as it names them."""
    named = [*policy.defaults.approvers]
    for rule in policy.rules:
        named += [who for places in rule.places(1) for who in places.who] + rule.escalate_to
    return tuple(dict.fromkeys(named))
