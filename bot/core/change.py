"""A change as its history tells it: the fold of its events.

An event that the table of `states` does not name is an error. Nothing here knows a clock or a database.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.core.calendar import deadline, is_open, opens_at
from bot.core.events import (
    Announced,
    Approved,
    Barred,
    Event,
    EventData,
    Reminded,
    Requested,
    Sent,
    Started,
    Told,
    moment,
)
from bot.core.slots import Missing, filled
from bot.core.states import ENDED as ENDED  # noqa: PLC0414 - what a change is in: read from here with it
from bot.core.states import ONLY_AFTER_SENT, ONLY_BEFORE_SENT, TRANSITIONS, UNSEEN
from bot.core.states import OPEN as OPEN  # noqa: PLC0414
from bot.core.states import State as State  # noqa: PLC0414


class ImpossibleEvent(Exception):
    """The table does not allow this event here: a bug in a decision, or a history that was written by hand."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's approval."""

    by: str
    at: str
    digest: str


@dataclass(frozen=True, slots=True)
class Change:
    """A change as its history tells it."""

    id: str
    request: Requested
    requester: str
    requested_at: str
    state: State
    seq: int
    head: str
    """Hash of the last event."""
    last_at: str
    seen_seq: int
    """The last event that shows on the card."""
    card: Announced | None = None
    votes: tuple[Vote, ...] = ()
    approved_at: str = ""
    """When nobody more was needed."""
    barred: frozenset[tuple[str, str, str]] = frozenset()
    """(person, action, reason) of every refused click that is recorded."""
    attempt: Started | None = None
    sent_at: tuple[str, ...] = ()
    """Sends that may have been carried out, in order."""
    sends: int = 0
    """How often it was sent, also where DBS said that it did nothing."""
    outcome: EventData | None = None
    ended_by: str = ""
    ended_at: str = ""
    ended_seq: int = 0
    told: Told | None = None
    reminded: int = 0
    """How many of the policy's reminder times have been used up."""
    escalated: bool = False
    """Whether the last reminder went out: from then on those it was also sent to may approve."""
    drawn_seq: int = 0
    """The event up to which the card is drawn; kept by the ledger beside the history, 0 while nobody knows."""
    card_due: str = ""
    card_tries: int = 0
    """Kept there too: when to see to the card next and not before, "" for no such time; refusals of Slack in a row."""
    appended: bool = False
    """Whether the call to the ledger that returned this wrote its last event: then its caller acts on it."""
    history: tuple[Event, ...] = field(default=(), repr=False, compare=False)

    @property
    def open(self) -> bool:
        """Whether it still holds the plan against other changes."""
        return self.state in OPEN

    @property
    def lacking(self) -> Missing:
        """What the policy still misses: how many people, out of which groups, and who could still help."""
        return filled(self.request.demand, [vote.by for vote in self.votes], escalated=self.escalated)

    @property
    def missing(self) -> int:
        """How many more people it takes at the least."""
        return self.lacking.number

    @property
    def counted(self) -> int:
        """How many approvals count: not that of a third DBA where an SRE is missing."""
        return max(0, self.request.demand.approvals - self.missing)

    @property
    def opens_at(self) -> datetime:
        """When an approved change may be carried out: at once, or when the windows of the policy next allow it."""
        approved, demand = moment(self.approved_at), self.request.demand
        return opens_at(demand.windows, demand.freezes, approved) or approved

    @property
    def parked(self) -> bool:
        """Whether its attempt only waits for the policy's next opening, when any process may take it up."""
        return self.attempt is not None and self.attempt.lease_end == self.attempt.not_before

    @property
    def waits_until(self) -> datetime | None:
        """When the policy next allows it to be carried out, None where it waits for no opening."""
        if self.state is State.APPROVED and self.opens_at > moment(self.approved_at):
            return self.opens_at
        if self.state is State.EXECUTING and self.attempt is not None and self.parked:
            return moment(self.attempt.not_before)
        return None

    def may_be_sent(self, at: datetime) -> bool:
        """Whether the policy's windows and freezes, as they were when it was asked for, allow a first send then."""
        return is_open(self.request.demand.windows, self.request.demand.freezes, at)

    @property
    def thread(self) -> str:
        """The ts under which everything about it is said: the card's, or that of the message it was asked for at."""
        return self.request.thread or (self.card.ts if self.card else "")

    @property
    def expires_at(self) -> datetime:
        """Until when the next step must be taken: the approvals, then the first send."""
        if self.state is State.PENDING:
            return moment(self.request.expires_at)
        demand, within = self.request.demand, timedelta(seconds=self.request.execute_within)
        return deadline(demand.windows, demand.freezes, moment(self.approved_at), within)

    @property
    def lease_end(self) -> datetime:
        """Until when the attempt belongs to its process."""
        if self.attempt is None:
            raise ImpossibleEvent(f"change {self.id} was never started")
        return moment(self.attempt.lease_end)


def begin(event: Event) -> Change:
    """Start the fold with the first event."""
    request = event.content()
    if not isinstance(request, Requested):
        raise ImpossibleEvent(f"change {event.change_id} begins with {event.type}")
    return Change(
        id=event.change_id, request=request, requester=event.actor, requested_at=event.at, state=State.PENDING,
        seq=event.seq, head=event.hash, last_at=event.at, seen_seq=event.seq, history=(event,),
    )  # fmt: skip


def apply(change: Change, event: Event) -> Change:
    """Return the change after one more event. Raises ImpossibleEvent where the table has no such step."""
    data = event.content()
    kind = type(data)
    state = TRANSITIONS.get((change.state, kind))
    sent = bool(change.sent_at)
    if state is None or (sent and kind in ONLY_BEFORE_SENT) or (not change.sends and kind in ONLY_AFTER_SENT):
        raise ImpossibleEvent(f"change {change.id} is {change.state} and cannot be {event.type}")
    after = replace(
        change, state=state, seq=event.seq, head=event.hash, last_at=event.at, history=(*change.history, event),
        seen_seq=change.seen_seq if kind in UNSEEN else event.seq,
    )  # fmt: skip
    match data:
        case Announced():
            after = replace(after, card=data)
        case Approved():
            after = replace(after, votes=(*change.votes, Vote(event.actor, event.at, data.digest)))
        case Barred():
            after = replace(after, barred=change.barred | {(event.actor, data.action, data.reason)})
        case Started(undone=undone):
            if undone and not sent:
                raise ImpossibleEvent(f"change {change.id} was not sent, so nothing can be undone")
            after = replace(after, attempt=data, sent_at=change.sent_at[:-1] if undone else change.sent_at)
        case Sent():
            after = replace(after, sent_at=(*change.sent_at, event.at), sends=change.sends + 1)
        case Reminded():
            after = replace(after, reminded=data.number, escalated=data.last)
        case Told():
            if change.told is not None:
                raise ImpossibleEvent(f"change {change.id} was told twice")
            after = replace(after, told=data)
    if kind in {Approved, Reminded} and not after.missing:
        after = replace(after, state=State.APPROVED, approved_at=event.at)
    if state in ENDED and change.open:
        after = replace(after, outcome=data, ended_by=event.actor, ended_at=event.at, ended_seq=event.seq)
    return after


def fold(events: Iterable[Event]) -> Change | None:
    """Return the change that a history tells, None for an empty one."""
    change: Change | None = None
    for event in events:
        change = begin(event) if change is None else apply(change, event)
    return change
