"""The key's file: made once, for its owner alone, retired key by key; and what was recorded before there was one."""

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import psycopg
import pytest
from database import database_of, forget_database
from pydantic import SecretStr
from signing import KEY_FILE, KEYS

from bot.core import decisions
from bot.core.change import Change
from bot.core.events import Approved, Requested, Told, chained
from bot.errors import ConfigError, LedgerAltered
from bot.ledger import statements
from bot.ledger.adopting import ledger_keys
from bot.ledger.key_file import make_key_file, read_key_file, replace_key_file
from bot.ledger.keys import Keys, read_public
from bot.ledger.rotating import rotate
from bot.ledger.sql import SqlLedger
from bot.ledger.store import open_ledger
from bot.ports import Clock

GRACE = timedelta(seconds=15)
Wish = Callable[..., Requested]
approve = partial(decisions.approve, by="UA", digest="d1", objection=None)


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | SecretStr]:
    yield tmp_path / "ledger.db" if request.param == "sqlite" else database_of(tmp_path)
    forget_database(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db.key"


def opened(address: Path | SecretStr, keys: Keys, clock: Clock) -> SqlLedger:
    ledger = open_ledger(address, clock, GRACE, keys)
    ledger.clock = clock
    return ledger


async def asked(address: Path | SecretStr, keys: Keys, clock: Clock, wish: Wish, *changes: str) -> list[Change]:
    """Have changes asked for, each of a plan of its own."""
    ledger = opened(address, keys, clock)
    try:
        return [
            await ledger.record(
                change_id, partial(decisions.request, by="UR", data=wish(plan_id=change_id, view_id=change_id))
            )
            for change_id in changes
        ]
    finally:
        await ledger.close()


def unsigned(address: Path | SecretStr) -> None:
    """Take all signatures away, as in a ledger from before there was a key."""
    if isinstance(address, Path):
        with closing(sqlite3.connect(address)) as file:
            file.executescript("drop trigger signatures_stay; update events set signature = ''")
    else:
        with psycopg.connect(address.get_secret_value()) as database:
            database.execute("drop trigger signatures_stay on events; update events set signature = ''")


def lost(file: Path) -> None:
    file.unlink()


async def findings(address: Path | SecretStr, keys: Keys, clock: Clock) -> list[tuple[str, int]]:
    ledger = opened(address, keys, clock)
    try:
        return [(finding.change_id, finding.seq) for finding in await ledger.findings()]
    finally:
        await ledger.close()


def test_the_key_is_made_once_for_its_owner_alone(address: Path | SecretStr, file: Path) -> None:
    first, again = (ledger_keys(address, file, makes=True) for _ in range(2))
    assert (first.made, again.made, first.public == again.public) == (True, False, True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.glob("*.key*")] == [file.name]
    read_public(first.public)


def test_of_many_that_start_at_once_one_makes_the_key(file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: ledger_keys(file.with_name("ledger.db"), file, makes=True), range(8)))
    assert len({one.public for one in found}) == 1
    assert sum(one.made for one in found) == 1


def test_where_no_key_may_be_made_it_is_asked_for(address: Path | SecretStr, file: Path) -> None:
    with pytest.raises(ConfigError, match=r"LEDGER_KEY_FILE: .* does not exist: `backup-plan-bot ledger key make`"):
        ledger_keys(address, file, makes=False)
    assert not file.exists()


async def test_a_key_that_is_lost_is_never_replaced_by_another(
    address: Path | SecretStr, file: Path, clock: Clock, wish: Wish
) -> None:
    keys = ledger_keys(address, file, makes=True).keys
    await asked(address, keys, clock, wish, "c1")
    lost(file)
    with pytest.raises(ConfigError, match="does not exist, but events in the ledger are signed: restore the file"):
        ledger_keys(address, file, makes=True)
    assert read_key_file(file) is None


@pytest.mark.parametrize(("mode", "owner", "fine"), [
    (0o600, 1000, True), (0o400, 1000, True), (0o640, 1000, False), (0o604, 1000, False), (0o620, 1000, False),
    (0o640, 0, True), (0o440, 0, True), (0o644, 0, False), (0o660, 0, False),
])  # fmt: skip
def test_a_key_file_that_others_may_read_is_refused(
    file: Path, mode: int, owner: int, fine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_key_file(file, KEY_FILE)
    file.chmod(mode)
    real = os.fstat

    def owned(descriptor: int) -> os.stat_result:
        fields = list(real(descriptor))
        fields[stat.ST_UID] = owner
        return os.stat_result(fields)

    monkeypatch.setattr("bot.ledger.key_file.os.fstat", owned)
    if fine:
        content = read_key_file(file)
        assert content is not None
        assert content.public == KEY_FILE.public
        return
    with pytest.raises(ConfigError, match="may be read or written by others: chmod 600"):
        read_key_file(file)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"private": "AAAA"}', '{"private": "???"}', "\xff"])
