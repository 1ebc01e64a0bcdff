"""Three people, an outsider, two processes, time and duplicates: every action from every state a change can reach.

The walk is breadth first. From every state somebody who writes to the database also tries every event that could
follow, with a hash that fits and without the key. Two changes are the same state when no decision could tell them
apart: history is left out, times count as what is left of them.
"""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from signing import KEYS, signed

from bot.core import attempts, decisions
from bot.core.change import ENDED, OPEN, Change, ImpossibleEvent, State, apply, begin
from bot.core.decisions import Decision
from bot.core.due import due_at
from bot.core.events import (
    EVENTS,
    Announced,
    Applied,
    Approved,
    Barred,
    Demand,
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
    chained,
    moment,
    stamp,
)
from bot.core.reminders import remind
from bot.core.states import TRANSITIONS
from bot.errors import LedgerAltered, Refusal
from bot.ledger.chain import fold_checked
from bot.ledger.keys import Keys

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
TICK = timedelta(minutes=5)
LEASE = 2 * TICK
MARGIN = timedelta(minutes=1)
WINDOWS = (("daily 12:00-12:08 UTC", "daily 12:25-12:45 UTC"),)

REQUESTER, ANA, BEN, OUTSIDER = "UR", "UA", "UB", "UX"
PEOPLE = (REQUESTER, ANA, BEN, OUTSIDER)
OPERATOR = "operator:root"
PROCESSES = ("P", "Q")
OTHERS = Keys(Ed25519PrivateKey.generate())
NOT_AN_APPROVER = Refusal("not-approver", "You are not an approver.")

TIGHTENED = Stale(why="policy", sentence="Three are needed now.")
SHARED = Stale(why="channel", sentence="It is shared.")

Windows = tuple[tuple[str, ...], ...]
Action = Callable[[Change | None, datetime], Decision]
Key = tuple[object, ...]

ENDINGS = {Applied, Refused, Stale, Stuck, Denied, Withdrawn, Expired}
OUTCOMES = (
    Refused(code="Param.NotFound", message="No."),
    Stale(why="plan", sentence="It moved."),
    Stale(why="policy", sentence="It denies it now."),
    Stuck(sentence="Nobody knows."),
)


def wish(approvals: int, windows: Windows = ()) -> Requested:
    """Ask for a change that must be approved within two ticks and sent within two more."""
    return Requested(
        plan_id="dbs1", plan_name="Orders", host="dbs.test", region="", status="running",
        proposed={"BackupPlanId": "dbs1"}, baseline={"BackupPlanId": "dbs1"},
        known={}, secrets={}, reason="because", channel="C1", view_id="V1", digest="d1",
        demand=Demand(
            approvals=approvals, approvers=("S1",), pool=(ANA, BEN), policy="", sentence="",
            remind_after=(int(TICK.total_seconds()),), windows=windows,
        ),
        expires_at=stamp(NOON + 2 * TICK), execute_within=int((2 * TICK).total_seconds()),
    )  # fmt: skip


def of_another_plan(asked: Requested) -> Requested:
    """Ask for a change of a plan that was not read: a choice that came late, or a state from another view."""
    return asked.model_copy(update={"proposed": {"BackupPlanId": "dbs2"}})


FORGED: tuple[EventData, ...] = (
    wish(1), Announced(channel="C1", ts="1.0"), Approved(digest="d1"), Reminded(number=1, last=True),
    Barred(action="approve", reason="requester", sentence="No."), Denied(reason="no"), Withdrawn(),
    Expired(why="approval"), Sent(attempt=1), Applied(request_id="R1"), *OUTCOMES,
    Started(attempt=1, owner="P", client_token="t", not_before=stamp(NOON), lease_end=stamp(NOON + LEASE)),
    Told(via="thread", channel="C1", ts="2.0"),
)  # fmt: skip
"""Of each type one."""


