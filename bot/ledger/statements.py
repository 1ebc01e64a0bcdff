"""The SQL that every ledger shares, with named parameters, and the rows that go in and come out.

Only what SQLite and PostgreSQL both understand is used; an adapter translates `:name` where its driver asks for it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from bot.core.change import Change
from bot.core.draft import Draft
from bot.core.due import due_at
from bot.core.events import Event, canonical_json, stamp
from bot.core.reading import Reading

Row = Sequence[Any]
Parameters = dict[str, str | int | None]

ADD_EVENT = """
    insert into events (change_id, seq, type, actor, at, data, hash)
    values (:change_id, :seq, :type, :actor, :at, :data, :hash)
"""
EVENTS_OF = """
    select change_id, seq, type, actor, at, data, hash from events where change_id = :change_id order by seq
"""
ALL_EVENTS = "select change_id, seq, type, actor, at, data, hash from events order by change_id, seq"

PUT_CHANGE = """
    insert into changes (change_id, host, plan_id, state, open, seq, head, requester, channel, view_id,
                         requested_at, ended_at, drawn_seq, due_at, held_until)
    values (:change_id, :host, :plan_id, :state, :open, :seq, :head, :requester, :channel, :view_id,
            :requested_at, :ended_at, :drawn_seq, :due_at, '')
    on conflict (change_id) do update set
        state = excluded.state, open = excluded.open, seq = excluded.seq, head = excluded.head,
        ended_at = excluded.ended_at, drawn_seq = excluded.drawn_seq, due_at = excluded.due_at, held_until = ''
"""
DRAWN = "update changes set drawn_seq = :drawn_seq, due_at = :due_at where change_id = :change_id"
HEAD_OF = "select seq, head, drawn_seq from changes where change_id = :change_id"
ALL_CHANGES = """
    select change_id, host, plan_id, state, open, seq, head, requester, channel, view_id, requested_at, ended_at
    from changes order by change_id
"""

WHOLE_CHANGES = """
    select change_id, host, plan_id, state, open, seq, head, requester, channel, view_id, requested_at, ended_at,
           drawn_seq, due_at, held_until
    from changes order by change_id
"""
"""ALL_CHANGES, and behind it what a history does not tell."""
EVERYTHING = """
    select events.change_id, events.seq, type, actor, at, data, hash,
           changes.change_id, host, plan_id, state, open, changes.seq, head, requester, channel, view_id,
           requested_at, ended_at
    from events left join changes on changes.change_id = events.change_id
    order by events.change_id, events.seq
"""
"""ALL_EVENTS, each with the row of ALL_CHANGES beside it, or nulls: the database knows best which ids are the same."""
WITHOUT_EVENTS = """
    select change_id, host, plan_id, state, open, seq, head, requester, channel, view_id, requested_at, ended_at
    from changes where not exists (select 1 from events where events.change_id = changes.change_id) order by change_id
"""
"""What EVERYTHING leaves out of ALL_CHANGES."""

CHANGE_OF_VIEW = "select change_id from changes where view_id = :view_id"
OPEN_CHANGE = "select change_id from changes where host = :host and plan_id = :plan_id and open = 1"
LAST_APPLIED = """
    select change_id from changes where host = :host and plan_id = :plan_id and state = 'applied'
    order by ended_at desc limit 1
"""

# A partial index serves only the predicate it was made with, so `is not null` is asked although `<=` implies it.
TAKE_DUE = """
    update changes set held_until = :until where change_id in (
        select change_id from changes where due_at is not null and due_at <= :now and held_until <= :now
        order by due_at, change_id limit :limit
    ) returning due_at, change_id
"""
HOLD = "update changes set held_until = :until where change_id = :change_id"

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
        "data": canonical_json(event.data), "hash": event.hash,
    }  # fmt: skip


def event_of(row: Row) -> Event:
    """Return the event of a row, whatever somebody may have written into it: judging it is the chain's part."""
    change_id, seq, kind, actor, at, text, digest = row
    try:
        data = json.loads(text)
    except (TypeError, ValueError):
        data = None
    if not isinstance(data, dict):
        data = {"unreadable": str(text)}
    number = seq if isinstance(seq, int) else 0
    return Event(str(change_id), number, str(kind), str(actor), str(at), data, str(digest))


def history_row(change: Change) -> Parameters:
    """Return what the projection repeats of a history, in the order of ALL_CHANGES."""
    return {
        "change_id": change.id, "host": change.request.host, "plan_id": change.request.plan_id,
        "state": change.state.value, "open": int(change.open), "seq": change.seq, "head": change.head,
        "requester": change.requester, "channel": change.request.channel, "view_id": change.request.view_id,
        "requested_at": change.requested_at, "ended_at": change.ended_at,
    }  # fmt: skip


def drawn_row(change: Change, grace: timedelta) -> Parameters:
    """Return the parameters of DRAWN: how far the card is drawn, and when somebody should look at the change again."""
    due = due_at(change, grace)
    return {"change_id": change.id, "drawn_seq": change.drawn_seq, "due_at": stamp(due) if due else None}


def change_row(change: Change, grace: timedelta) -> Parameters:
    """Return the parameters of PUT_CHANGE. It also ends a hold: who records something new acts on it at once."""
    return history_row(change) | drawn_row(change, grace)


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
