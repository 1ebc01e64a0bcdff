"""A plan read from text, its sentences, its request and the functions around it."""

import pickle

import pytest
from pydantic import ValidationError

from bot.core import plan
from bot.core.plan import Plan, PlanProblems, applicable, check_document, derived, normalise, parameter, problems
from bot.core.text import Kind
from bot.errors import BotError

ORDERS = {
    "DatabaseType": "MySQL",
    "BackupMethod": "logical",
    "BackupPlanId": "dbstooi01",
    "BackupPlanName": "orders",
    "SourceEndpointInstanceType": "RDS",
    "SourceEndpointRegion": "cn-hangzhou",
    "SourceEndpointInstanceID": "rm-uf6orders01",
    "SourceEndpointUserName": "backup",
    "SourceEndpointPassword": "orders-db",
}
"""A plan with just what it needs."""

PASSWORD = "SourceEndpointPassword"
DAYS = "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday"
SIGNED_IN = "unless the engine is Redis, or the source type is Agent and the engine is SQL Server"
NOT_SETTABLE = "ConfigureBackupPlan that a person can set: see the spelling, or leave it out."


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("BackupRetentionPeriod", "730.5", "Backup retention must be a whole number from 0 to 1825 days."),
        ("BackupRetentionPeriod", "1826", "Backup retention must be a whole number from 0 to 1825 days."),
        ("BackupRetentionPeriod", "-1", "Backup retention must be a whole number from 0 to 1825 days."),
        ("BackupRetentionPeriod", "+30", "Backup retention must be a whole number from 0 to 1825 days."),
        ("BackupRetentionPeriod", "30.0", "Backup retention must be a whole number from 0 to 1825 days."),
        ("BackupRetentionPeriod", "1_000", "Backup retention must be a whole number from 0 to 1825 days."),
        ("BackupRetentionPeriod", " 30", "Backup retention must be a whole number from 0 to 1825 days."),
        ("BackupRetentionPeriod", "30\n", "Backup retention must be a whole number from 0 to 1825 days."),
        ("BackupRetentionPeriod", "٣٠", "Backup retention must be a whole number from 0 to 1825 days."),
        ("BackupRetentionPeriod", "9" * 5000, "Backup retention must be a whole number from 0 to 1825 days."),
        ("SourceEndpointPort", "0", "Source port must be a whole number from 1 to 65535."),
        ("SourceEndpointPort", "65536", "Source port must be a whole number from 1 to 65535."),
        ("BackupGatewayId", "0", "Backup gateway must be a whole number from 1 to 9223372036854775807."),
        ("EnableBackupLog", "yes", "Log backup must be true or false."),
        ("EnableBackupLog", "True", "Log backup must be true or false."),
        (
            "BackupStartTime",
            "14:22:30",
            "Start time must be a time of day in UTC, written HH:mm, from 00:00 to 23:59.",
        ),
        ("BackupStartTime", "24:00", "Start time must be a time of day in UTC, written HH:mm, from 00:00 to 23:59."),
        ("BackupStartTime", "9:00", "Start time must be a time of day in UTC, written HH:mm, from 00:00 to 23:59."),
        ("BackupStorageType", "oss", "Backup storage must be own or system."),
        (
            "SourceEndpointInstanceType",
            "Moon",
            "Source type must be RDS, ECS, Express, Agent, DDS or Other.",
        ),
        (
            "BackupPeriod",
            "Monday,,Friday",
            f"Backup days must be one or more of {DAYS}, joined by commas.",
        ),
        ("BackupPlanName", "a\nb", "Plan name must be one line of printable characters."),
        ("BackupPlanName", "\ud800", "Plan name must be one line of printable characters."),
        ("DatabaseType", "My\x00SQL", "Engine must be one line of printable characters."),
        ("ClientToken", "abc", "ClientToken is the bot's: leave it out."),
        (
            "SslCaPem",
            "abc",
            f'"SslCaPem" is no parameter of {NOT_SETTABLE}',
        ),
        (
            "BackupRateLimit",
            "100",
            "Network limit can be set only when the engine is MySQL and the backup method is physical: leave it out.",
        ),
        ("SourceEndpointUserName", "", f"Database user is required {SIGNED_IN}."),
        ("BackupObjects", "!a.b", "Backup objects are wrong in line 1: a itself is not named; add a line a."),
    ],
)
def test_each_problem_is_a_sentence(name: str, text: str, sentence: str) -> None:
    """It says which parameter, what is wrong and what would be right; nothing else is reported."""
    assert problems({**ORDERS, name: text}) == {name: [sentence]}


