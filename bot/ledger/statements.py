"""The SQL that every ledger shares, with named parameters, and the rows that go in and come out.

Only what SQLite and PostgreSQL both understand is used; an adapter translates `:name` where its driver asks for it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

from bot.core.change import Change
from bot.core.draft import Draft
from bot.core.due import LONGEST_PAUSE, due_at
from bot.core.events import Event, canonical_json, moment, stamp
from bot.core.reading import Reading

Row = Sequence[Any]
Parameters = dict[str, str | int | None]

ADD_EVENT = """
    insert into events (change_id, seq, type, actor, at, data, hash, signature)
    values (:change_id, :seq, :type, :actor, :at, :data, :hash, :signature)
"""
EVENTS_OF = """
    select change_id, seq, type, actor, at, data, hash, signature from events where change_id = :change_id order by seq
"""
ALL_EVENTS = "select change_id, seq, type, actor, at, data, hash, signature from events order by change_id, seq"

# What follows from the history, and behind it what the ledger keeps beside it, in the order of `Row`s of a change.
_COLUMNS = (
    "change_id, host, plan_id, state, open, seq, head, requester, channel, view_id, requested_at, ended_at, due_at, "
    "drawn_seq, card_due, card_tries, left_until, altered, held_until"
)
_OF_CHANGES = ", ".join(f"changes.{column}" for column in _COLUMNS.split(", "))
OF_HISTORY = 12
"""So many columns of a change follow from its history alone; the one behind them from what comes after it too."""

PUT_CHANGE = """
    insert into changes (change_id, host, plan_id, state, open, seq, head, requester, channel, view_id,
                         requested_at, ended_at, due_at, drawn_seq, card_due, card_tries, left_until, altered,
                         held_until)
    values (:change_id, :host, :plan_id, :state, :open, :seq, :head, :requester, :channel, :view_id,
            :requested_at, :ended_at, :due_at, :drawn_seq, :card_due, :card_tries, :left_until, 0, '')
    on conflict (change_id) do update set
        host = excluded.host, plan_id = excluded.plan_id, state = excluded.state, open = excluded.open,
        seq = excluded.seq, head = excluded.head, requester = excluded.requester, channel = excluded.channel,
        view_id = excluded.view_id, requested_at = excluded.requested_at, ended_at = excluded.ended_at,
        due_at = excluded.due_at, drawn_seq = excluded.drawn_seq, card_due = excluded.card_due,
        card_tries = excluded.card_tries, left_until = excluded.left_until, altered = 0
"""
"""It leaves a hold as it is: who records something need not be who is at work on the change."""
ONE_CHANGE = f"select {_COLUMNS} from changes where change_id = :change_id"  # noqa: S608 - our own columns
ALL_CHANGES = f"select {_COLUMNS} from changes order by change_id"  # noqa: S608
EVERYTHING = f"""
    select events.change_id, events.seq, type, actor, at, data, hash, signature, {_OF_CHANGES}
    from events left join changes on changes.change_id = events.change_id
    order by events.change_id, events.seq
"""  # noqa: S608
"""ALL_EVENTS, each with the row of ALL_CHANGES beside it, or nulls: the database knows best which ids are the same."""
WITHOUT_EVENTS = f"""
    select {_COLUMNS}
    from changes where not exists (select 1 from events where events.change_id = changes.change_id) order by change_id
"""  # noqa: S608
"""What EVERYTHING leaves out of ALL_CHANGES."""
SET_ASIDE = """
    update changes set state = case when open = 1 then :state else state end, open = 0, altered = :altered,
                       due_at = :due_at, held_until = ''
    where change_id = :change_id
"""
SOME_CHANGES = """
    select change_id, open = 1 or not exists
        (select 1 from events where events.change_id = changes.change_id and type = 'told')
    from changes where change_id > :after order by change_id limit :limit
"""
"""(id, whether something is left to do about it, whatever else the projection says), some at a time."""

SOME_SIGNATURES = "select signature from events where signature != '' limit 100"
UNSIGNED_CHANGES = "select distinct change_id from events where signature = '' order by change_id"
SIGN_OLDER = "update events set signature = :signature where change_id = :change_id and seq = :seq and signature = ''"

CHANGE_OF_VIEW = "select change_id from changes where view_id = :view_id"
OPEN_CHANGE = "select change_id from changes where host = :host and plan_id = :plan_id and open = 1"
SINCE_LAST_APPLIED = """
    select change_id from changes
    where host = :host and plan_id = :plan_id
        and requested_at >= (
            select max(requested_at) from changes where host = :host and plan_id = :plan_id and state = 'applied'
        )
        and (
            state not in ('pending', 'denied', 'withdrawn', 'expired', 'stale', 'refused')
            or exists (select 1 from events where events.change_id = changes.change_id and type = 'sent')
        )
    order by requested_at desc, change_id desc
"""
"""A plan has one open change at a time, so the order of the requests is that of what they did. What is not known to
have left the plan alone counts, whatever its state may be called one day; and what was sent, however it ended: of what
DBS does not show, only its word says that it was not done."""

# A partial index serves only the predicate it was made with, so `is not null` is asked although `<=` implies it.
TAKE_DUE = """
    update changes set held_until = :until where change_id in (
        select change_id from changes where due_at is not null and due_at <= :now
            and (held_until <= :now or held_until > :never) and (left_until <= :now or left_until > :never)
        order by due_at, change_id limit :limit
    ) returning due_at, change_id
"""
# It only grows: two who are at work on a change must not shorten each other's.
HOLD = """
    update changes set held_until = :until
    where change_id = :change_id and (held_until < :until or held_until > :never)
