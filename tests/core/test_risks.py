"""What a rule can be about: leaving out is judged as the worst it may do, and so is what nobody can know."""

from collections.abc import Iterator, Mapping

import pytest

from bot.core.conditions import BackupStorageType
from bot.core.conditions import SourceEndpointInstanceType as Source
from bot.core.diff import Diff, diff
from bot.core.fields import Day
from bot.core.parameters import Parameter
from bot.core.plan import normalise, parameters
from bot.core.reading import Reading, Values
from bot.core.risk_codes import RISKS, brought_by

CODES = {
    "retention-shortened", "log-backup-off", "days-fewer", "objects-reduced", "objects-changed", "schedule-manual",
    "source-changed", "storage-changed", "account-changed", "secret-changed", "lifecycle-changed", "cleared", "renamed",
    "unknown-now", "look-alike",
}  # fmt: skip
SHOWN = normalise(
    {
        "BackupPlanId": "dbs1",
        "BackupPlanName": "orders",
        "SourceEndpointInstanceType": "ECS",
        "SourceEndpointRegion": "cn-hangzhou",
        "SourceEndpointInstanceID": "i-1",
        "BackupGatewayId": "23313123312",
        "SourceEndpointIP": "10.0.3.7",
        "SourceEndpointPort": "3306",
        "SourceEndpointDatabaseName": "shop",
        "SourceEndpointOracleSID": "ORCL",
        "SourceEndpointUserName": "backup",
        "BackupObjects": "shop\ncrm",
        "BackupPeriod": "Monday,Friday",
        "BackupStartTime": "14:22",
        "EnableBackupLog": "true",
        "BackupRetentionPeriod": "730",
        "DuplicationInfrequentAccessPeriod": "180",
        "DuplicationArchivePeriod": "365",
        "BackupStorageType": "own",
        "OSSBucketName": "bucket",
        "CrossAliyunId": "1234567890123456",
        "CrossRoleName": "dbs-reader",
        "ResourceGroupId": "rg-1",
    }
)
"""Everything that DBS shows, as if it could all be there at once."""
HIDDEN = {
    "SourceEndpointPassword": "orders-db", "BackupStrategyType": "simple", "BackupLogIntervalSeconds": "60",
    "BackupRateLimit": "100", "BackupSpeedLimit": "100", "AutoStartBackup": "true",
}  # fmt: skip
READING = Reading(SHOWN, "MySQL", "physical", "check_pass")
MEMORIES: Mapping[str, Values] = {
    "remembered": HIDDEN, "otherwise": {**HIDDEN, "BackupStrategyType": "manual", "AutoStartBackup": "false"},
    "unknown": {},
}  # fmt: skip
SETTABLE = [one for one in parameters() if one.name != "BackupPlanId"]


@pytest.mark.parametrize("present", ["Permanent", "-1", "3650.0"])
def test_a_retention_that_cannot_be_compared_may_be_longer(present: str) -> None:
    reading = Reading({**SHOWN, "BackupRetentionPeriod": present}, "MySQL", "physical", "check_pass")
    assert "retention-shortened" in diff(reading, {**SHOWN, "BackupRetentionPeriod": "7"}, HIDDEN).codes


def values(one: Parameter) -> Iterator[str]:
    """Values that somebody may put there."""
    yield from ((SHOWN | HIDDEN)[one.name], *one.choices)
    if one.name == "BackupObjects":
        yield from ("shop", "shop\ncrm\nhr", "shop.orders\n!shop.audit\ncrm", "hr", "crm\nshop")
    elif one.name == "BackupPeriod":
        yield from ("Monday", "Sunday", "Saturday,Sunday", ",".join(Day), "Monday,Friday,Sunday")
    elif one.minimum is not None and one.maximum is not None:
        present = int((SHOWN | HIDDEN)[one.name])
        yield from (str(number) for number in (one.minimum, present - 1, present + 1, one.maximum))
    elif not one.choices:
        yield from ("1", "10.9.9.9", "other", "03:00", "1234567890123457")


def judged(known: Values, name: str, text: str | None) -> frozenset[str]:
    """What a rule can be about, in a change that puts one value there, or none."""
    proposed = {other: value for other, value in {**SHOWN, **HIDDEN, name: text}.items() if value is not None}
    return diff(READING, proposed, known).codes & RISKS.keys()


def change(known: Values = HIDDEN, **proposed: str) -> Diff:
    return diff(READING, {**SHOWN, **HIDDEN, **proposed}, known)


