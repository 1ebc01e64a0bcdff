"""The channels that a rule of the policy is about: by id, by name, or by who made them."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Protocol

from pydantic import Discriminator, Field, Tag

from bot.core.policy_section import TABLE, TEXT, Glob, Person, Section


class Where(Protocol):
    """The channel in which a change is decided, as far as it is known."""

    @property
    def channel_id(self) -> str:
        """Its id, "" for none."""
        ...

    @property
    def channel_name(self) -> str:
        """Its name, "" where it is not known."""
        ...

    @property
    def channel_creator(self) -> str | None:
        """Who made it: "" where Slack does not say, None where nobody asked."""
        ...


class MadeBy(Section):
    """Channels that certain people or bots made: `{ name = "inc-*", created_by = ["U0IRBOT"] }`."""

    name: Glob | None = None
    """A pattern for the name; every name, if it is left out."""
    created_by: list[Person] = Field(min_length=1)

    def __str__(self) -> str:
        """Say which they are."""
        return f"{self.name or '*'} made by {' or '.join(self.created_by)}"

    def names(self, where: Where) -> bool:
        """Whether the name is one of those; one that is not known is none."""
        return self.name is None or (bool(where.channel_name) and fnmatchcase(where.channel_name, self.name))


Channels = Annotated[
    Annotated[Glob, Tag(TEXT)] | Annotated[MadeBy, Tag(TABLE)],
    Discriminator(lambda value: TABLE if isinstance(value, dict | MadeBy) else TEXT),
]


def adding(channels: Sequence[str | MadeBy], where: Where) -> list[str | MadeBy]:
    """Return those of a rule's `channels` that this one is among.

    Who may have made it, for all that Slack says, counts as having made it: a rule only ever asks for more.
    """
    return [one for one in channels if _is(one, where) or (isinstance(one, MadeBy) and _may_be(one, where))]


def excepted(channels: Sequence[str | MadeBy], where: Where) -> bool:
    """Whether this is one of a rule's `except_channels`; an exception has to be known to hold."""
    return any(_is(one, where) for one in channels)


def undecided(channels: Sequence[str | MadeBy], where: Where) -> list[str | MadeBy]:
    """Return those that this channel may turn out to be among: Slack's ids are in capitals, names never are."""
    return [one for one in channels if not _is(one, where) and _is_open(one, where)]


def _is(one: str | MadeBy, where: Where) -> bool:
    if isinstance(one, MadeBy):
        return one.names(where) and where.channel_creator in one.created_by
    return any(value and fnmatchcase(value, one) for value in (where.channel_id, where.channel_name))


def _may_be(one: MadeBy, where: Where) -> bool:
    """Whether Slack was asked about the channel and did not say what would rule it out."""
    name_fits = not where.channel_name or one.names(where)
    return bool(where.channel_id) and name_fits and where.channel_creator in {"", *one.created_by}


def _is_open(one: str | MadeBy, where: Where) -> bool:
    if isinstance(one, MadeBy):
        name_fits = not where.channel_name or one.names(where)
        return name_fits and (where.channel_creator is None or where.channel_creator in one.created_by)
    if where.channel_id and where.channel_name:
        return False
    if where.channel_id:
        return one == one.lower()
    return one == one.upper() if where.channel_name else True
