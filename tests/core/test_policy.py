"""The policy file is read strictly, every problem names its key, and what follows from it is plain to read."""

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.demand import Demand
from bot.core.evaluation import evaluate, tightened_since
from bot.core.people import Channel, Person
from bot.core.policy import channel_problem, everybody, read_policy, secret_problem
from bot.core.policy_rule import Facts
from bot.errors import ConfigError

WHOLE = """
[defaults]
approvals = 2
approvers = ["S0DBA", "U0ANA"]
requesters = []
channels = ["C0OPS"]
expires_after = "4h"
execute_within = "30m"

[secrets.orders-db]
ref = "env:ORDERS_DB_PASSWORD"
plans = ["dbs*"]
sources = ["instance:rm-uf6orders01", "gateway:23313123312"]
"""
MEMBERS = {"S0DBA": frozenset({"U0BEN", "U0ANA", "U0RITA"})}


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_policy(text)
    return caught.value.problems


def changed(old: str, new: str) -> str:
    assert old in WHOLE
    return WHOLE.replace(old, new)


def test_the_documented_file_is_read() -> None:
    policy = read_policy(WHOLE)
    assert policy.defaults.expires_after == timedelta(hours=4)
    assert policy.secrets_for("dbs1") == ["orders-db"]
    assert policy.secrets_for("other") == []


def test_only_approvers_have_to_be_named() -> None:
    policy = read_policy('[defaults]\napprovers = ["S0DBA"]')
    assert (policy.defaults.approvals, policy.defaults.channels, policy.secrets) == (2, [], {})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (changed("approvals = 2", "aprovals = 2"), "defaults.aprovals: unknown key"),
        (WHOLE + "[extra]\n", "extra: unknown key"),
        (changed("plans =", "plan ="), "secrets.orders-db.plan: unknown key"),
        (changed('approvers = ["S0DBA", "U0ANA"]', "approvers = []"), "defaults.approvers: must not be empty"),
        (changed('approvers = ["S0DBA", "U0ANA"]', ""), "defaults.approvers: is missing"),
        ("", "defaults: is missing"),
        (changed("approvals = 2", "approvals = 0"), "defaults.approvals: "),
        (changed("approvals = 2", 'approvals = "2"'), "defaults.approvals: "),
        (changed("approvals = 2", "approvals = true"), "defaults.approvals: "),
        (changed('"S0DBA", "U0ANA"', '"@dba"'), "defaults.approvers[0]: '@dba' is not a user id"),
        (changed('"C0OPS"', '"#ops"'), "defaults.channels[0]: '#ops' is not a channel id"),
        (
            changed('"S0DBA", "U0ANA"', '"U0ANA"'),
            "defaults.approvers lists 1 people, but defaults.approvals asks for 2",
        ),
        (changed('"S0DBA", "U0ANA"', '"U0ANA", "U0ANA"'), "defaults.approvers lists 1 people"),
        (
            changed('"4h"', '"4 hours"'),
            "defaults.expires_after: must be a whole number above 0 followed by s, m, h or d",
        ),
        (changed('"30m"', '"0m"'), "defaults.execute_within: must be a whole number above 0"),
        (changed("env:ORDERS_DB_PASSWORD", "hunter2"), "secrets.orders-db.ref: must be env:NAME"),
        (changed('["dbs*"]', "[]"), "secrets.orders-db.plans: must not be empty"),
        (
            changed('"instance:rm-uf6orders01", "gateway:23313123312"', '"*"'),
            "secrets.orders-db.sources[0]: '*' does not say what it is",
        ),
        (
            changed('"instance:rm-uf6orders01", "gateway:23313123312"', '"gateway:*"'),
            "secrets.orders-db.sources[0]: 'gateway:*'",
        ),
        (
            changed('"instance:rm-uf6orders01"', '"instance:?*"'),
            "secrets.orders-db.sources[0]: 'instance:?*' would let",
        ),
        (changed("approvals = 2", "approvals = = 2"), "not TOML: Invalid value (at line 3, column 13)"),
    ],
)
def test_req34_a_mistake_refuses_to_start_and_names_its_key_or_line(text: str, problem: str) -> None:
    found = problems(text)
    assert any(one.startswith(problem) for one in found), found
    assert not any("pydantic" in one or "hunter2" in one for one in found)