def test_all_problems_are_reported_together() -> None:
    """What cannot be read does not hide which rules are broken."""
    found = problems({**ORDERS, "BackupRetentionPeriod": "x", "SourceEndpointRegion": "", "CrossRoleName": "r"})
    assert set(found) == {"BackupRetentionPeriod", "SourceEndpointRegion", "CrossAliyunId"}


def test_an_unreadable_fact_breaks_no_other_rule() -> None:
    """Nobody is sent to mend five inputs when one is wrong."""
    found = problems({**ORDERS, "BackupStrategyType": "weekly", "BackupPeriod": "Monday"})
    assert found == {"BackupStrategyType": ["Backup strategy must be simple or manual."]}


def test_the_request_is_exactly_what_is_sent() -> None:
    """Canonical spelling, wire words, the secret by its name; the plan's facts are not part of it."""
    request = Plan.parse(
        {
            **ORDERS,
            "SourceEndpointInstanceType": "rds",
            "BackupPeriod": "sunday, MONDAY,Sunday",
            "BackupStartTime": "14:22Z",
            "BackupRetentionPeriod": "030",
            "EnableBackupLog": "true",
            "BackupStorageType": "own",
            "BackupObjects": "shop",
            "OSSBucketName": "  ",
        }
    ).request()
    assert request == {
        **{name: text for name, text in ORDERS.items() if name not in {"DatabaseType", "BackupMethod"}},
        "BackupPeriod": "Monday,Sunday",
        "BackupStartTime": "14:22",
        "BackupRetentionPeriod": "30",
        "EnableBackupLog": "true",
        "BackupStorageType": "",
        "BackupObjects": '[{"DBName":"shop"}]',
    }


@pytest.mark.parametrize(("text", "wire"), [("own", ""), ("", ""), ("system", "system"), (None, None)])
def test_own_storage_is_dbs_empty_word(text: str | None, wire: str | None) -> None:
    """An empty value means own storage; an absent one is not sent."""
    values = ORDERS if text is None else {**ORDERS, "BackupStorageType": text}
    assert Plan.parse(values).request().get("BackupStorageType") == wire


def test_values_have_their_types() -> None:
    """Python sees numbers, booleans and words; nobody can change them."""
    made = Plan.parse({**ORDERS, "BackupRetentionPeriod": "30", "EnableBackupLog": "false", "BackupPeriod": "Friday"})
    assert made.backup_retention_period == 30
    assert made.enable_backup_log is False
    assert made.backup_period == ("Friday",)
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301 - our own bytes
    with pytest.raises(ValidationError):
        made.backup_plan_name = "other"  # type: ignore[misc]


def test_errors_never_show_what_was_typed() -> None:
    """A password pasted into the wrong input must not reach a log."""
    with pytest.raises(ValidationError) as refused:
        Plan.model_validate({**ORDERS, "BackupRetentionPeriod": "hunter2", "Elsewhere": "hunter2"})
    assert "hunter2" not in str(refused.value)
    assert {error["loc"] for error in refused.value.errors()} == {("BackupRetentionPeriod",), ("Elsewhere",)}


def test_python_names_are_no_second_spelling() -> None:
    """Only API names are taken."""
    assert list(problems({**ORDERS, "backup_retention_period": "30"})) == ["backup_retention_period"]


def test_values_that_are_no_text_are_refused() -> None:
    """The model reads text and nothing else."""
    with pytest.raises(ValidationError, match="must be given as text"):
        Plan.model_validate({**ORDERS, "BackupRetentionPeriod": 30})
    with pytest.raises(ValidationError):
        Plan.model_validate(["BackupPlanId"])
    made = Plan.parse(ORDERS)
    assert Plan.model_validate(made) == made


def test_problems_are_an_error_of_the_bot() -> None:
    """Their text is all the sentences."""
    with pytest.raises(BotError, match=r"Plan name is required\.") as refused:
        Plan.parse({**ORDERS, "BackupPlanName": ""})
    assert isinstance(refused.value, PlanProblems)


@pytest.mark.parametrize("engine", ["OceanBase", "mysql", ""])
def test_an_unknown_engine_or_method_is_tolerated(engine: str) -> None:
    """DBS learns new engines before the bot does."""
    assert problems({**ORDERS, "DatabaseType": engine, "BackupMethod": "snapshot"}) == {}


def test_parameters_that_do_not_apply_are_dropped() -> None:
    """What a hidden input was prefilled with is not sent."""
    values = {**ORDERS, "BackupStrategyType": "manual", "BackupPeriod": "Monday", "BackupRateLimit": "1"}
    assert applicable(values) == {**ORDERS, "BackupStrategyType": "manual"}
    physical = {**ORDERS, "BackupMethod": "physical", "BackupRateLimit": "1", "BackupPeriod": "Monday"}
    assert applicable(physical) == physical


