"""Ledgers written before a request remembered its thread, and its link back, are read as they were written."""

import json

from signing import KEYS, all_signed

from bot.core.events import Announced, Event, Requested, chained
from bot.ledger.chain import fold_checked, verify
from bot.ledger.statements import draft_of

REQUESTED = (
    '{"baseline":{"BackupPlanId":"dbs1","BackupRetentionPeriod":"730","DatabaseType":"MySQL"},"channel":"C0OPS",'
    '"demand":{"approvals":2,"approvers":["S0DBA"],"policy":"p","pool":["U0ANA","U0BEN"],"sentence":"2 people."},'
    f'"digest":"{"d" * 64}","execute_within":1800,"expires_at":"2026-05-04T16:00:00.000Z","host":"dbs.test",'
    '"known":{},"plan_id":"dbs1","plan_name":"orders","proposed":{"BackupPlanId":"dbs1","BackupRetentionPeriod":"30"},'
    '"reason":"Disk is full","region":"cn-hangzhou","secrets":{},"status":"running","view_id":"V1"}'
)
HASH = "3b37ad67e70000703bae0b5ce4b7d41766308b380d4e23b18d3deb5047993c14"
NEXT_HASH = "2c8113f6f28498eff82efd43a952b0a79efc0f22787b9464b5d0065f12f0c635"
FIRST = Event("c1", 1, "requested", "U0RITA", "2026-05-04T12:00:00.000Z", json.loads(REQUESTED), HASH)
SECOND = Event("c1", 2, "announced", "bot", "2026-05-04T12:00:01.000Z", {"channel": "C0OPS", "ts": "1.0"}, NEXT_HASH)


def test_an_older_history_folds_and_its_hashes_hold() -> None:
    history = all_signed([FIRST, SECOND])
    assert verify(history, KEYS) == []
    change = fold_checked("c1", history, (2, NEXT_HASH), KEYS)
    assert change is not None
    assert (change.request.thread, change.request.origin) == ("", "")
    assert change.thread == "1.0", "what is said about it goes under its card"


def test_a_history_goes_on_from_where_an_older_version_left_it() -> None:
    assert chained(HASH, "c1", 2, "bot", SECOND.at, Announced(channel="C0OPS", ts="1.0")) == SECOND


def test_a_thread_cannot_be_added_to_an_older_request_unnoticed() -> None:
    moved = Event("c1", 1, "requested", "U0RITA", FIRST.at, FIRST.data | {"thread": "2.0"}, HASH)
    assert isinstance(moved.content(), Requested)
    (finding,) = verify([moved], KEYS)
    assert "does not fit its content" in str(finding)


def test_a_form_that_was_open_while_the_bot_was_updated_goes_on() -> None:
    older = '{"channel":"C0OPS","known":null,"opener":"U0RITA","reading":null,"renewal":0,"values":null,"view_id":"V1"}'
    draft = draft_of(older)
    assert (draft.view_id, draft.channel, draft.thread, draft.origin, draft.typed) == ("V1", "C0OPS", "", "", None)