def test_req34_all_mistakes_are_told_together() -> None:
    text = changed("approvals = 2", "approvals = 0").replace("plans = ", "plan = ")
    assert len(problems(text)) == 3  # too few approvals, an unknown key, a missing one


@given(st.text(max_size=300))
def test_any_text_is_a_policy_or_a_config_error(text: str) -> None:
    with suppress(ConfigError):
        read_policy(text)


def test_the_digest_is_of_what_the_file_says() -> None:
    assert read_policy(WHOLE).digest == read_policy("# a comment\n" + WHOLE).digest
    assert read_policy(WHOLE).digest != read_policy(changed("approvals = 2", "approvals = 3")).digest


def test_req02_a_person_in_two_groups_is_one_person() -> None:
    members = {"S0DBA": frozenset({"U0ANA", "U0BEN"}), "S0SRE": frozenset({"U0ANA", "U0CAT"})}
    assert everybody(["S0DBA", "S0SRE", "U0ANA"], members) == {"U0ANA", "U0BEN", "U0CAT"}


def demanded(text: str) -> Demand:
    return evaluate(read_policy(text), Facts(plan_id="dbs1", requester="U0RITA", members=MEMBERS))


def test_req04_the_requester_is_never_in_the_pool() -> None:
    asked = demanded(WHOLE)
    assert asked.pool == ("U0ANA", "U0BEN")
    assert asked.sentence == "2 people out of <!subteam^S0DBA>, <@U0ANA> must approve, not counting <@U0RITA>."


def test_a_policy_that_wants_more_is_told_and_one_that_wants_less_is_not() -> None:
    asked = demanded(WHOLE)
    assert tightened_since(demanded(changed("approvals = 2", "approvals = 3")), asked)
    assert not tightened_since(demanded(changed("approvals = 2", "approvals = 1")), asked)


@pytest.mark.parametrize(
    ("channel", "sentence"),
    [
        (Channel("C0OPS", bot_is_member=True), ""),
        (Channel("C0OPS"), "The bot is not in this channel"),
        (Channel("C0OPS", bot_is_member=True, is_archived=True), "This channel is archived"),
        (Channel("C0OPS", bot_is_member=True, is_shared_outside=True), "This channel is shared with another"),
        (Channel("C0DEV", bot_is_member=True), "The policy does not allow changes in this channel"),
        (Channel("D0RITA", bot_is_member=True, is_direct=True), "A change is posted in a channel"),
    ],
)
def test_req36_a_channel_is_refused_for_one_reason_that_says_what_to_do(channel: Channel, sentence: str) -> None:
    said = channel_problem(read_policy(WHOLE), channel)
    assert said.startswith(sentence)
    assert bool(said) == bool(sentence)


@pytest.mark.parametrize(
    ("plan_id", "values", "allowed"),
    [
        ("dbs1", {"SourceEndpointInstanceID": "rm-uf6orders01"}, True),
        ("dbs1", {"SourceEndpointInstanceID": "rm-uf6orders01", "BackupGatewayId": "23313123312"}, True),
        ("dbs1", {}, True),
        ("other1", {"SourceEndpointInstanceID": "rm-uf6orders01"}, False),
        ("DBS1", {"SourceEndpointInstanceID": "rm-uf6orders01"}, False),
        ("dbs1", {"SourceEndpointInstanceID": "RM-UF6ORDERS01"}, False),
        ("dbs1", {"SourceEndpointInstanceID": "rm-uf6orders01", "SourceEndpointIP": "10.9.9.9"}, False),
        ("dbs1", {"SourceEndpointInstanceID": "rm-uf6orders01", "BackupGatewayId": "666"}, False),
        ("dbs1", {"SourceEndpointInstanceID": "rm-uf6orders01", "CrossAliyunId": "1234"}, False),
    ],
)
def test_req35_a_secret_goes_only_where_every_source_of_the_request_is_named(
    plan_id: str, values: dict[str, str], allowed: bool
) -> None:
    assert (secret_problem(read_policy(WHOLE), "orders-db", plan_id, values, {}, {}) == "") is allowed