def test_host_and_port_are_derived_for_managed_databases_only() -> None:
    """RDS and DDS know their own address."""
    for source, found in {"RDS": True, "dds": True, "ECS": False, "Agent": False, "Other": False}.items():
        for name in ("SourceEndpointIP", "SourceEndpointPort"):
            assert derived(name, {"SourceEndpointInstanceType": source}) is found
    assert not derived("SourceEndpointInstanceID", {"SourceEndpointInstanceType": "RDS"})


def test_what_dbs_answers_becomes_what_would_be_sent() -> None:
    """Case, Z, escaped quotes, empty lists and a gateway of 0."""
    assert normalise(
        {
            "SourceEndpointInstanceType": "express",
            "BackupPeriod": "MONDAY,FRIDAY",
            "BackupStartTime": "14:22Z",
            "BackupObjects": r"[{\"DBName\": \"shop\"}]",
            "BackupGatewayId": "0",
            "BackupStorageType": "",
            "OSSBucketName": "",
            "DatabaseType": "mysql",
            "BackupRetentionPeriod": "soon",
            "Later": "kept",
        }
    ) == {
        "SourceEndpointInstanceType": "Express",
        "BackupPeriod": "Monday,Friday",
        "BackupStartTime": "14:22",
        "BackupObjects": '[{"DBName":"shop"}]',
        "BackupStorageType": "own",
        "DatabaseType": "MySQL",
        "BackupRetentionPeriod": "soon",
        "Later": "kept",
    }
    assert normalise({"BackupObjects": "[]"}) == {}


def test_a_document_may_hold_numbers_and_booleans_where_the_parameter_is_one() -> None:
    """JSON's own types, and text as well."""
    assert (
        check_document({**ORDERS, "BackupRetentionPeriod": 30, "EnableBackupLog": False, "BackupGatewayId": 2**62})
        == check_document({**ORDERS, "BackupRetentionPeriod": "30", "EnableBackupLog": "false"})
        == {}
    )


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("BackupRetentionPeriod", 730.5, "Backup retention must be a whole number from 0 to 1825 days."),
        ("BackupRetentionPeriod", 730.0, "Backup retention must be a whole number from 0 to 1825 days."),
        ("BackupRetentionPeriod", True, "Backup retention must be a whole number from 0 to 1825 days."),
        ("BackupRetentionPeriod", None, "Backup retention must be a whole number from 0 to 1825 days."),
        pytest.param(
            "BackupRetentionPeriod",
            10**5000,
            "Backup retention must be a whole number from 0 to 1825 days.",
            id="a number that Python refuses to write",
        ),
        ("EnableBackupLog", 2, "Log backup must be true or false."),
        ("EnableBackupLog", 1, "Log backup must be true or false."),
        ("CrossAliyunId", 1234567890123456, "Source account must be a JSON string."),
        ("BackupPlanName", 5, "Plan name must be a JSON string."),
        ("BackupPeriod", ["Monday"], "Backup days must be a JSON string."),
        ("BackupObjects", [{"DBName": "shop"}], "Backup objects must be a JSON string."),
        ("ClientToken", "abc", "ClientToken is the bot's: leave it out."),
        ("ClientToken", 5, "ClientToken is the bot's: leave it out."),
        (
            "DatabaseType",
            "",
            "Engine is required here: it decides which parameters apply and are required.",
        ),
    ],
)
def test_a_document_is_checked_strictly(name: str, value: object, sentence: str) -> None:
    """Each JSON type that is none of the parameter's gets one sentence."""
    told = check_document({**ORDERS, "CrossAliyunId": "1", "CrossRoleName": "r", name: value})
    assert told == {name: [sentence]}


def test_a_document_must_state_the_facts_of_the_plan() -> None:
    """Without engine and method the rules cannot be checked."""
    assert {"DatabaseType", "BackupMethod"} <= check_document({}).keys()


