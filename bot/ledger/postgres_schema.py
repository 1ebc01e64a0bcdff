"""The tables of the PostgreSQL ledger, made and changed by migrations that are never edited once released."""

from typing import Any

from psycopg import Connection, sql

TURN = int.from_bytes(b"BPBL", "big")
"""The advisory lock of whoever migrates: of several replicas that start at once, one makes the tables."""

# Ids and times are compared byte by byte, as SQLite does, whatever language the database was made for. The data of an
# event stay text: jsonb would reorder them and break the hash.
_FIRST_TABLES = """
    create table events (
        change_id text collate "C" not null,
        seq integer not null,
        type text not null,
        actor text not null,
        at text not null,
        data text not null,
        hash text not null,
        primary key (change_id, seq)
    );
    create table changes (
        change_id text collate "C" primary key,
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
        ended_at text collate "C" not null,
        drawn_seq integer not null,
        due_at text collate "C",
        held_until text collate "C" not null
    );
    create table drafts (
        view_id text primary key,
        opener text not null,
        content text not null,
        at text collate "C" not null
    );
    create table meta (key text primary key, value text not null);
    create unique index one_vote_per_person on events (change_id, actor) where type = 'approved';
    create unique index one_outcome_per_change on events (change_id)
        where type in ('applied', 'denied', 'expired', 'refused', 'stale', 'stuck', 'withdrawn');
    create unique index told_once on events (change_id) where type = 'told';
    create unique index one_change_per_view on changes (view_id);
    create unique index one_open_change_per_plan on changes (host, plan_id) where open = 1;
    create index due on changes (due_at) where due_at is not null;
    create index applied on changes (host, plan_id, ended_at) where state = 'applied';
    create index age_of_drafts on drafts (at);
    create function events_are_append_only() returns trigger language plpgsql as
        $$ begin raise exception 'events are append-only'; end $$;
    create trigger events_stay before update or delete on events
        for each row execute function events_are_append_only();
    create trigger events_remain before truncate on events
        for each statement execute function events_are_append_only();
"""
_HOW_CARDS_STAND = """
    alter table changes
        add column card_due text collate "C" not null default '',
        add column card_tries integer not null default 0,
        add column left_until text collate "C" not null default '',
        add column altered integer not null default 0;
"""
# What came after the last change applied to a plan may have overtaken it.
_ORDER_OF_A_PLANS_CHANGES = """
    drop index applied;
    create index of_plan on changes (host, plan_id, requested_at);
"""
# "" is what events have that were recorded before there was a key, and what somebody writes who has none.
_SIGNATURES = """
    alter table events add column signature text not null default '';
    drop trigger events_stay on events;
    create trigger events_stay before update of change_id, seq, type, actor, at, data, hash or delete on events
        for each row execute function events_are_append_only();
    create trigger signatures_stay before update of signature on events
        for each row when (old.signature <> '') execute function events_are_append_only();
"""
MIGRATIONS = (_FIRST_TABLES, _HOW_CARDS_STAND, _ORDER_OF_A_PLANS_CHANGES, _SIGNATURES)


def is_current(connection: Connection[Any]) -> bool:
    """Whether the tables are there, and as new as this version needs them."""
    return _version(connection) >= len(MIGRATIONS)


def migrate(connection: Connection[Any]) -> None:
    """Bring the tables up to date, inside a transaction; whoever else starts now waits for it."""
    if is_current(connection):
        return  # a role that may not make tables can still use them
    connection.execute("select pg_advisory_xact_lock(%s)", [TURN])
    connection.execute("create table if not exists ledger_version (migrations integer not null)")
    done = _version(connection)
    for migration in MIGRATIONS[done:]:
        connection.execute(sql.SQL(migration))
    connection.execute("delete from ledger_version")
    connection.execute("insert into ledger_version values (%s)", [len(MIGRATIONS)])


def _version(connection: Connection[Any]) -> int:
    there = connection.execute("select to_regclass('ledger_version') is not null").fetchone()
    if not there or not there[0]:
        return 0
    row = connection.execute("select max(migrations) from ledger_version").fetchone()
    return int(row[0]) if row and row[0] is not None else 0
