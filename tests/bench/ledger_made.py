"""Histories as the bot would have written them over years, and their rows in the projection.

A quarter of the changes is applied, with eight events; the others are denied, withdrawn or expired, with four: five in
the mean. The last few are still open.
"""

import hashlib
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from signing import KEYS

from bench.ledger_requests import APPROVERS, CHANNEL, HOST, REASONS, asked, plan_id
from bot.core.decisions import BOT
from bot.core.events import (
    Announced,
    Applied,
    Approved,
    Denied,
    EventData,
    Expired,
    Sent,
    Started,
    Told,
    Withdrawn,
    canonical_json,
    moment,
    stamp,
)
from bot.slack.request import DIGITS

APART = timedelta(seconds=90)
"""From one request to the next: a million take not quite three years."""
APPROVED_LATER, BEGUN, EXPIRED = timedelta(seconds=1490.6), timedelta(seconds=1490.7), timedelta(hours=4)
MOST_OPEN = 48
_SCATTER = 0x9E3779B97F
"""Odd, so that every number of forty bits becomes another one, as far from its neighbours as chance would put it."""

EventRow = tuple[str, int, str, str, str, str, str, str]
"""change_id, seq, type, actor, at, data, hash."""
ChangeRow = tuple[str | int | None, ...]
"""The columns of `changes`, in their order."""


GRACE = timedelta(seconds=15)
"""TELL_GRACE, where nothing else is set."""


@dataclass(frozen=True, slots=True)
class Made:
    """One change."""

    events: list[EventRow]
    change: ChangeRow


@dataclass(frozen=True, slots=True)
class Step:
    """What happens so long after the request; actor and data have gaps for what differs."""

    after: timedelta
    actor: str
    type: str
    text: str