def actions(change: Change | None, now: datetime, asked: Requested) -> Iterator[tuple[str, Action]]:
    """Everything that anybody can try, whether or not it makes sense now."""
    yield "request", partial(decisions.request, by=REQUESTER, data=asked)
    yield (
        "request the change of another plan",
        partial(decisions.request, by=REQUESTER, data=of_another_plan(asked)),
    )
    yield "announce", partial(decisions.announce, channel="C1", ts="1.0")
    yield "remind", remind
    for person in PEOPLE:
        # Nothing is said against the requester here: they may be in every group there is.
        objection = NOT_AN_APPROVER if person == OUTSIDER else None
        approve = partial(decisions.approve, by=person, digest="d1", objection=objection)
        yield f"approve {person}", approve
        yield f"approve another version {person}", partial(approve, digest="d2")
        yield f"approve under a stricter policy {person}", partial(approve, stale=TIGHTENED)
        yield f"approve in a channel that is shared {person}", partial(approve, stale=SHARED)
        yield f"deny {person}", partial(decisions.deny, by=person, objection=objection, reason="no")
        yield f"withdraw {person}", partial(decisions.withdraw, by=person)
    yield "end by an operator", partial(decisions.end_by_operator, by=OPERATOR, reason="It is in the way.")
    yield "expire", attempts.expire
    yield "stale", partial(decisions.moved_before_card, outcome=Stale(why="policy", sentence="It changed."))
    yield "lose the channel", partial(decisions.lose_channel, sentence="It is shared.")
    attempt = change.attempt.attempt if change and change.attempt else 0
    for process in PROCESSES:
        yield f"expire {process}", partial(attempts.expire, owner=process)
        start = partial(attempts.start, owner=process, client_token=f"token of {process} {attempt}", lease=LEASE)
        yield f"start {process}", start
        yield f"start throttled {process}", partial(start, wait=TICK)
        for which in {attempt, attempt - 1}:  # the second comes late, after another attempt began
            yield f"start after {which} was not done {process}", partial(start, undone=which)
            send = partial(attempts.send, owner=process, attempt=which, margin=MARGIN, judged_by="p1")
            yield f"send {process} {which}", partial(send, read_at=now, in_force="p1")
            yield f"send under another policy {process} {which}", partial(send, read_at=now, in_force="p2")
            yield f"send what was seen before {process} {which}", partial(send, read_at=now - TICK, in_force="p1")
            for outcome in OUTCOMES:
                end = partial(attempts.end, owner=process, attempt=which, outcome=outcome)
                yield f"end {process} {which} {outcome.type()}", end
    if change is None or change.sent_at:  # the engine asks only about a call that it made
        yield "applied", partial(attempts.applied, request_id="R1")
    yield "told", partial(decisions.told, data=Told(via="thread", channel="C1", ts="2.0"))


def key(change: Change | None, now: datetime) -> Key:
    """Return what decisions can tell apart."""
    if change is None:
        return (None,)
    said = (
        change.state,
        change.card is not None,
        change.reminded,
        tuple(vote.by for vote in change.votes),
        len(change.sent_at),
        bool(change.sends),
    )
    if not change.open:
        return (*said, type(change.outcome), change.told is not None)
    left = max(timedelta(), change.expires_at - now) if not change.sent_at else None
    sending = max(-TICK, moment(change.sent_at[0]) + attempts.SENDING_TIME - now) if change.sent_at else None
    if change.attempt is None:
        return (*said, left)
    lease = max(timedelta(), change.lease_end - now)
    used = (Sent.type(), change.attempt.attempt) in [
        (event.type, event.data.get("attempt")) for event in change.history
    ]
    wait = max(timedelta(), moment(change.attempt.not_before) - now)
    last = max(-TICK, moment(change.sent_at[-1]) - now) if change.sent_at else None
    # What is open depends on the time of day, until nothing opens any more that could matter.
    at = min(now, NOON + timedelta(hours=1)) if change.request.demand.windows and not change.sent_at else None
    return (*said, left, sending, change.attempt.owner, lease, used, wait, last, change.parked, at)


def follow(change: Change | None, now: datetime, decision: tuple[str, EventData]) -> Change:
    """Return the change after what was decided."""
    actor, data = decision
    head, seq = (change.head, change.seq) if change else ("", 0)
    event = chained(head, "c1", seq + 1, actor, stamp(now), data)
    return begin(event) if change is None else apply(change, event)