AGENT = {"SourceEndpointInstanceType": "Agent", "SourceEndpointIP": "203.0.113.66"}
RDS = {
    "SourceEndpointInstanceType": "RDS", "SourceEndpointInstanceID": "rm-uf6orders01", "SourceEndpointIP": "rm-uf6.rds",
}  # fmt: skip
ORDERS = {"SourceEndpointInstanceType": "RDS", "SourceEndpointInstanceID": "rm-uf6orders01"}


@pytest.mark.parametrize(
    ("read", "known", "stranger"),
    [
        ({**RDS, "BackupGatewayId": "666"}, {}, "gateway:666"),
        ({**RDS, "BackupGatewayId": "23313123312"}, {}, ""),
        ({**RDS, "CrossAliyunId": "1234"}, {}, "account:1234"),
        (AGENT, {}, "host:203.0.113.66"),
        ({**ORDERS, "SourceEndpointInstanceType": "ECS", "SourceEndpointIP": "10.0.3.7"}, {}, "host:10.0.3.7"),
        (RDS, {}, ""),
        (RDS, {"SourceEndpointIP": "rm-uf6.rds"}, "host:rm-uf6.rds"),
        ({**RDS, "SourceEndpointInstanceID": "rm-other"}, {}, "instance:rm-other"),
        ({**RDS, "SourceEndpointInstanceID": ""}, {}, "host:rm-uf6.rds"),
        ({}, {}, ""),
    ],
)
def test_req35_what_a_request_leaves_out_must_be_bound_too(
    read: dict[str, str], known: dict[str, str], stranger: str
) -> None:
    """DBS may keep it; but a host that DBS found goes with the instance that it found it for."""
    said = secret_problem(read_policy(WHOLE), "orders-db", "dbs1", ORDERS, read, known)
    assert (f"for {stranger} (not sent, but DBS may keep it);" in said) if stranger else said == ""


def test_req35_what_is_sent_takes_the_place_of_what_was_read() -> None:
    sent = {**ORDERS, "BackupGatewayId": "23313123312"}
    assert secret_problem(read_policy(WHOLE), "orders-db", "dbs1", sent, {**RDS, "BackupGatewayId": "666"}, {}) == ""


def test_req35_port_and_user_left_out_count_once_they_are_named() -> None:
    policy = read_policy(changed('"gateway:23313123312"]', '"user:backup"]'))
    read = {**RDS, "SourceEndpointUserName": "root", "SourceEndpointPort": "3307"}
    assert "user:root (not sent" in secret_problem(policy, "orders-db", "dbs1", ORDERS, read, {})


def test_req35_a_secret_that_the_policy_does_not_name_is_refused() -> None:
    assert "no secret 'nobody'" in secret_problem(read_policy(WHOLE), "nobody", "dbs1", {}, {}, {})


@pytest.mark.parametrize(
    ("person", "counts"),
    [
        (Person("U1", "T1"), True),
        (Person("U1", "T2"), False),
        (Person("U1", ""), False),
        (Person("U1", "T1", is_deleted=True), False),
        (Person("U1", "T1", is_bot=True), False),
        (Person("U1", "T1", is_guest=True), False),
        (Person("U1", "T1", is_stranger=True), False),
    ],
)
def test_req23_only_full_members_of_this_workspace_count(person: Person, counts: bool) -> None:
    assert (person.disqualified("T1") == "") is counts
