"""Conditions hold and read as they should."""

import pytest

from bot.core.conditions import (
    ALWAYS,
    NEVER,
    BackupMethod,
    BackupStrategyType,
    DatabaseType,
    Rule,
    SourceEndpointInstanceType,
    Unless,
    When,
    either,
)

AGENT = SourceEndpointInstanceType.AGENT
SIGNED_IN = Unless(When(DatabaseType.REDIS), When(AGENT, DatabaseType.MSSQL))


@pytest.mark.parametrize(
    ("condition", "facts", "holds"),
    [
        (When(DatabaseType.ORACLE), {"DatabaseType": "Oracle"}, True),
        (When(DatabaseType.ORACLE), {"DatabaseType": "oracle"}, True),
        (When(DatabaseType.ORACLE), {"DatabaseType": "OceanBase"}, False),
        (When(DatabaseType.ORACLE), {}, False),
        (When(DatabaseType.MYSQL, BackupMethod.PHYSICAL), {"DatabaseType": "MySQL", "BackupMethod": "physical"}, True),
        (When(DatabaseType.MYSQL, BackupMethod.PHYSICAL), {"DatabaseType": "MySQL", "BackupMethod": "logical"}, False),
        (When(DatabaseType.MYSQL, BackupMethod.PHYSICAL), {"BackupMethod": "physical"}, False),
        (When(AGENT, DatabaseType.MSSQL, SourceEndpointInstanceType.ECS), {"DatabaseType": "MSSQL"}, False),
        (
            When(AGENT, DatabaseType.MSSQL, SourceEndpointInstanceType.ECS),
            {"DatabaseType": "MSSQL", "SourceEndpointInstanceType": "ecs"},
            True,
        ),
        (When(BackupStrategyType.SIMPLE), {}, True),
        (When(BackupStrategyType.SIMPLE), {"BackupStrategyType": ""}, True),
        (When(BackupStrategyType.SIMPLE), {"BackupStrategyType": "manual"}, False),
        (SIGNED_IN, {"DatabaseType": "Redis"}, False),
        (SIGNED_IN, {"DatabaseType": "MSSQL", "SourceEndpointInstanceType": "Agent"}, False),
        (SIGNED_IN, {"DatabaseType": "MSSQL", "SourceEndpointInstanceType": "RDS"}, True),
        (SIGNED_IN, {}, True),
        (ALWAYS, {}, True),
        (NEVER, {"DatabaseType": "MySQL"}, False),
    ],
)
def test_a_condition_holds(condition: When | Unless, facts: dict[str, str], holds: bool) -> None:
    """Facts of one kind are alternatives, kinds must all be met, unknown words match nothing, no strategy is simple."""
    assert condition.holds(facts) is holds


def test_a_condition_prints_as_people_say_it() -> None:
    """The printed form is a clause, with alternatives joined by "or" and kinds by "and"."""
    source = SourceEndpointInstanceType
    assert str(When(source.EXPRESS, source.AGENT, source.OTHER)) == "the source type is Express, Agent or Other"
    assert (
        str(When(DatabaseType.MYSQL, BackupMethod.PHYSICAL)) == "the engine is MySQL and the backup method is physical"
    )
    assert str(SIGNED_IN) == "unless the engine is Redis, or the source type is Agent and the engine is SQL Server"
    assert When(BackupStrategyType.SIMPLE).clause == " when the backup strategy is simple"
    assert ALWAYS.clause == ""


def test_a_rule_prints_what_is_conditional_about_it() -> None:
    """A parameter that is always optional has nothing to say."""
    assert str(Rule()) == ""
    assert str(Rule(required=ALWAYS)) == "Required."
    assert str(Rule(applies=When(BackupMethod.PHYSICAL))) == "Only when the backup method is physical."
    assert str(Rule(required=SIGNED_IN)).startswith("Required unless the engine is Redis, or ")


def test_a_rule_knows_what_steers_it() -> None:
    """The facts of all its conditions count, also those inside exceptions."""
    rule = Rule(applies=When(BackupMethod.PHYSICAL), required=SIGNED_IN)
    assert rule.steered_by == {"BackupMethod", "DatabaseType", "SourceEndpointInstanceType"}
    assert Rule().steered_by == frozenset()


def test_alternatives_are_joined() -> None:
    """One, two and three words."""
    assert [either(words) for words in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a or b", "a, b or c"]