def test_a_damaged_key_file_is_refused_and_not_repeated(file: Path, text: str) -> None:
    file.write_bytes(text.encode("latin-1"))
    file.chmod(0o600)
    with pytest.raises(ConfigError) as refused:
        read_key_file(file)
    assert refused.value.problems == [
        f"LEDGER_KEY_FILE: {file} is not a key file of this ledger, or is damaged: restore it."
    ]


def test_a_folder_that_cannot_be_written_is_said(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"LEDGER_KEY_FILE: .*nowhere/key cannot be written \(No such file"):
        make_key_file(file.parent / "nowhere" / "key", KEY_FILE)


def test_the_private_half_is_in_no_representation() -> None:
    secret = KEY_FILE.private.get_secret_value()
    assert secret in KEY_FILE.text()
    for shown in (repr(KEY_FILE), str(KEY_FILE), KEY_FILE.public, repr(KEYS), repr(KEY_FILE.keys)):
        assert secret not in shown


async def test_the_key_of_another_ledger_is_refused(
    address: Path | SecretStr, file: Path, clock: Clock, wish: Wish
) -> None:
    """With it every change would be set aside, though nobody wrote to the database."""
    await asked(address, ledger_keys(address, file, makes=True).keys, clock, wish, "c1")
    another = file.with_name("another.key")
    make_key_file(another, KEY_FILE)
    with pytest.raises(ConfigError, match=r"LEDGER_KEY_FILE: .*another.key holds the key of another ledger"):
        ledger_keys(address, another, makes=True)


# Older ledgers


async def test_events_from_before_there_was_a_key_are_signed_once(
    address: Path | SecretStr, file: Path, clock: Clock, wish: Wish
) -> None:
    await asked(address, KEYS, clock, wish, "c1", "c2", "c3")
    unsigned(address)
    found = ledger_keys(address, file, makes=True)
    assert (found.made, found.signed) == (True, 3)
    assert await findings(address, found.keys, clock) == []
    again = ledger_keys(address, file, makes=True)
    assert (again.made, again.signed) == (False, 0)


async def test_an_altered_history_is_not_signed_with_the_others(
    address: Path | SecretStr, file: Path, clock: Clock, wish: Wish
) -> None:
    (change, _) = await asked(address, KEYS, clock, wish, "c1", "c2")
    unsigned(address)
    bad = statements.event_row(chained("0" * 64, change.id, 2, "UA", change.last_at, Approved(digest="d1")))
    ledger = opened(address, KEYS, clock)
    await ledger._write(lambda: ledger._execute(statements.ADD_EVENT, bad))
    await ledger.close()
    found = ledger_keys(address, file, makes=True)
    assert found.signed == 1
    assert {change_id for change_id, _ in await findings(address, found.keys, clock)} == {"c1"}


async def test_unsigned_events_beside_a_key_are_never_signed_later(
    address: Path | SecretStr, file: Path, clock: Clock, wish: Wish
) -> None:
    """Who wipes every signature gains nothing by a restart."""
    keys = ledger_keys(address, file, makes=True).keys
    await asked(address, keys, clock, wish, "c1")
    unsigned(address)
    found = ledger_keys(address, file, makes=True)
    assert (found.made, found.signed) == (False, 0)
    assert await findings(address, found.keys, clock) == [("c1", 1)]


async def test_signing_that_was_interrupted_is_finished_at_the_next_start(
    address: Path | SecretStr, file: Path, clock: Clock, wish: Wish
) -> None:
    await asked(address, KEYS, clock, wish, "c1", "c2")
    unsigned(address)
    make_key_file(file, KEY_FILE.model_copy(update={"signing_older": True}))
    ledger = opened(address, KEYS, clock)
    first = next(event for event in await ledger.events() if event.change_id == "c1")
    half = {"signature": KEYS.sign(first.hash), "change_id": "c1", "seq": 1}
    await ledger._write(lambda: ledger._execute(statements.SIGN_OLDER, half))  # type: ignore[arg-type]
    await ledger.close()
    assert ledger_keys(address, file, makes=False).signed == 1
    assert await findings(address, KEYS, clock) == []
    content = read_key_file(file)
    assert content is not None
    assert not content.signing_older