@dataclass
class Walk:
    """Every state that was reached, by what."""

    asked: Requested
    reached: dict[Key, tuple[Change | None, datetime]] = field(default_factory=dict)
    onward: dict[Key, set[Key]] = field(default_factory=lambda: defaultdict(set))
    steps: set[tuple[State | None, type[EventData]]] = field(default_factory=set)
    refusals: set[str] = field(default_factory=set)
    impossible: set[str] = field(default_factory=set)
    forged: set[tuple[State | None, type[EventData]]] = field(default_factory=set)

    def run(self) -> "Walk":
        """Try everything from everywhere."""
        queue: list[tuple[Change | None, datetime]] = [(None, NOON)]
        self.reached[key(*queue[0])] = queue[0]
        for change, now in queue:  # grows while it is read
            here = key(change, now)
            self.forge(change, now)
            then = now + TICK
            after = [(step, now) for step in self.tried(change, now)] + ([(change, then)] if change else [])
            for step, when in after:
                there = key(step, when)
                self.onward[here].add(there)
                if there not in self.reached:
                    self.reached[there] = (step, when)
                    queue.append((step, when))
        return self

    def tried(self, change: Change | None, now: datetime) -> Iterator[Change]:
        """Return what every action makes of the change, each checked."""
        refusals: dict[str, tuple[str, Refusal]] = {}
        for name, action in actions(change, now, self.asked):
            try:
                decision = action(change, now)
            except Refusal as refused:
                refusals[refused.reason] = name, refused
                continue
            if decision is None:
                continue
            try:
                after = follow(change, now, decision)
            except ImpossibleEvent:
                assert name.startswith("end "), f"{name} decided what cannot be"
                self.impossible.add(decision[1].type())
                continue
            self.steps.add((change.state if change else None, type(decision[1])))
            self.check(name, change, after, decision, now)
            self.deliver_again(name, action, after, now)
            yield after
        self.refusals |= refusals.keys()
        for name, refusal in refusals.values():  # one for each reason: what was tried is only noted beside it
            self.bar(change, now, name, refusal)

    def bar(self, change: Change | None, now: datetime, name: str, refusal: Refusal) -> None:
        """A refused click is recorded once, and changes nothing that anybody decides on."""
        if change is None:
            return
        bar = partial(decisions.bar, by=OUTSIDER, action=name, refusal=refusal)
        decision = bar(change, now)
        assert (decision is not None) == change.open
        if decision is None:
            return
        after = follow(change, now, decision)
        self.steps.add((change.state, Barred))
        assert key(after, now) == key(change, now)
        assert after.seen_seq == change.seen_seq
        assert bar(after, now) is None

    def forge(self, change: Change | None, now: datetime) -> None:
        """No event that could follow is taken for one, whatever stands where its signature belongs."""
        state, head, seq = (change.state, change.head, change.seq) if change else (None, "", 0)
        of_the_event_before = KEYS.sign(head)
        for data in FORGED:
            if (state, type(data)) not in TRANSITIONS:
                continue
            event = chained(head, "c1", seq + 1, REQUESTER if change is None else BEN, stamp(now), data)
            signatures = ["", of_the_event_before]
            if (state, type(data)) not in self.forged:
                signatures += [OTHERS.sign(event.hash), KEYS.sign(event.hash)[:17] + OTHERS.sign(event.hash)[17:]]
                with contextlib.suppress(LedgerAltered):  # where it can follow, the signature is all that it lacks
                    fold_checked("c1", (signed(event),), (event.seq, event.hash), KEYS, change)
                    self.forged.add((state, type(data)))
            for signature in signatures:
                with pytest.raises(LedgerAltered) as altered:
                    fold_checked("c1", (replace(event, signature=signature),), (event.seq, event.hash), KEYS, change)
                assert (altered.value.seq, "sign" in altered.value.what) == (event.seq, True)

    def check(
        self, name: str, before: Change | None, after: Change, decision: tuple[str, EventData], now: datetime
    ) -> None:
        """Hold one step against everything that was promised."""
        actor, data = decision
        request, voters = after.request, [vote.by for vote in after.votes]
        assert request.plan_id == request.proposed["BackupPlanId"] == request.baseline["BackupPlanId"], "one plan"
        assert len(voters) == len(set(voters)), "one vote per person"
        assert set(voters) <= {ANA, BEN}, "neither the requester nor an outsider counts"
        assert {vote.digest for vote in after.votes} <= {after.request.digest}, "what was seen is what is approved"
        if before is not None and not before.open:
            assert isinstance(data, Told | Announced), f"{name}: nothing but being told follows an end"
            assert before.told is None if isinstance(data, Told) else before.card is None
        outcomes = [event for event in after.history if EVENTS[event.type] in ENDINGS]
        assert len(outcomes) == (0 if after.open else 1), "one outcome"
        if isinstance(data, Sent):
            assert len(voters) >= self.asked.demand.approvals, "never sent without the approvals"
            assert after.attempt is not None
            assert name.split()[1:] == [after.attempt.owner, str(after.attempt.attempt)], "only whose attempt it is"
            assert now < after.lease_end, "never after the lease"
            assert now >= moment(after.attempt.not_before), "never before its time"
            assert len(after.sent_at) > 1 or after.may_be_sent(now), "never first while it is closed"
            assert all(
                moment(later) - moment(sooner) >= attempts.pause(number, LEASE)
                for number, (sooner, later) in enumerate(pairwise(after.sent_at), start=1)
            ), "repeats are spread"
            assert len(after.sent_at) <= attempts.MOST_SENDS
            assert now <= moment(after.sent_at[0]) + attempts.SENDING_TIME, "never sent again much later"
        if isinstance(data, Started) and data.undone:
            assert before is not None
            assert after.sent_at == before.sent_at[:-1], "what was not done is no send"
        if isinstance(data, Stale) and data.why == "channel":
            assert after.outcome == data, "nothing is written there any more"
        if isinstance(data, Stale | Expired):
            assert not after.sent_at, "what may have been sent is neither stale nor expired"
        if isinstance(data, Stuck):
            assert after.sends, "what was never sent is known not to be applied"
        if isinstance(data, Denied | Withdrawn):
            assert not after.sent_at, "too late once it may have been sent"
            assert isinstance(data, Denied) == (actor != REQUESTER)
            assert actor != OUTSIDER
        if isinstance(data, Started | Expired) and before is not None and before.attempt is not None:
            own = name.endswith(f" {before.attempt.owner}")
            assert own or now >= before.lease_end, "one process at a time"
            assert after.attempt is not None
            assert after.attempt.client_token == before.attempt.client_token, "one token for the life of a change"
        if after.open or after.told is None:
            assert due_at(after) is not None, "somebody will look at it again"

    def deliver_again(self, name: str, action: Action, after: Change, now: datetime) -> None:
        """The same thing once more does nothing; only a process may begin its next attempt before its lease is over."""
        if name.startswith("start"):
            return
        with contextlib.suppress(Refusal):
            assert action(after, now) is None, f"{name} counted twice"


