"""What the bot remembers of a plan is told as remembered, and only while nothing says that it is no longer so."""

import pytest

from bot.core.reading import Reading
from bot.core.remembered import LastSet, still_known

SENT = {
    "BackupPlanId": "dbs1", "BackupPlanName": "orders", "BackupRetentionPeriod": "730", "BackupStorageType": "own",
    "BackupStrategyType": "manual", "SourceEndpointPassword": "orders-db",
}  # fmt: skip
LAST = LastSet(SENT, "2026-11-12T10:00:00.000Z")
HIDDEN = {"BackupStrategyType": "manual", "SourceEndpointPassword": "orders-db"}


def reading(**shown: str) -> Reading:
    values = {name: text for name, text in SENT.items() if name not in HIDDEN}
    return Reading({**values, **shown}, "MySQL", "logical", "running")


def test_what_dbs_does_not_show_is_known_while_it_shows_the_rest() -> None:
    assert LAST.known(reading()) == HIDDEN
    assert LastSet().known(reading()) == {}


@pytest.mark.parametrize("by_hand", [{"BackupRetentionPeriod": "1825"}, {"BackupStorageType": "system"}])
def test_nothing_is_known_of_a_plan_that_somebody_changed_since(by_hand: dict[str, str]) -> None:
    assert LAST.known(reading(**by_hand)) == {}


def test_what_may_have_been_overtaken_is_not_known() -> None:
    overtaken = LastSet(SENT, LAST.at, frozenset({"BackupStrategyType", "AutoStartBackup"}))
    assert overtaken.known(reading()) == {"SourceEndpointPassword": "orders-db"}


def test_a_form_may_know_less_than_the_ledger_but_nothing_else() -> None:
    assert still_known({}, HIDDEN)
    assert still_known(HIDDEN, HIDDEN)
    assert not still_known(HIDDEN, {"BackupStrategyType": "manual"})
    assert not still_known(HIDDEN, {**HIDDEN, "BackupStrategyType": "simple"})