def test_the_risks_are_these_and_each_can_be_named_in_a_rule() -> None:
    assert set(RISKS) == CODES


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("one", SETTABLE, ids=lambda one: one.name)
def test_leaving_out_is_never_judged_as_less_than_any_value(one: Parameter, memory: str) -> None:
    left_out = judged(MEMORIES[memory], one.name, None)
    assert {"cleared", *brought_by(one.name)} <= left_out
    for text in values(one):
        assert judged(MEMORIES[memory], one.name, text) <= left_out, text


@pytest.mark.parametrize("one", SETTABLE, ids=lambda one: one.name)
def test_the_table_names_every_risk_that_a_value_brings(one: Parameter) -> None:
    """Beside those that come because other parameters stop, or begin, to apply."""
    brought = {code for text in values(one) for code in judged(HIDDEN, one.name, text)}
    if not one.steers:
        assert brought == set(brought_by(one.name))
    else:
        assert set(brought_by(one.name)) <= brought


def test_what_a_choice_hides_is_left_out_as_well() -> None:
    manual = change(BackupStrategyType="manual")
    assert {"schedule-manual", "cleared", "days-fewer"} <= manual.codes
    (days,) = [risk for risk in manual.risks if risk.sentence.startswith("Backup days")]
    assert days.codes == ("cleared", "days-fewer")
    assert days.sentence.endswith("Treated as: full backups are made on fewer days.")


def test_what_dbs_finds_for_the_same_source_is_not_left_out() -> None:
    shown = {**SHOWN, "SourceEndpointInstanceType": Source.RDS.value}
    proposed = {**shown, **HIDDEN}
    for name in ("SourceEndpointIP", "SourceEndpointPort"):
        del proposed[name]
    reading = Reading(shown, "MySQL", "physical", "check_pass")
    assert diff(reading, proposed, HIDDEN).codes == frozenset()
    elsewhere = diff(reading, {**proposed, "SourceEndpointInstanceID": "rm-2"}, HIDDEN)
    assert elsewhere.codes == {"source-changed", "cleared", "source-physical"}


@pytest.mark.parametrize(("memory", "becomes"), [("remembered", "becomes"), ("otherwise", "stays"), ("unknown", "")])
def test_manual_counts_whatever_was_set_before(memory: str, becomes: str) -> None:
    found = change(MEMORIES[memory], BackupStrategyType="manual")
    assert "schedule-manual" in found.codes
    assert any(risk.sentence.startswith(f"The strategy {becomes}") for risk in found.risks)
    assert "schedule-manual" not in change(MEMORIES[memory], BackupStrategyType="simple").codes


def test_another_secret_or_one_that_nobody_can_compare_counts() -> None:
    assert "secret-changed" not in change().codes
    assert "secret-changed" in change(SourceEndpointPassword="orders-new").codes
    unknown = change({})
    assert {"secret-changed", "unknown-now"} <= unknown.codes
    (one,) = [risk for risk in unknown.risks if risk.code == "unknown-now"]
    assert one.sentence == (
        "Nobody knows the present value of Database password, Backup strategy, Log backup interval, Network limit, "
        "Disk limit, Start by itself: DBS does not show it."
    )


def test_what_was_never_there_is_no_risk_to_leave_out() -> None:
    reading = Reading({name: text for name, text in SHOWN.items() if name != "OSSBucketName"}, "MySQL", "physical", "")
    proposed = {name: text for name, text in {**SHOWN, **HIDDEN}.items() if name != "OSSBucketName"}
    assert diff(reading, proposed, HIDDEN).codes == {"status"}


def test_the_documented_words_for_own_storage_are_one_value() -> None:
    shown = {**SHOWN, "BackupStorageType": BackupStorageType.OWN.value}
    assert diff(Reading(shown, "MySQL", "physical", "init"), {**shown, **HIDDEN}, HIDDEN).codes == frozenset()


def test_a_bucket_that_dbs_made_up_is_not_left_out_unless_the_storage_moves() -> None:
    system = {**SHOWN, "BackupStorageType": "system"}
    stays = {name: text for name, text in {**system, **HIDDEN}.items() if name != "OSSBucketName"}
    made_up = Reading(system, "MySQL", "logical", "init")
    assert not {"cleared", "storage-changed"} & diff(made_up, stays, HIDDEN).codes
    assert {"cleared", "storage-changed"} <= diff(made_up, {**stays, "BackupStorageType": "own"}, HIDDEN).codes
    own = Reading(SHOWN, "MySQL", "logical", "init")
    assert {"cleared", "storage-changed"} <= diff(own, {**stays, "BackupStorageType": "system"}, HIDDEN).codes
