"""In every ledger: an event that is not signed with the ledger's key is relied on by nothing."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from signing import KEYS

from bot.core import decisions
from bot.core.change import Change
from bot.core.events import Applied, Approved, Event, EventData, Sent, Started, chained
from bot.core.remembered import LastSet
from bot.errors import ConfigError, LedgerAltered
from bot.ledger import statements
from bot.ledger.keys import NO_KEYS, Keys
from bot.ledger.sql import SqlLedger

Ask = Callable[..., Any]
approve = partial(decisions.approve, digest="d1", objection=None)
OTHERS = Keys(Ed25519PrivateKey.generate())


async def added(
    ledger: SqlLedger,
    change: Change,
    sign: Callable[[Event], str],
    actor: str = "UB",
    data: EventData = Approved(digest="d1"),  # noqa: B008 - it is frozen
) -> None:
    """Add an event with a fitting hash past the bot, and let the projection agree."""
    event = chained(change.head, change.id, change.seq + 1, actor, change.last_at, data)
    row = statements.event_row(replace(event, signature=sign(event)))

    def add() -> None:
        with ledger._transaction():
            ledger._execute(statements.ADD_EVENT, row)
            head: statements.Parameters = {"seq": event.seq, "head": event.hash, "change_id": change.id}
            ledger._execute("update changes set seq = :seq, head = :head where change_id = :change_id", head)

    await ledger._write(add)


FORGERIES: dict[str, tuple[Callable[[Event, Change], str], str]] = {
    "unsigned": (lambda _event, _change: "", "it is not signed."),
    "another key": (lambda event, _: OTHERS.sign(event.hash), "it is signed with a key that is not the ledger's."),
    "another event's": (lambda _, change: change.history[0].signature, "its signature does not fit."),
    "no base64": (lambda _, change: change.history[0].signature[:17] + "~~", "its signature does not fit."),
    "cut": (lambda event, _: KEYS.sign(event.hash)[:-4], "its signature does not fit."),
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_nothing_relies_on_a_forged_event(ledger: SqlLedger, ask: Ask, forgery: str) -> None:
    sign, sentence = FORGERIES[forgery]
    change = await ask()
    heard: list[str] = []
    ledger.on_altered = lambda altered: heard.append(altered.what)
    await added(ledger, change, lambda event: sign(event, change))
    for use in (
        partial(ledger.record, "c1", partial(approve, by="UA")),
        partial(ledger.record, "c1", partial(decisions.deny, by="UA", objection=None, reason="no")),
        partial(ledger.change, "c1"),
    ):
        with pytest.raises(LedgerAltered) as altered:
            await use()
        assert (altered.value.change_id, altered.value.seq) == ("c1", 2)
        assert altered.value.what.endswith(sentence)
    assert len(heard) == 3
    assert [(finding.change_id, finding.seq) for finding in await ledger.findings()] == [("c1", 2)]


async def test_an_event_signed_with_the_key_counts_whoever_added_it(ledger: SqlLedger, ask: Ask) -> None:
    """So that the tests above fail for the signature alone."""
    await added(ledger, await ask(), lambda event: KEYS.sign(event.hash))
    assert [vote.by for vote in (await ledger.record("c1", partial(approve, by="UA"))).votes] == ["UB", "UA"]


@pytest.mark.parametrize("forged", [True, False])
async def test_what_was_last_applied_is_not_taken_from_a_forged_event(
    ledger: SqlLedger, ask: Ask, *, forged: bool
) -> None:
    change = await ask(proposed={"BackupPlanId": "dbs1", "AutoStartBackup": "true"})
    started = Started(attempt=1, owner="P", client_token="t", not_before=change.last_at, lease_end=change.last_at)
    for actor, data in (
        ("UA", Approved(digest="d1")), ("UB", Approved(digest="d1")), ("bot", started), ("bot", Sent(attempt=1)),
    ):  # fmt: skip
        change = await ledger.record("c1", lambda _change, _now, said=(actor, data): said)  # type: ignore[misc]
    applied = Applied(request_id="R1")
    await added(ledger, change, lambda event: "" if forged else KEYS.sign(event.hash), "bot", applied)
    await ledger._write(lambda: ledger._execute("update changes set state = 'applied', open = 0", {}))
    last = await ledger.last_applied("dbs.test", "dbs1")
    assert (last == LastSet()) == forged


async def test_every_recorded_event_carries_its_signature(ledger: SqlLedger, ask: Ask) -> None:
    await ask()
    change = await ledger.record("c1", partial(approve, by="UA"))
    events = list(await ledger.events())
    assert list(change.history) == events
    assert [event.signature for event in events] == [KEYS.sign(event.hash) for event in events]


async def test_a_signature_cannot_be_replaced(ledger: SqlLedger, ask: Ask) -> None:
    """By mistake: whoever owns the tables can drop a trigger."""
    await ask()
    with pytest.raises(Exception, match="append-only"):
        await ledger._write(lambda: ledger._execute("update events set signature = ''", {}))
    assert await ledger.findings() == []


async def test_a_ledger_without_a_key_records_and_relies_on_nothing(ledger: SqlLedger, ask: Ask) -> None:
    await ask()
    ledger._signing = ledger._folded._keys = NO_KEYS
    with pytest.raises(LedgerAltered):
        await ledger.change("c1")
    with pytest.raises(ConfigError, match="without its key"):
        await ask("c2", plan_id="dbs2")
    assert len(list(await ledger.events())) == 1


async def test_each_signature_is_verified_once_and_none_of_our_own(
    ledger: SqlLedger, open_ledger: Callable[[], SqlLedger], ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = open_ledger()
    verified: dict[SqlLedger, list[str]] = {ledger: [], other: []}
    for one, digests in verified.items():

        def noting(digest: str, signature: str, digests: list[str] = digests) -> bool:
            digests.append(digest)
            return KEYS._verified(digest, signature)

        monkeypatch.setattr(one._signing, "_verified", noting)
    await ask()
    await ledger.record("c1", partial(approve, by="UA"))
    await other.record("c1", partial(approve, by="UB"))
    for _ in range(3):
        for one in verified:
            change = await one.change("c1")
            one._folded._last.clear()  # as when many other changes were read meanwhile
    assert change is not None
    theirs = [event.hash for event in change.history]
    assert verified == {ledger: theirs[2:], other: theirs[:2]}
