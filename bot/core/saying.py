"""What is said about a change in a thread: facts, not yet words."""

from dataclasses import dataclass, field
from typing import Literal

from bot.core.reading import Reading

Kind = Literal["card", "note", "outcome"]


@dataclass(frozen=True, slots=True)
class Message:
    """Where something was posted."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class ReadBack:
    """The plan after it was changed, beside what was sent."""

    reading: Reading | None
    """None where DBS did not answer."""
    differs: tuple[str, ...] = ()
    """API names of what does not read back as it was sent."""
    moving: bool = False
    """Whether the status may still change by itself."""


@dataclass(frozen=True, slots=True)
class Saying:
    """One reply in the thread: the outcome of a change, or a note about a step."""

    kind: Literal["note", "outcome"]
    read_back: ReadBack | None = field(default=None)
    text: str = ""
    """What a note says, as plain text."""


@dataclass(frozen=True, slots=True)
class KeyNotice:
    """What the operators are told when the ledger is signed with a new key: both in their public halves."""

    public: str
    was: str
    """The one before, "" for the ledger's first."""


@dataclass(frozen=True, slots=True)
class AlteredNotice:
    """What the operators are told when the record of a change does not hold together."""

    change_id: str
    seq: int
    """The first event that does not hold."""
    what: str
    """What is wrong with it, in words of our own."""


@dataclass(frozen=True, slots=True)
class PolicyNotice:
    """What the operators are told of the policy file; digests are shortened."""

    digest: str
    """Of the policy in force."""
    was: str
    """Of the one before; the same where the file broke, or says again what it said."""
    problems: tuple[str, ...] = ()
    """Why the file cannot be used; none where it can."""
    mended: bool = False
    """Whether it could not be used before."""


Notice = PolicyNotice | KeyNotice | AlteredNotice
"""What the operators' channel is told."""