"""
LET_GO = "update changes set held_until = '' where change_id = :change_id"
HOLDS_AT_MOST = timedelta(hours=1)
"""A hold that lasts longer is none of ours, and keeps nobody away."""

PUT_DRAFT = """
    insert into drafts (view_id, opener, content, at) values (:view_id, :opener, :content, :at)
    on conflict (view_id) do update set opener = excluded.opener, content = excluded.content, at = excluded.at
"""
DROP_DRAFTS = "delete from drafts where at < :oldest"
DRAFT_OF = "select content from drafts where view_id = :view_id and at >= :oldest"

CLAIM_TEAM = "insert into meta (key, value) values ('team', :team_id) on conflict (key) do nothing"
TEAM = "select value from meta where key = 'team'"
CLAIM_NOTE = "insert into meta (key, value) values (:key, '') on conflict (key) do nothing"
NOTED = "select value from meta where key = :key"
NOTE = """
    insert into meta (key, value) values (:key, :value) on conflict (key) do update set value = excluded.value
"""


def event_row(event: Event) -> Parameters:
    """Return the parameters of ADD_EVENT. The data stay text: a JSON column would reorder them and break the hash."""
    return {
        "change_id": event.change_id, "seq": event.seq, "type": event.type, "actor": event.actor, "at": event.at,
        "data": canonical_json(event.data), "hash": event.hash, "signature": event.signature,
    }  # fmt: skip


def event_of(row: Row) -> Event:
    """Return the event of a row, whatever somebody may have written into it: judging it is the chain's part."""
    change_id, seq, kind, actor, at, text, digest, signature = row
    try:
        data = json.loads(text)
    except (TypeError, ValueError):
        data = None
    if not isinstance(data, dict):
        data = {"unreadable": str(text)}
    number = seq if isinstance(seq, int) else 0
    return Event(str(change_id), number, str(kind), str(actor), str(at), data, str(digest), str(signature))


def history_row(change: Change) -> Parameters:
    """Return what the projection repeats of a history, in the order of ALL_CHANGES."""
    return {
        "change_id": change.id, "host": change.request.host, "plan_id": change.request.plan_id,
        "state": change.state.value, "open": int(change.open), "seq": change.seq, "head": change.head,
        "requester": change.requester, "channel": change.request.channel, "view_id": change.request.view_id,
        "requested_at": change.requested_at, "ended_at": change.ended_at,
    }  # fmt: skip


def change_row(change: Change, left_until: str = "") -> Parameters:
    """Return the parameters of PUT_CHANGE, in the order of ALL_CHANGES up to `left_until`."""
    due = due_at(change)
    return history_row(change) | {
        "due_at": stamp(due) if due else None, "drawn_seq": change.drawn_seq, "card_due": change.card_due,
        "card_tries": change.card_tries, "left_until": left_until,
    }  # fmt: skip


def beside(change: Change, row: Row) -> Change:
    """Return a change with what its row of ALL_CHANGES keeps beside the history."""
    drawn_seq, card_due, card_tries = row[OF_HISTORY + 1 : OF_HISTORY + 4]
    return replace(
        change,
        drawn_seq=drawn_seq if isinstance(drawn_seq, int) else 0,
        card_due=card_due if _is_time(card_due) else "",
        card_tries=card_tries if isinstance(card_tries, int) else 0,
    )


def is_set_aside(row: Row) -> bool:
    """Whether a change was found altered the last time that somebody looked."""
    return bool(row[-2])


def astray(change: Change, row: Row) -> list[tuple[str, object, object]]:
    """Return (column, what the row says, what follows from the history) where the two differ."""
    follows = list(change_row(beside(change, row)).items())[: OF_HISTORY + 1]
    return [(name, said, value) for (name, value), said in zip(follows, row, strict=False) if said != value]


def impossible(change: Change, row: Row, now: datetime) -> list[tuple[str, object]]:
    """Return (column, what it says) where a row says of how a change stands what no process of the bot ever does."""
    _, drawn_seq, card_due, _, left_until, _, held_until = row[OF_HISTORY:]
    late, very_late = stamp(now + HOLDS_AT_MOST), stamp(now + LONGEST_PAUSE + HOLDS_AT_MOST)
    found: list[tuple[str, object]] = []
    if not isinstance(drawn_seq, int) or not 0 <= drawn_seq <= change.seq:
        found.append(("drawn_seq", drawn_seq))
    times = (("held_until", held_until, late), ("left_until", left_until, late), ("card_due", card_due, very_late))
    return found + [(name, said) for name, said, most in times if not _is_time(said) or said > most]


def _is_time(said: object) -> bool:
    """Whether this is how the ledger writes a moment, or that there is none."""
    try:
        return said == "" or (isinstance(said, str) and stamp(moment(said)) == said)
    except (ValueError, OverflowError):
        return False


def draft_row(draft: Draft, now: datetime) -> Parameters:
    """Return the parameters of PUT_DRAFT."""
    content = {field.name: _plain(getattr(draft, field.name)) for field in fields(draft)}
    return {"view_id": draft.view_id, "opener": draft.opener, "content": canonical_json(content), "at": stamp(now)}


def draft_of(text: str) -> Draft:
    """Read the content that `draft_row` wrote."""
    content = json.loads(text)
    reading = content.pop("reading")
    return Draft(**content, reading=Reading(**reading) if reading else None)


def _plain(value: object) -> object:
    """Return a part of a draft as JSON knows it; what a reading derives from its other fields stays out."""
    if isinstance(value, Reading):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value) if field.init}
    return dict(value) if isinstance(value, Mapping) else value
