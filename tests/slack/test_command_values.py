"""Reading what stands behind `/backup-plan configure`: ids, names, values, quotes, and what is said about the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.plan import parameters
from bot.core.text import Kind
from bot.slack.typed_command import NO_PLAN, UNCLOSED, read_command

SECRETS = {"dbs1": ["orders-db"]}
JSON = '[{"DBName":"shop"}]'


def secrets(plan_id: str) -> list[str]:
    """The names of the secrets that a plan may use."""
    return SECRETS.get(plan_id, [])


@pytest.mark.parametrize(
    ("line", "plan_id"),
    [("", ""), ("   ", ""), ("dbs1", "dbs1"), ("`dbs1`", "dbs1"), ("“dbs1”.", "dbs1"), ("&lt;dbs1&gt;", "dbs1")],
)
def test_an_id_may_come_with_what_stood_around_it(line: str, plan_id: str) -> None:
    typed = read_command(line, secrets)
    assert (typed.plan_id, typed.values, typed.problems) == (plan_id, {}, ())


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        (
            "BackupRetentionPeriod=30 BackupPeriod=Monday,Friday",
            {"BackupRetentionPeriod": "30", "BackupPeriod": "Monday,Friday"},
        ),
        ("backupretentionperiod=030", {"BackupRetentionPeriod": "30"}),
        ("BackupPeriod=friday,Monday,friday", {"BackupPeriod": "Monday,Friday"}),
        ('BackupPeriod="Friday, Monday"', {"BackupPeriod": "Monday,Friday"}),
        ("BackupStartTime=14:22Z", {"BackupStartTime": "14:22"}),
        (
            "SourceEndpointInstanceType=rds BackupStorageType=OWN",
            {"SourceEndpointInstanceType": "RDS", "BackupStorageType": "own"},
        ),
        ("EnableBackupLog=false", {"EnableBackupLog": "false"}),
        ("BackupGatewayId=23313123312", {"BackupGatewayId": "23313123312"}),
        ("SourceEndpointPassword=orders-db", {"SourceEndpointPassword": "orders-db"}),
        ("BackupObjects=shop", {"BackupObjects": JSON}),
        (f"BackupObjects='{JSON}'", {"BackupObjects": JSON}),
        (
            'BackupObjects="shop\n!shop.audit"',
            {"BackupObjects": '[{"DBName":"shop","TableExcludes":[{"TableName":"audit"}]}]'},
        ),
        ("OSSBucketName=a=b", {"OSSBucketName": "a=b"}),
        (r"OSSBucketName=a\b#c", {"OSSBucketName": r"a\b#c"}),
        ("BackupPlanName=R&amp;D&lt;1&gt;", {"BackupPlanName": "R&D<1>"}),
    ],
)
def test_values_are_read_by_the_model_s_own_text_forms(typed: str, values: dict[str, str]) -> None:
    read = read_command(f"dbs1 {typed}", secrets)
    assert (read.plan_id, read.values, read.problems) == ("dbs1", values, ())


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ('"orders nightly"', "orders nightly"),
        ("'orders nightly'", "orders nightly"),
        ("“orders nightly”", "orders nightly"),
        ("„orders nightly“", "orders nightly"),
        ("‘orders nightly’", "orders nightly"),
        ("“Rita’s orders”", "Rita’s orders"),
        ('"Rita\'s orders"', "Rita's orders"),
        ("Rita’s", "Rita’s"),
    ],
)
def test_quotes_keep_blanks_whichever_way_a_telephone_writes_them(typed: str, name: str) -> None:
    read = read_command(f"dbs1 BackupPlanName={typed} BackupRetentionPeriod=30", secrets)
    assert read.problems == ()
    assert read.values == {"BackupPlanName": name, "BackupRetentionPeriod": "30"}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("BackupPlanName=orders\u00a0nightly", ["has hidden characters"]),
        ("BackupRetention=30", ["“BackupRetention” is no parameter", "Did you mean `BackupRetentionPeriod`?"]),
        ("backupretentionperoid=30", ["Did you mean", "`BackupRetentionPeriod`"]),
        ("Retention=30", ["Did you mean `BackupRetentionPeriod`?"]),
        ("Xyz=1", ["“Xyz” is no parameter", "Possible are `BackupPlanName`, ", "`ResourceGroupId`"]),
        ("BackupRetentionPeriod=9999", ["`BackupRetentionPeriod`", "from 0 to 1825 days", "“9999”"]),
        ("BackupPeriod=Mon", ["`BackupPeriod`", "Monday, Tuesday,", "“Mon”"]),
        ("SourceEndpointInstanceType=VM", ["RDS, ECS, Express, Agent, DDS or Other", "“VM”"]),
        ("EnableBackupLog=on", ["must be true or false", "“on”"]),
        ("BackupStartTime=25:00", ["from 00:00 to 23:59"]),
        (f"BackupObjects={JSON}", ["cannot be read as JSON", "single quotes"]),
        ("ClientToken=1", ["`ClientToken`: it is the bot's own and cannot be set."]),
        ("clienttoken=1", ["`ClientToken`: it is the bot's own"]),
        ("DatabaseType=MySQL", ["`DatabaseType`: it is a fact of the plan and cannot be changed."]),
        ("BackupMethod=physical", ["`BackupMethod`: it is a fact of the plan"]),
        ("BackupPlanId=dbs2", ["right behind `configure`"]),
        ("OSSBucketName=", ["`OSSBucketName` has no value here", "emptied in the form"]),
        ("BackupRetentionPeriod=30 backupretentionperiod=31", ["`BackupRetentionPeriod` is there twice."]),
        ("dbs2", ["“dbs2” is not a value: write `Name=value`"]),
        ("BackupRetentionPeriod = 30", ["without blanks around the `=`"]),
        ("=30", ["A value has no name"]),
        (f"OSSBucketName={'x' * 3001}", ["too long"]),
        ("OSSBucketName=a\u202eb", ["hidden characters"]),
        ("<!channel>=1", ["“&lt;!channel&gt;” is no parameter"]),
        ("BackupRetentionPeriod=<@U0ANA>", ["“&lt;@U0ANA&gt;”"]),
        (f"BackupRetentionPeriod={'9' * 500}", ["999…”"]),
    ],
)
def test_what_cannot_be_used_is_named_with_what_is_possible(typed: str, said: list[str]) -> None:
    read = read_command(f"dbs1 {typed}", secrets)
    assert read.values == {}
    told = "\n".join(read.problems)
    assert [part for part in said if part not in told] == []


def test_everything_that_is_wrong_is_told_at_once() -> None:
    read = read_command("dbs1 BackupRetentionPeriod=x Foo=1 ClientToken=2 BackupPeriod=Monday", secrets)
    assert len(read.problems) == 3


@pytest.mark.parametrize("line", ["BackupRetentionPeriod=30", "BackupRetentionPeriod=x Foo=1", "`` Foo=1"])
def test_values_need_a_plan(line: str) -> None:
    assert read_command(line, secrets).problems == (NO_PLAN,)


@pytest.mark.parametrize(
    "line", ['dbs1 BackupPlanName="orders', "dbs1 BackupPlanName=Rita's", "dbs1 BackupPlanName=“a b"]
)
def test_a_quote_left_open_is_told_with_what_to_do(line: str) -> None:
    assert read_command(line, secrets).problems == (UNCLOSED,)
    assert "double quotes" in UNCLOSED


@pytest.mark.parametrize(
    "typed",
    [
        "SourceEndpointPassword=hunter2",
        "sourceendpointpassword=hunter2",
        "SourceEndpointPasword=hunter2",
        "SourceEndpointPassword=correct hunter2",
        'SourceEndpointPassword="correct hunter2"',
        "Password = hunter2",
    ],
)
def test_req30_what_may_be_a_password_is_never_repeated(typed: str) -> None:
    read = read_command(f"dbs1 {typed}", secrets)
    assert read.problems
    assert "hunter2" not in "".join(read.problems)


def test_req35_a_secret_that_this_plan_may_not_use_is_as_good_as_none() -> None:
    (said,) = read_command("dbs2 SourceEndpointPassword=orders-db", secrets).problems
    assert "If it was a password, change it" in said


@given(
    st.text(max_size=60), st.lists(st.tuples(st.sampled_from([one.name for one in parameters()]), st.text(max_size=40)))
)
def test_any_line_is_read_or_answered_and_never_both(plan_id: str, pairs: list[tuple[str, str]]) -> None:
    read = read_command(" ".join([plan_id, *(f"{name}={text}" for name, text in pairs)]), secrets)
    if read.problems:
        assert (read.plan_id, read.values) == ("", {})
        assert all(problem.strip().endswith((".", "?")) for problem in read.problems)
    for name, value in read.values.items():
        one = next(one for one in parameters() if one.name == name)
        if one.kind is not Kind.SECRET:
            assert one.form.text(one.form.parse(value)) == value, "canonical text reads as itself"
