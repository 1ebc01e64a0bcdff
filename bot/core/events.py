"""What can happen to a change, in the past tense, and how one event is chained to the one before.

An event's data is the JSON of one of the classes below; its type in the ledger is the class's name in lower case.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from bot.core.demand import Demand as Demand  # noqa: PLC0414 - an event holds it: read from here with the others


def stamp(at: datetime) -> str:
    """Write a moment as the ledger does: UTC, milliseconds, sortable as text."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """Read what `stamp` wrote."""
    return datetime.fromisoformat(text)


def canonical_json(value: object) -> str:
    """Write JSON the one way that is hashed."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


class EventData(BaseModel):
    """What an event says besides who and when."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @classmethod
    def type(cls) -> str:
        """Return the event's name in the ledger."""
        return cls.__name__.lower()


class SecretUse(EventData):
    """A secret that a change will use: by name and reference, never by value."""

    name: str
    ref: str


class Requested(EventData):
    """Somebody asks for a change: everything that approvers decide on. The requester is the event's actor."""

    plan_id: str
    plan_name: str
    host: str
    """The DBS endpoint's host; with the plan's id it names the plan."""
    region: str
    status: str
    """The plan's status when it was read; not part of what is approved."""
    proposed: dict[str, str]
    """API name → text form, complete: exactly what will be sent, the password by its secret's name."""
    baseline: dict[str, str]
    """What DBS reported then: the readable parameters and the facts of the plan."""
    known: dict[str, str]
    """What the bot itself last applied to this plan, for parameters that DBS cannot show."""
    secrets: dict[str, SecretUse]
    """API name → the secret that stands behind it."""
    demand: Demand
    reason: str
    channel: str
    view_id: str
    """The form it came from: the same submission delivered again is the same request."""
    expires_at: str
    execute_within: int
    """Seconds from the last approval to the first send."""
    digest: str
    channel_name: str = ""
    """What the channel was called, for rules that name channels by pattern; "" in older histories, like `thread`."""
    channel_creator: str = ""
    """Who made it; "" where Slack did not say, and in older histories."""
    known_since: str = ""
    """When the bot applied what is in `known`; "" where there is nothing, and in older histories."""
    thread: str = ""
    """The message under which the card goes, by its ts; "" for a card of its own. Older histories have neither this
    nor `origin`: their hashes are those of what they hold."""
    origin: str = ""
    """The link to the message where it was asked for, "" where a command was typed."""
    details: dict[str, str] = {}
    """What DBS reported besides, to compare it afterwards; not part of what is approved, like `read_at`."""
    read_at: str = ""

    def facts(self) -> dict[str, str]:
        """Return the facts of the plan that steer the rules, and the choices that do."""
        return {**{name: self.baseline.get(name, "") for name in ("DatabaseType", "BackupMethod")}, **self.proposed}


class Announced(EventData):
    """The card is in the channel."""

    channel: str
    ts: str


class Approved(EventData):
    """Somebody else saw the card with this digest and approves."""

    digest: str


class Reminded(EventData):
    """Those who can still act are about to be reminded: written down first, so that nobody is told twice."""

    number: int
    """Which of the policy's reminder times this is, from 1; earlier ones that were slept through count as used."""
    last: bool
    """Whether it is the last: those whom the policy escalates to are told too, and may approve from now on."""


class Barred(EventData):
    """Somebody clicked without the right to; recorded once per person, action and reason."""

    action: str
    reason: str
    sentence: str


class Denied(EventData):
    """An approver says no."""

    reason: str


class Withdrawn(EventData):
    """The requester takes it back."""


class Expired(EventData):
    """Too late: not approved, or approved but not sent, in time."""

    why: Literal["approval", "execution"]
    detail: str = ""


class Started(EventData):
    """A process took the execution on: attempt `attempt`, nobody else's before `lease_end`."""

    attempt: int
    owner: str
    client_token: str
    not_before: str
    """When it may begin: DBS may have asked to wait."""
    lease_end: str
    after: str = ""
    """What became of the attempt before."""
    undone: bool = False
    """Whether DBS is known not to have carried out what the attempt before sent: that was no send then."""


class Sent(EventData):
    """ConfigureBackupPlan is about to leave: from here on the outcome may be unknown."""

    attempt: int


class Applied(EventData):
    """DBS said `Success: true`."""

    request_id: str


class Refused(EventData):
    """DBS said no, or the change could not be sent as it was approved."""

    code: str
    message: str
    request_id: str = ""
    advice: str = ""


class Stale(EventData):
    """The world is no longer what was approved: nothing was sent."""

    why: Literal["plan", "approver", "requester", "policy", "channel"]
    sentence: str
    now: dict[str, str] = {}
    """The plan as it was read, where it is the plan that moved."""


class Stuck(EventData):
    """Sent, and nobody could find out what came of it: a person has to look."""

    sentence: str
    now: dict[str, str] = {}
    """The plan as it was last read, where it could be."""


class Told(EventData):
    """The outcome was posted: in the card's thread, or to the requester where that is gone."""

    via: Literal["thread", "dm", "nowhere"]
    channel: str
    ts: str
    status: str = ""
    """The plan's status at that time, after a change was applied."""
    differs: tuple[str, ...] = ()
    """API names of what did not read back as it was sent."""


EVENTS: Mapping[str, type[EventData]] = {
    kind.type(): kind
    for kind in (
        Requested, Announced, Reminded, Approved, Barred, Denied, Withdrawn, Expired,
        Started, Sent, Applied, Refused, Stale, Stuck, Told,
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the ledger."""

    change_id: str
    seq: int
    type: str
    actor: str
    """A Slack user id, or `bot`."""
    at: str
    data: dict[str, Any]
    hash: str
    signature: str = ""
    """Which key signed the hash, and its signature; "" until the ledger records the event."""

    def content(self) -> EventData:
        """Return the data in its own class."""
        return EVENTS[self.type].model_validate(self.data)


def chained(previous: str, change_id: str, seq: int, actor: str, at: str, data: EventData) -> Event:
    """Make the event that follows the one whose hash is `previous` ("" for the first)."""
    json_data = data.model_dump(mode="json")
    digest = chain_hash(previous, change_id, seq, data.type(), actor, at, json_data)
    return Event(change_id, seq, data.type(), actor, at, json_data, digest)


def chain_hash(previous: str, change_id: str, seq: int, kind: str, actor: str, at: str, data: object) -> str:
    """Return the hash of one event: it covers everything the event says and the hash before it."""
    text = canonical_json([previous, change_id, seq, kind, actor, at, data])
    return hashlib.sha256(text.encode()).hexdigest()


def change_digest(
    proposed: Mapping[str, str], secrets: Mapping[str, SecretUse], host: str, baseline: Mapping[str, str]
) -> str:
    """Return what an approval is bound to: all that is sent, each secret by name and reference, and the plan then."""
    said = {name: use.model_dump() for name, use in secrets.items()}
    text = canonical_json({"proposed": dict(proposed), "secrets": said, "host": host, "baseline": dict(baseline)})
    return hashlib.sha256(text.encode()).hexdigest()
