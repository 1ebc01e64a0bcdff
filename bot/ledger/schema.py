"""The tables of the SQLite ledger, made and changed by migrations that are never edited once released."""

import sqlite_utils

MIGRATIONS = sqlite_utils.Migrations("bot.ledger")

# With a rowid, unlike the other tables: without one SQLite moves what is longer than a quarter of a page, as a request
# can be, onto pages that nothing else shares.
EVENTS = """
    create table events (
        change_id text not null,
        seq integer not null,
        type text not null,
        actor text not null,
        at text not null,
        data text not null,
        hash text not null,
        primary key (change_id, seq)
    )
"""
CHANGES = """
    create table changes (
        change_id text primary key not null,
        host text not null,
        plan_id text not null,
        state text not null,
        open integer not null,
        seq integer not null,
        head text not null,
        requester text not null,
        channel text not null,
        view_id text not null,
        requested_at text not null,
        ended_at text not null,
        drawn_seq integer not null,
        due_at text,
        held_until text not null
    ) without rowid
"""
DRAFTS = """
    create table drafts (
        view_id text primary key not null,
        opener text not null,
        content text not null,
        at text not null
    ) without rowid
"""
META = "create table meta (key text primary key not null, value text not null) without rowid"

# The second lock: decisions are made inside a transaction, and still no bug in them can break these.
UNIQUE_KEYS = (
    "create unique index one_vote_per_person on events (change_id, actor) where type = 'approved'",
    """
    create unique index one_outcome_per_change on events (change_id)
    where type in ('applied', 'denied', 'expired', 'refused', 'stale', 'stuck', 'withdrawn')
    """,
    "create unique index told_once on events (change_id) where type = 'told'",
    "create unique index one_change_per_view on changes (view_id)",
    "create unique index one_open_change_per_plan on changes (host, plan_id) where open = 1",
)
INDEXES = (
    "create index due on changes (due_at) where due_at is not null",
    "create index applied on changes (host, plan_id, ended_at) where state = 'applied'",
    "create index age_of_drafts on drafts (at)",
)
ORDER_OF_A_PLAN = (
    "drop index applied",
    "create index of_plan on changes (host, plan_id, requested_at)",
)
# `insert or replace` fires the second one only while recursive_triggers is on, as sqlite-utils turns it.
APPEND_ONLY = (
    "create trigger events_stay before update on events begin select raise(abort, 'events are append-only'); end",
    "create trigger events_remain before delete on events begin select raise(abort, 'events are append-only'); end",
)


@MIGRATIONS()
def first_tables(db: sqlite_utils.Database) -> None:
    """Make events, their projection, the drafts and what is known about the ledger itself."""
    for statement in (EVENTS, CHANGES, DRAFTS, META, *UNIQUE_KEYS, *INDEXES, *APPEND_ONLY):
        db.execute(statement)


@MIGRATIONS()
def how_cards_stand(db: sqlite_utils.Database) -> None:
    """Keep beside each change when its card is next seen to, to whom it is left, and whether it was altered."""
    for column in (
        "card_due text not null default ''",
        "card_tries integer not null default 0",
        "left_until text not null default ''",
        "altered integer not null default 0",
    ):
        db.execute(f"alter table changes add column {column}")


@MIGRATIONS()
def order_of_a_plans_changes(db: sqlite_utils.Database) -> None:
    """Find the changes of a plan that came after the last one applied: what they may have overtaken is not known."""
    for statement in ORDER_OF_A_PLAN:
        db.execute(statement)


SIGNED = (
    # "" is what events have that were recorded before there was a key, and what somebody writes who has none
    "alter table events add column signature text not null default ''",
    "drop trigger events_stay",
    """
    create trigger events_stay before update of change_id, seq, type, actor, at, data, hash on events
    begin select raise(abort, 'events are append-only'); end
    """,
    """
    create trigger signatures_stay before update of signature on events when old.signature != ''
    begin select raise(abort, 'events are append-only'); end
    """,
)


@MIGRATIONS()
def signatures(db: sqlite_utils.Database) -> None:
    """Let each event carry its signature, and those that have none be signed once."""
    for statement in SIGNED:
        db.execute(statement)
