"""A change that is only supposed: which rules may apply, which risks are certain, and what is said of both."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.conditions import BackupMethod
from bot.core.conditions import SourceEndpointInstanceType as Source
from bot.core.demand import Demand, Slot
from bot.core.diff import diff
from bot.core.evaluation import evaluate
from bot.core.outlook import NOTHING_MORE, Unknown, only_elsewhere, outlook, shortage, without_markup
from bot.core.parameters import Parameter
from bot.core.people import Channel
from bot.core.plan import applicable, derived, normalise, parameter, parameters
from bot.core.policy import Policy, read_policy
from bot.core.policy_rule import Facts
from bot.core.reading import Reading
from bot.core.risk_codes import RISKS
from bot.core.supposed import Supposed, read_values

NOW = datetime(2026, 5, 6, 4, 0, tzinfo=UTC)
MYSQL = Reading({"BackupPlanId": "dbs1", "BackupRetentionPeriod": "730"}, "MySQL", "logical", "running", region="r1")


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
        "SourceEndpointUserName": "backup",
        "BackupObjects": "shop\ncrm",
        "BackupPeriod": "Monday,Friday",
        "BackupStartTime": "14:22",
        "EnableBackupLog": "true",
        "BackupRetentionPeriod": "730",
        "DuplicationArchivePeriod": "365",
        "BackupStorageType": "system",
        "OSSBucketName": "bucket",
        "CrossAliyunId": "1234567890123456",
        "CrossRoleName": "dbs-reader",
    }
)
KEPT = {"BackupPlanId", "BackupPlanName", "SourceEndpointInstanceType"}
SECRET_NAME = "SourceEndpointPassword"
HIDDEN = {
    SECRET_NAME: "orders-db", "BackupStrategyType": "simple", "BackupLogIntervalSeconds": "60",
    "BackupRateLimit": "100", "BackupSpeedLimit": "100", "AutoStartBackup": "true",
}  # fmt: skip
SETTABLE = [one for one in parameters() if one.name not in {"BackupPlanId", SECRET_NAME}]
METHODS = st.sampled_from([one.value for one in BackupMethod])


def values(one: Parameter) -> list[str]:
    """Values to propose: what is there now, and others."""
    others = {"BackupObjects": ["shop", "shop\nhr"], "BackupPeriod": ["Monday", "Monday,Friday,Sunday"]}
    present = (SHOWN | HIDDEN).get(one.name)
    return [*filter(None, [present]), *(one.choices or others.get(one.name) or ["1", "7"])]


def rules(*tables: str) -> Policy:
    return read_policy(
        '[defaults]\napprovers = ["S0DBA"]\n' + "".join(f'[[rules]]\nname = "r{number}"\n{table}\n'
        for number, table in enumerate(tables))
    )  # fmt: skip


EVERYTHING = Unknown(frozenset({"plans", "regions", "engines", "channels"}))
KNOWN = Unknown(frozenset(), frozenset())


@pytest.mark.parametrize(
    ("rule", "facts", "unknown", "condition"),
    [
        ('plans = ["p*"]', Facts("dbs1"), EVERYTHING, "the plan’s name matches `p*`"),
        ('plans = ["p*"]', Facts("dbs1", plan_name="x"), KNOWN, ""),
        ('plans = ["p*"]', Facts("dbs1", plan_name="x"), EVERYTHING, "the plan gets a name that matches `p*`"),
        ('plans = ["dbs*"]\nregions = ["cn-*", "eu-*"]', Facts("dbs1"), EVERYTHING,
         "the region matches `cn-*` or `eu-*`"),
        ('regions = ["cn-*"]', Facts("dbs1", region="eu-1"), KNOWN, ""),
        ('engines = ["MySQL"]\nwhen = ["source-changed"]', Facts("dbs1"), EVERYTHING,
         "the engine matches `MySQL` and the source changes"),
        ('channels = ["inc-*", "C0INC"]', Facts("dbs1"), EVERYTHING,
         "it is asked for in a channel that matches `inc-*` or `C0INC`"),
        ('channels = ["inc-*", "C0INC"]', Facts("dbs1", channel_id="C0OPS"), EVERYTHING,
         "it is asked for in a channel that matches `inc-*`"),
        ('channels = ["inc-*", "C0INC"]', Facts("dbs1", channel_name="ops"), EVERYTHING,
         "it is asked for in a channel that matches `C0INC`"),
        ('channels = ["C0INC"]', Facts("dbs1", channel_id="C0OPS"), EVERYTHING, ""),
        ('when = ["source-changed"]', Facts("dbs1"), Unknown(risks=frozenset({"log-backup-off"})), ""),
        ('plans = ["p*"]\nwhen = ["source-changed"]', Facts("dbs1", plan_name="x"), Unknown(), ""),
        ("", Facts("dbs1"), EVERYTHING, ""),
    ],
)  # fmt: skip
def test_a_rule_may_apply_if_everything_that_is_not_met_is_unknown(
    rule: str, facts: Facts, unknown: Unknown, condition: str
) -> None:
    found = [what_if.headline for what_if in outlook(rules(f"{rule}\napprovals = 3"), facts, unknown, NOW)]
    assert found == ([f"If {condition}, rule “r0” applies as well."] if condition else [])


def test_a_what_if_says_what_the_rule_adds_to_those_that_apply_anyway() -> None:
    many = rules("approvals = 3", 'when = ["log-backup-off"]\napprovals = 3', 'when = ["source-changed"]\ndeny = true')
    assert [what_if.lines for what_if in outlook(many, Facts("dbs1"), KNOWN, NOW)] == []
    equal, denied = outlook(many, Facts("dbs1"), Unknown(), NOW)
    assert equal.risks == {"log-backup-off"}
    assert denied.risks == {"source-changed"}
    assert equal.lines == ("3 people out of <!subteam^S0DBA> must approve, because of “r0” and “r1”.",)
    assert denied.lines == ("It may not be asked for: The rule “r2” of the policy does not allow this.",)
    (same,) = outlook(rules('when = ["log-backup-off"]\ndm = true'), Facts("dbs1"), Unknown(), NOW)
    assert same.lines == (NOTHING_MORE,)
    assert outlook(rules("deny = true", 'when = ["source-changed"]'), Facts("dbs1"), Unknown(), NOW) == []


SECRET = {"secret-changed", "unknown-now", "cleared", "look-alike"}
OPEN = SECRET | {"schedule-manual", "days-fewer"}
"""Hang on what the bot remembers of the password, and of the strategy as well, which nobody asks here."""
CLEARED = {"cleared", "storage-changed"}


@pytest.mark.parametrize(
    ("supposed", "certain", "possible"),
    [
        (Supposed("dbs1"), set(), set(RISKS) - OPEN),
        (Supposed("dbs1", then={"BackupPeriod": "Monday"}), set(), {"days-fewer"}),
        (Supposed("dbs1", then={"BackupStartTime": "03:00"}), set(), set()),
        (Supposed("dbs1", then={"BackupRetentionPeriod": "7"}), set(), {"retention-shortened"}),
        (Supposed("dbs1", then={"BackupRetentionPeriod": ""}), set(), {"retention-shortened", "cleared"}),
        (Supposed("dbs1", now={"BackupRetentionPeriod": "5"}, then={"BackupRetentionPeriod": "7"}), set(), set()),
        (Supposed("dbs1", now={"BackupRetentionPeriod": "5"}, then={"BackupRetentionPeriod": ""}),
         {"cleared", "retention-shortened"}, set()),
        (Supposed("dbs1", reading=MYSQL, then={"BackupRetentionPeriod": "7"}), {"retention-shortened"}, set()),
        (Supposed("dbs1", reading=MYSQL, now={"BackupRetentionPeriod": "7"}, then={"BackupRetentionPeriod": "7"}),
         set(), set()),
        (Supposed("dbs1", then={"EnableBackupLog": "true"}), set(), set()),
        (Supposed("dbs1", then={"EnableBackupLog": "false"}), set(), {"log-backup-off"}),
        (Supposed("dbs1", now={"EnableBackupLog": ""}, then={"EnableBackupLog": "false"}), {"log-backup-off"}, set()),
        (Supposed("dbs1", reading=MYSQL, then={"BackupStrategyType": "manual"}),
         {"schedule-manual", "days-fewer"}, set()),
        (Supposed("dbs1", now={"BackupStrategyType": "manual"}, then={"BackupStrategyType": "manual"}),
         {"schedule-manual", "days-fewer"}, set()),
        (Supposed("dbs1", then={"BackupStrategyType": "simple"}), set(), set()),
        (Supposed("dbs1", then={"BackupStrategyType": ""}), {"schedule-manual", "days-fewer", "cleared"}, set()),
        (Supposed("dbs1", now={"SourceEndpointInstanceID": "a"}, then={"SourceEndpointPort": "1"}),
         set(), {"source-changed"}),
        (Supposed("dbs1", now={"SourceEndpointInstanceID": "a"},
                  then={"SourceEndpointInstanceID": "b", "SourceEndpointPort": "1"}), {"source-changed"}, set()),
        (Supposed("dbs1", now={"SourceEndpointOracleSID": ""}, then={"SourceEndpointOracleSID": "ORCL"}),
         set(), {"source-changed"}),
        (Supposed("dbs1", now={"OSSBucketName": "a"}, then={"OSSBucketName": ""}), CLEARED, set()),
        (Supposed("dbs1", then={"CrossAliyunId": "1"}), set(), {"account-changed"}),
        (Supposed("dbs1", then={"BackupPlanName": "new"}), set(), {"renamed", "look-alike"}),
        (Supposed("dbs1", name="old", then={"BackupPlanName": "new"}), {"renamed"}, set()),
    ],
)  # fmt: skip
def test_a_risk_is_certain_only_where_it_is_known_what_is_there_now(
    supposed: Supposed, certain: set[str], possible: set[str]
) -> None:
    assert supposed.facts().risks.intersection(RISKS) == certain
    of_the_ledger = SECRET if "BackupStrategyType" in supposed.then else OPEN
    assert supposed.unknown().risks == (possible | of_the_ledger) - certain


@pytest.mark.parametrize("now", [{}, {"BackupStrategyType": "simple"}])
def test_what_dbs_does_not_show_may_count_as_left_out(now: dict[str, str]) -> None:
    """Also where somebody says what it is: whether the bot remembers it is another matter."""
    supposed = Supposed("dbs1", reading=MYSQL, now=now, then={"BackupRetentionPeriod": "900"})
    assert supposed.unknown().risks >= {"cleared", "schedule-manual", "days-fewer", "unknown-now"}
    assert supposed.left_to_the_ledger == ["Database password", "Backup strategy", "Start by itself"]


def test_a_new_name_is_asked_about_whatever_the_plan_is_called_now() -> None:
    renamed = Supposed("dbs1", then={"BackupPlanName": "orders-hold"})
    assert renamed.facts().new_name == "orders-hold"
    assert evaluate(rules('plans = ["*-hold"]\ndeny = true'), renamed.facts()).denied
    assert Supposed("dbs1", name="a").unknown().kinds >= {"plans"}, "no value is proposed: any may be"
    assert "plans" not in Supposed("dbs1", name="a", then={"BackupRetentionPeriod": "9"}).unknown().kinds


@given(data=st.data())
@settings(max_examples=400, deadline=None)
def test_every_risk_of_the_request_was_certain_or_an_if(data: st.DataObject) -> None:
    """Whatever of the plan is known to whoever supposes the change, and whatever the bot remembers."""
    shown = normalise({name: text for name, text in SHOWN.items() if name in KEPT or data.draw(st.booleans(), name)})
    shown["SourceEndpointInstanceType"] = data.draw(st.sampled_from([one.value for one in Source]), "source type")
    engine, method = data.draw(st.sampled_from(["MySQL", "Oracle", "Redis"])), data.draw(METHODS)
    reading = Reading(shown, engine, method, "check_pass", region="r1")
    known = {name: text for name, text in HIDDEN.items() if data.draw(st.booleans(), f"{name} is remembered")}
    if "BackupStrategyType" in known:
        known["BackupStrategyType"] = data.draw(st.sampled_from(["simple", "manual"]), "strategy")
    chosen = data.draw(st.lists(st.sampled_from(SETTABLE), min_size=1, max_size=3, unique=True))
    then = {one.name: data.draw(st.sampled_from(sorted({"", *values(one)})), one.name) for one in chosen}
    then = {name: parameter(name).normalise(text) or "" for name, text in then.items()}

    # What a form sends: the secret is chosen anew where it is not remembered, or for another one.
    held = {name: text for name, text in shown.items() if not derived(name, shown)}
    secret = data.draw(st.sampled_from(["", "orders-db", "orders-new", "0rders-db"]), "secret")
    filled_in = {**held, **known, **({SECRET_NAME: secret} if secret else {}), **then}
    sent = {name: text for name, text in applicable({**filled_in, **reading.facts}).items() if text}
    asked = diff(reading, sent, known).codes & RISKS.keys()

    said = {name: text for name, text in shown.items() if name != "BackupPlanId" and data.draw(st.booleans(), name)}
    absent = {one.name: "" for one in SETTABLE if one.readable and one.name not in shown and data.draw(st.booleans())}
    for supposed in (
        Supposed("dbs1", reading=reading, then=then),
        Supposed("dbs1", engine=engine, method=method, now=said | absent, then=then),
        Supposed("dbs1", now=known, then=then),
        Supposed("dbs1", then=then),
    ):
        assert asked <= supposed.facts().risks | supposed.unknown().risks


def test_an_exception_that_may_hold_is_told_as_an_if() -> None:
    """Who made a channel is known of Slack only."""
    strict = rules('except_channels = [{ name = "inc-*", created_by = ["U0IRBOT"] }, "C0INC"]\napprovals = 3')
    channels = Unknown(frozenset({"channels"}), frozenset())

    def told(**where: str | None) -> list[str]:
        return [one.headline for one in outlook(strict, Facts("dbs1", **where), channels, NOW)]  # type: ignore[arg-type]  # none is a set

    if_so = "If it is asked for in a channel that matches {}, rule “r0” does not apply."
    made = "`inc-* made by U0IRBOT`"
    assert told(channel_creator=None) == [if_so.format(f"{made} or `C0INC`")]
    assert told(channel_name="inc-7", channel_creator=None) == [if_so.format(f"{made} or `C0INC`")]
    assert told(channel_name="ops", channel_creator=None) == [if_so.format("`C0INC`")]
    assert told(channel_id="C1", channel_name="inc-7", channel_creator="U0RITA") == []
    assert told(channel_id="C1", channel_name="inc-7", channel_creator="") == [], "nobody will know better"
    assert told(channel_id="C1", channel_name="inc-7", channel_creator="U0IRBOT") == [], "it is excepted"
    (only,) = outlook(strict, Facts("dbs1", channel_creator=None), channels, NOW)
    assert only.lines[:2] == (
        "No rule applies, so the defaults hold.",
        "2 people out of <!subteam^S0DBA> must approve.",
    )


def test_what_is_said_counts_more_than_what_was_read() -> None:
    supposed = Supposed("dbs1", reading=MYSQL, name="orders", engine="Oracle", channel=Channel("C1"), by="U1")
    facts = supposed.facts()
    assert (facts.plan_name, facts.engine, facts.region, facts.channel_id, facts.requester) == (
        "orders", "Oracle", "r1", "C1", "U1",
    )  # fmt: skip
    assert supposed.unknown().kinds == {"plans", "channels"}, "it may get another name"
    assert replace(supposed, then={"BackupRetentionPeriod": "7"}).unknown().kinds == {"channels"}
    assert Supposed("dbs1").unknown().kinds == {"plans", "regions", "engines", "channels"}


def test_values_are_read_in_the_models_own_text_forms() -> None:
    given = ("backupperiod=friday,Monday", "BackupStorageType=", "OSSBucketName=", "BackupStartTime=14:22Z")
    assert read_values(given) == {
        "BackupPeriod": "Monday,Friday", "BackupStorageType": "own", "OSSBucketName": "", "BackupStartTime": "14:22",
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"Write Name=value\. .*EnableBackupLog: Log backup must be true or false\."):
        read_values(["nothing", "EnableBackupLog=2"])


def test_slacks_mentions_become_plain_ids() -> None:
    said = "1 of <!subteam^S0DBA> or <@U0ANA>, told in <#C0AUDIT> (`inc-*`), <not> a mention."
    assert without_markup(said) == "1 of S0DBA or U0ANA, told in C0AUDIT (inc-*), <not> a mention."


def test_too_few_approvers_and_a_channel_that_is_not_allowed_are_told() -> None:
    slot = Slot(who=("S0DBA",), at_least=2, pool=("U1",))
    asked = Demand(approvals=2, approvers=("S0DBA",), pool=("U1",), policy="p", sentence="s", slots=(slot,))
    assert shortage(asked).endswith("it takes 1 more person from <!subteam^S0DBA>.")
    assert shortage(asked.model_copy(update={"approvals": 1, "slots": ()})) == ""
    allowed = read_policy('[defaults]\napprovers = ["S0DBA"]\nchannels = ["C1", "C2"]\n')
    assert only_elsewhere(allowed, "C3") == "The policy allows changes only in <#C1> or <#C2>, not in <#C3>."
    assert only_elsewhere(allowed, "C1") == only_elsewhere(allowed, "") == only_elsewhere(rules(), "C3") == ""