@pytest.fixture(scope="module", params=[(1, ()), (2, ()), (1, WINDOWS)], ids=["one", "two", "windows"])
def walk(request: pytest.FixtureRequest) -> Walk:
    return Walk(wish(*request.param)).run()


def states(walk: Walk) -> dict[State, int]:
    """Count what was reached, by state."""
    count = dict.fromkeys(State, 0)
    for change, _ in walk.reached.values():
        if change is not None:
            count[change.state] += 1
    return count


def test_every_promise_holds_in_every_state_of_a_change(walk: Walk) -> None:
    """The walk asserts at every step; here it must have gone everywhere, so that it cannot pass by standing still."""
    count = states(walk)
    assert all(count.values()), count
    assert len(walk.reached) > 300, count
    assert walk.steps == {(state, kind) for state, kind in TRANSITIONS}
    assert {kind for _, kind in walk.steps} == set(EVENTS.values())


def test_every_event_was_forged_in_every_state_it_can_follow(walk: Walk) -> None:
    assert {type(data) for data in FORGED} == set(EVENTS.values())
    assert walk.forged == set(TRANSITIONS)


def test_what_comes_too_late_or_from_the_wrong_person_was_tried(walk: Walk) -> None:
    refusals = {
        "plans-differ",
        "ended",
        "executing",
        "requester",
        "not-approver",
        "not-requester",
        "outdated",
        "unknown",
    }
    assert walk.refusals >= refusals | ({"voted"} if walk.asked.demand.approvals > 1 else {"approved"})
    assert walk.impossible == {"stale", "stuck"}


def test_from_every_state_the_change_can_still_end(walk: Walk) -> None:
    backwards: dict[Key, set[Key]] = defaultdict(set)
    for here, onward in walk.onward.items():
        for there in onward:
            backwards[there].add(here)
    ended = {name for name, (change, _) in walk.reached.items() if change is not None and change.told is not None}
    seen, queue = set(ended), list(ended)
    for there in queue:
        for here in backwards[there] - seen:
            seen.add(here)
            queue.append(here)
    assert seen == set(walk.reached)


def test_a_sweep_alone_brings_every_open_change_to_an_end(walk: Walk) -> None:
    """However a process died: without any person, expiry and the next attempts end it within an hour."""
    for change, now in walk.reached.values():
        if change is None or change.state not in OPEN:
            continue
        swept, when = change, now
        while swept.open:
            when += TICK
            assert when < now + timedelta(hours=1)
            for action in (
                attempts.expire,
                partial(attempts.start, owner="R", client_token="t", lease=LEASE),
            ):
                decision = action(swept, when)
                if decision is not None:
                    swept = follow(swept, when, decision)
        assert swept.state in ENDED