def test_a_parameter_says_what_it_is() -> None:
    """The modal and the docs ask these."""
    retention = parameter("BackupRetentionPeriod")
    assert (retention.kind, retention.minimum, retention.maximum) == (Kind.NUMBER, 0, 1825)
    assert retention.hint == "How long a backup is kept. Documented default: 730 days."
    assert parameter("SourceEndpointOracleSID").hint.endswith("Required when the engine is Oracle.")
    assert parameter("BackupGatewayId").kind is parameter("CrossAliyunId").kind is Kind.ID64
    assert all(found.hint and len(found.hint) < 250 and len(found.label) < 40 for found in plan.parameters())
    with pytest.raises(KeyError):
        parameter("DatabaseType")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("BackupRetentionPeriod", "30", "30 days"),
        ("BackupRetentionPeriod", "1", "1 day"),
        ("BackupRateLimit", "1", "1 KB/s"),
        ("BackupStartTime", "14:22", "14:22 UTC"),
        ("EnableBackupLog", "true", "on"),
        ("EnableBackupLog", "maybe", "maybe"),
        ("BackupPeriod", "Monday,Friday", "Monday, Friday"),
        ("BackupStorageType", "own", "own (your OSS bucket)"),
        ("BackupStorageType", "cold", "cold"),
        ("DatabaseType", "MSSQL", "SQL Server"),
        ("DatabaseType", "OceanBase", "OceanBase"),
        ("SourceEndpointPassword", "orders-db", "orders-db"),
    ],
)
def test_values_are_told_in_words(name: str, text: str, words: str) -> None:
    """With their units; what is unknown is told as it is."""
    assert plan.described(name).words(text) == words


READ = {**ORDERS, "BackupRetentionPeriod": "3650", "BackupObjects": '[ {"DBName":"a", "New":1} ]'}


def test_what_is_as_it_was_read_is_not_judged_but_sent_as_it_was_read() -> None:
    odd = {**READ, "BackupStartTime": "25:61", "BackupStorageType": "moon", "BackupPlanName": "a\x07b"}
    assert {*problems(odd)} == {
        "BackupRetentionPeriod", "BackupObjects", "BackupStartTime", "BackupStorageType", "BackupPlanName",
    }  # fmt: skip
    assert problems(odd, odd) == {}
    sent = Plan.parse(odd, odd).request()
    assert sent == {name: text for name, text in odd.items() if name not in {"DatabaseType", "BackupMethod"}}


def test_what_was_edited_is_judged_strictly() -> None:
    edited = {**READ, "BackupRetentionPeriod": "3649", "BackupObjects": '[{"DBName":"a","New":2}]'}
    assert {*problems(edited, READ)} == {"BackupRetentionPeriod", "BackupObjects"}
    assert problems({**READ, "BackupRetentionPeriod": "1825"}, READ) == {}
    assert {*problems({**READ, "BackupPlanName": "\ud800"}, {"BackupPlanName": "\ud800"})} >= {"BackupPlanName"}


def test_rules_hold_for_what_was_read_too() -> None:
    read = {**ORDERS, "BackupRateLimit": "x"}
    assert "can be set only" in problems(read, read)["BackupRateLimit"][0]


def test_objects_in_another_order_go_back_as_they_were_read() -> None:
    read = {"BackupObjects": '[ {"DBName": "a"}, {"DBName": "b"} ]'}
    assert plan.as_read({"BackupObjects": '[{"DBName":"b"},{"DBName":"a"}]'}, read) == read
    assert plan.as_read({"BackupObjects": '[{"DBName":"b"}]'}, read) != read


BY_RDS = {name: text for name, text in ORDERS.items() if name not in {"SourceEndpointUserName", PASSWORD}}


def test_no_user_is_demanded_of_an_rds_plan_that_has_none() -> None:
    assert problems(BY_RDS, BY_RDS) == {}
    assert {*problems(BY_RDS)} == {"SourceEndpointUserName", PASSWORD}, "a plan that was never read"


@pytest.mark.parametrize(
    ("read", "otherwise"),
    [
        ({}, {"SourceEndpointInstanceID": "rm-other"}),
        ({}, {"SourceEndpointInstanceType": "ECS", "SourceEndpointPort": "3306"}),
        ({"SourceEndpointUserName": "backup"}, {}),
        ({"SourceEndpointInstanceType": "ECS"}, {}),
        ({"SourceEndpointInstanceType": ""}, {}),
    ],
)
def test_a_user_is_demanded_wherever_there_may_be_one(read: dict[str, str], otherwise: dict[str, str]) -> None:
    shown = {name: text for name, text in {**BY_RDS, **read}.items() if text}
    assert {"SourceEndpointUserName", PASSWORD} <= problems({**BY_RDS, **otherwise}, shown).keys()


def test_a_user_who_is_given_needs_a_password() -> None:
    assert {*problems({**BY_RDS, "SourceEndpointUserName": "x"}, BY_RDS)} == {PASSWORD}


def test_no_days_until_a_backup_moves_means_never() -> None:
    for name in ("DuplicationInfrequentAccessPeriod", "DuplicationArchivePeriod"):
        assert (parameter(name).words("0"), parameter(name).words("1")) == ("never", "1 day")
    assert parameter("BackupRetentionPeriod").words("0") == "0 days"
