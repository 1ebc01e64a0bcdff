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


@pytest.mark.parametrize(
    "by_hand",
    [
        {"BackupPeriod": "Monday,Tuesday", "BackupStartTime": "01:00"},
        {"SourceEndpointDatabaseName": "other"},
        {"OSSBucketName": "mine"},
    ],
)
def test_nothing_is_known_once_dbs_shows_what_was_left_out(by_hand: dict[str, str]) -> None:
    assert LAST.known(reading(**by_hand)) == {}


def test_what_dbs_finds_by_itself_says_nothing_about_hands() -> None:
    rds = {"SourceEndpointInstanceType": "RDS"}
    last = LastSet({**SENT, **rds}, LAST.at)
    assert last.known(reading(**rds, SourceEndpointIP="rm-1.rds", SourceEndpointPort="3306")) == HIDDEN
    assert LastSet({**SENT}, LAST.at).known(reading(SourceEndpointIP="10.9.9.9")) == {}, "nobody found that"
    built_in = LastSet({**SENT, "BackupStorageType": "system"}, LAST.at)
    assert built_in.known(reading(BackupStorageType="system", OSSBucketName="made-up")) == HIDDEN


HOST = {"SourceEndpointIP": "10.0.3.7"}
OVER_DBS = LastSet({**SENT, "SourceEndpointInstanceType": "RDS", **HOST}, LAST.at)


def test_that_people_set_a_host_over_dbs_is_known_while_it_is_shown() -> None:
    shown = {"SourceEndpointInstanceType": "RDS", **HOST}
    assert OVER_DBS.known(reading(**shown)) == {**HIDDEN, **HOST}
    assert OVER_DBS.known(reading(**shown, BackupRetentionPeriod="1825")) == HOST, "whatever else was changed by hand"
    assert OVER_DBS.known(reading(**{**shown, "SourceEndpointIP": "rm-1.rds"})) == {}
    assert HOST.keys() & OVER_DBS.known(reading(SourceEndpointInstanceType="ECS", **HOST)).keys() == set()


def test_a_host_of_a_change_that_may_have_come_true_is_known_once_shown() -> None:
    """Nobody knows what came of it; but DBS shows what it sent."""
    shown = {"SourceEndpointInstanceType": "RDS", **HOST}
    tried = ({**SENT, **shown},)
    assert LastSet(tried=tried).known(reading(**shown)) == HOST
    assert LastSet(tried=tried).known(reading(SourceEndpointInstanceType="RDS", SourceEndpointIP="rm-1.rds")) == {}
    before = LastSet({**SENT, "SourceEndpointInstanceType": "RDS"}, LAST.at, frozenset(HOST), tried)
    assert before.known(reading(**shown)) == {**HIDDEN, **HOST}