def plans_of(number: int) -> int:
    """Return how many plans so many changes are about: each has a hundred of them, if that leaves a hundred plans."""
    return max(100, number // 100)


def made(first: int, last: int, number: int, until: datetime) -> list[Made]:
    """Make the changes `first` to `last` - 1 of so many, oldest first; every time the same, but for the times.

    The last one was asked for shortly before `until`. What has ended did so before what is still open was asked for.
    """
    chance = random.Random(first)  # noqa: S311 - nothing secret
    ended = number - min(MOST_OPEN, number // 20)
    return [
        _change(
            *divmod(index, plans_of(number)),
            until - (number - index) * APART - (index < ended) * 2 * EXPIRED,
            chance,
            still_open=index >= ended,
        )
        for index in range(first, last)
    ]


def _step(seconds: float | timedelta, actor: str, content: EventData) -> Step:
    after = seconds if isinstance(seconds, timedelta) else timedelta(seconds=seconds)
    return Step(after, actor, content.type(), canonical_json(content.model_dump(mode="json")))


def _told(seconds: float | timedelta, status: str = "") -> Step:
    return _step(seconds, BOT, Told(via="thread", channel=CHANNEL.id, ts="%(told)s", status=status))


_ANNOUNCED = _step(0.41, BOT, Announced(channel=CHANNEL.id, ts="%(card)s"))
_FIRST_APPROVAL = _step(620.5, "%(one)s", Approved(digest="%(digest)s"))
_STARTED = Started(
    attempt=1, owner="%(owner)s", client_token="%(token)s", not_before="%(begun)s", lease_end="%(lease_end)s"
)
_APPLIED = (
    _FIRST_APPROVAL,
    _step(APPROVED_LATER, "%(other)s", Approved(digest="%(digest)s")),
    _step(BEGUN, BOT, _STARTED),
    _step(1491.1, BOT, Sent(attempt=1)),
    _step(1491.9, BOT, Applied(request_id="%(request_id)s")),
    _told(1492.8, "running"),
)
_WAYS: tuple[tuple[str, int, tuple[Step, ...]], ...] = (
    ("applied", 7, _APPLIED),
    ("denied", 3, (_step(2711.3, "%(one)s", Denied(reason="Not before the audit is over.")), _told(2711.9))),
    ("withdrawn", 3, (_step(1804.2, "%(requester)s", Withdrawn()), _told(1804.8))),
    ("expired", 3, (_step(EXPIRED, BOT, Expired(why="approval")), _told(14_403.5))),
)
"""State, up to which event the card is drawn, and what happens after the card."""
_STILL: tuple[tuple[str, int, tuple[Step, ...]], ...] = (("pending", 1, ()), ("pending", 3, (_FIRST_APPROVAL,)))


def _change(turn: int, plan: int, at: datetime, chance: random.Random, *, still_open: bool) -> Made:
    applied_before = (turn + plan - 1) // 4 - (plan - 1) // 4  # every fourth change of a plan is applied
    request = asked(plan, min(applied_before, 2 - applied_before % 2))
    state, drawn_seq, steps = _STILL[plan % 2] if still_open else _WAYS[(turn + plan) % 4]
    change_id, filled = _id(at, chance), _filled(turn, plan, at, chance)
    filled |= {"digest": request.digest, "requester": request.requester}
    events = [_chained("", change_id, 1, "requested", request.requester, stamp(at), request.text % filled)]
    for seq, step in enumerate((_ANNOUNCED, *steps), start=2):
        actor, data = step.actor % filled, step.text % filled
        events.append(_chained(events[-1][6], change_id, seq, step.type, actor, stamp(at + step.after), data))
    ended_at, due_at = ("", filled["expires"]) if still_open else (events[-2][4], None)
    # Slack would not show the card of one that is open, so that nobody looks at it again before the next day.
    look = stamp(at + timedelta(days=1)) if still_open else ""
    left = stamp(moment(events[-1][4]) + GRACE) if still_open and drawn_seq == len(events) else ""
    change = (
        change_id, HOST, plan_id(plan), state, int(still_open), len(events), events[-1][6], request.requester,
        CHANNEL.id, filled["view"], events[0][4], ended_at, drawn_seq, due_at, "", look, 0, left, 0,
    )  # fmt: skip
    return Made(events, change)


def _chained(previous: str, change_id: str, seq: int, kind: str, actor: str, at: str, data: str) -> EventRow:
    """Return a signed event with the hash that `bot.core.events.chain_hash` gives it, the data taken as they are."""
    text = f'["{previous}","{change_id}",{seq},"{kind}","{actor}","{at}",{data}]'
    digest = hashlib.sha256(text.encode()).hexdigest()
    return change_id, seq, kind, actor, at, data, digest, KEYS.sign(digest)


def _filled(turn: int, plan: int, at: datetime, chance: random.Random) -> dict[str, str]:
    """Return what fills the gaps."""
    posted, number = int(at.timestamp()), f"{chance.getrandbits(256):064x}"
    one = (turn + plan) % len(APPROVERS)
    request_id = number[32:].upper()
    return {
        "view": f"V{posted * _SCATTER % 2**40:010X}",
        "expires": stamp(at + EXPIRED),
        "reason": REASONS[(turn + plan) % len(REASONS)],
        "card": f"{posted}.{posted * 7919 % 10**6:06}",
        "told": f"{posted + 2000}.{posted * 4001 % 10**6:06}",
        "one": APPROVERS[one],
        "other": APPROVERS[one - 3],
        "owner": "3c0d7a61b2f94e58",
        "token": number[:32],
        "begun": stamp(at + BEGUN),
        "lease_end": stamp(at + BEGUN + timedelta(seconds=60)),
        "request_id": "-".join(request_id[start:end] for start, end in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))),
    }


def _id(at: datetime, chance: random.Random) -> str:
    """Return an id as `bot.slack.request.new_change_id` makes it."""
    milliseconds, random_digits = int(at.timestamp() * 1000), chance.getrandbits(30)
    number = milliseconds << 30 | random_digits
    return "".join([DIGITS[number >> shift & 31] for shift in range(70, -1, -5)])