# Rotation


async def rotated(address: Path | SecretStr, file: Path) -> tuple[Keys, Keys]:
    """Rotate, and return the keys from before and from now on."""
    before = read_key_file(file)
    public = await rotate(address, file)
    after = read_key_file(file)
    assert before is not None
    assert after is not None
    assert public == after.public != before.public
    return before.keys, after.keys


async def test_what_a_retired_key_signed_goes_on_to_count(
    address: Path | SecretStr, file: Path, clock: Clock, wish: Wish
) -> None:
    keys = ledger_keys(address, file, makes=True).keys
    await asked(address, keys, clock, wish, "c1", "c2")
    for _ in range(2):
        _, keys = await rotated(address, file)
        assert await findings(address, keys, clock) == []
    ledger = opened(address, keys, clock)
    assert (await ledger.record("c1", approve)).seq == 2
    change = await ledger.record("c1", partial(decisions.deny, by="UB", objection=None, reason="no"))
    told = Told(via="thread", channel="C1", ts="1.0")
    assert (await ledger.record("c1", partial(decisions.told, data=told))).seq == change.seq + 1
    assert await ledger.findings() == []
    await ledger.close()
    _, keys = await rotated(address, file)
    assert await findings(address, keys, clock) == []


async def test_a_retired_key_signs_no_further_event_of_a_change(
    address: Path | SecretStr, file: Path, clock: Clock, wish: Wish
) -> None:
    """Also where it claims a time before: whoever has the old key can write any."""
    keys = ledger_keys(address, file, makes=True).keys
    await asked(address, keys, clock, wish, "c1")
    old, new = await rotated(address, file)
    ledger = opened(address, old, clock)
    await ledger.record("c1", approve)
    await ledger.close()
    ledger = opened(address, new, clock)
    with pytest.raises(LedgerAltered, match="signed with a key that had been retired"):
        await ledger.change("c1")
    await ledger.close()


async def test_a_retired_key_starts_no_change_however_old_it_claims_to_be(
    address: Path | SecretStr, file: Path, clock: Clock, wish: Wish
) -> None:
    keys = ledger_keys(address, file, makes=True).keys
    await asked(address, keys, clock, wish, "c1")
    old, new = await rotated(address, file)
    await asked(address, old, clock, wish, "c2")  # at the very time of c1
    assert await findings(address, new, clock) == [("c2", 1)]
    ledger = opened(address, new, clock)
    with pytest.raises(LedgerAltered, match="signed with a key that had been retired"):
        await ledger.change("c2")
    assert await ledger.change("c1") is not None
    await ledger.close()


async def test_a_retired_key_does_not_rewrite_what_was_left_unfinished(file: Path, clock: Clock, wish: Wish) -> None:
    address = file.with_name("ledger.db")
    keys = ledger_keys(address, file, makes=True).keys
    await asked(address, keys, clock, wish, "c1")
    old, new = await rotated(address, file)
    rewritten = chained("", "c1", 1, "UX", "2026-05-04T12:00:00.000Z", wish(plan_id="c1", view_id="c1"))
    with closing(sqlite3.connect(address, isolation_level=None)) as database:
        database.execute("drop trigger events_remain")
        database.execute("delete from events")
        row = statements.event_row(rewritten) | {"signature": old.sign(rewritten.hash)}
        database.execute(statements.ADD_EVENT, row)
        database.execute("update changes set head = ?, requester = 'UX'", [rewritten.hash])
    assert await findings(address, new, clock) == [("c1", 1)]


async def test_no_key_is_rotated_while_a_bot_has_the_file_open(file: Path, clock: Clock, wish: Wish) -> None:
    address = file.with_name("ledger.db")
    keys = ledger_keys(address, file, makes=True).keys
    await asked(address, keys, clock, wish, "c1")
    before = read_key_file(file)
    ledger = opened(address, keys, clock)
    with pytest.raises(ConfigError, match="is open in another process: end the bot"):
        await rotate(address, file)
    await ledger.close()
    assert read_key_file(file) == before


def test_a_file_is_replaced_whole_where_a_link_leads_to_it(tmp_path: Path) -> None:
    real, link = tmp_path / "real.key", tmp_path / "link.key"
    make_key_file(real, KEY_FILE)
    link.symlink_to(real)
    replace_key_file(link, KEY_FILE.model_copy(update={"signing_older": True}))
    assert link.is_symlink()
    content = read_key_file(real)
    assert content is not None
    assert content.signing_older
