"""The states of a change, and the table of what may follow what.

    pending  → approved | denied | withdrawn | expired | stale
    approved → executing | denied | withdrawn | expired | stale
    executing, before the first Sent → denied | withdrawn | stale | expired | refused
    executing, after a Sent          → applied | refused | stuck

A send that DBS is known not to have carried out does not count as one.
"""

from enum import StrEnum

from bot.core.events import (
    Announced,
    Applied,
    Approved,
    Barred,
    Denied,
    EventData,
    Expired,
    Refused,
    Reminded,
    Requested,
    Sent,
    Stale,
    Started,
    Stuck,
    Told,
    Withdrawn,
)


class State(StrEnum):
    """Where a change stands."""

    PENDING = "pending"
    APPROVED = "approved"
    EXECUTING = "executing"
    APPLIED = "applied"
    REFUSED = "refused"
    STALE = "stale"
    STUCK = "stuck"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


OPEN = frozenset({State.PENDING, State.APPROVED, State.EXECUTING})
ENDED = frozenset(State) - OPEN

TRANSITIONS: dict[tuple[State | None, type[EventData]], State] = {
    (None, Requested): State.PENDING,
    # From these two on to approved when nobody more is needed, see `change.apply`: who stands in may have approved.
    (State.PENDING, Approved): State.PENDING,
    (State.PENDING, Reminded): State.PENDING,
    (State.PENDING, Denied): State.DENIED,
    (State.PENDING, Withdrawn): State.WITHDRAWN,
    (State.PENDING, Expired): State.EXPIRED,
    (State.PENDING, Stale): State.STALE,
    (State.APPROVED, Denied): State.DENIED,
    (State.APPROVED, Withdrawn): State.WITHDRAWN,
    (State.APPROVED, Expired): State.EXPIRED,
    (State.APPROVED, Stale): State.STALE,
    (State.APPROVED, Started): State.EXECUTING,
    (State.EXECUTING, Started): State.EXECUTING,
    (State.EXECUTING, Sent): State.EXECUTING,
    (State.EXECUTING, Denied): State.DENIED,
    (State.EXECUTING, Withdrawn): State.WITHDRAWN,
    (State.EXECUTING, Stale): State.STALE,
    (State.EXECUTING, Expired): State.EXPIRED,
    (State.EXECUTING, Refused): State.REFUSED,
    (State.EXECUTING, Applied): State.APPLIED,
    (State.EXECUTING, Stuck): State.STUCK,
    **{(state, Barred): state for state in OPEN},
    **{(state, Told): state for state in ENDED},
    **{(state, Announced): state for state in State},  # it may be found late
}
ONLY_BEFORE_SENT = frozenset({Denied, Withdrawn, Stale, Expired})
ONLY_AFTER_SENT = frozenset({Applied, Stuck})
UNSEEN = frozenset({Announced, Barred, Told, Sent})
"""Events that change nothing on the card."""
