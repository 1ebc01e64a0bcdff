"""The rules of ConfigureBackupPlan against the data they were gathered as: every rule, every combination of facts."""

import json
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.conditions import BackupMethod, BackupStrategyType, DatabaseType, SourceEndpointInstanceType
from bot.core.parameters import Group
from bot.core.plan import Plan, PlanProblems, check_document, normalise, parameter, parameters, problems
from bot.core.text import Kind

DATA: dict[str, dict[str, Any]] = {
    entry["name"]: entry
    for entry in json.loads((Path(__file__).parent.parent / "data" / "configure_backup_plan.json").read_text())
}
SETTABLE = [name for name, entry in DATA.items() if entry["documented"] and not entry.get("generated")]
STEERING = ("SourceEndpointInstanceType", "BackupStrategyType", "BackupStorageType")

SOURCES = [*SourceEndpointInstanceType, "Moon", None]
ENGINES = [*DatabaseType, "OceanBase", None]
METHODS = [*BackupMethod, "snapshot", None]
STRATEGIES = [*BackupStrategyType, None]
"""Every word DBS knows, one it does not know, and none at all."""

SAMPLES = {
    "BackupPlanId": "dbstooi01",
    "BackupPlanName": "orders, nightly",
    "SourceEndpointRegion": "cn-hangzhou",
    "SourceEndpointInstanceID": "rm-uf6orders01",
    "SourceEndpointIP": "10.0.0.7",
    "SourceEndpointPort": "3306",
    "SourceEndpointDatabaseName": "orders",
    "SourceEndpointUserName": "backup",
    "SourceEndpointPassword": "orders-db",
    "BackupGatewayId": "23313123312",
    "OSSBucketName": "orders-backups",
    "BackupObjects": '[{"DBName":"shop"}]',
    "BackupPeriod": "Monday,Friday",
    "BackupStartTime": "14:22",
    "EnableBackupLog": "true",
    "BackupLogIntervalSeconds": "1000",
    "BackupRetentionPeriod": "730",
    "DuplicationInfrequentAccessPeriod": "180",
    "DuplicationArchivePeriod": "365",
    "SourceEndpointOracleSID": "ORCL",
    "BackupStorageType": "own",
    "BackupSpeedLimit": "262144",
    "BackupRateLimit": "262144",
    "CrossAliyunId": "1234567890123456",
    "CrossRoleName": "dbs-reader",
    "AutoStartBackup": "false",
    "ResourceGroupId": "rg-orders",
}


def says(rule: Any, facts: Mapping[str, str]) -> bool:
    """Evaluate a condition of the data file with code of its own."""
    if "not" in rule:
        return not says(rule["not"], facts)
    if "any" in rule:
        return any(says(part, facts) for part in rule["any"])
    if "all" in rule:
        return all(says(part, facts) for part in rule["all"])
    if "engine_in" in rule:
        return facts.get("DatabaseType", "").replace("MSSQL", "SQL Server") in rule["engine_in"]
    if "backup_method_in" in rule:
        return facts.get("BackupMethod") in rule["backup_method_in"]
    if rule.get("or_absent") and rule["param"] not in facts:
        return True
    return facts.get(rule["param"]) in rule["in"]


def required(name: str, facts: Mapping[str, str]) -> bool:
    """What the data say."""
    entry = DATA[name]
    return bool(entry["required"] or (entry["required_when"] and says(entry["required_when"], facts)))


def applies(name: str, facts: Mapping[str, str]) -> bool:
    """What the data say."""
    rule = DATA[name]["applies_when"]
    return rule is None or says(rule, facts)


def combinations(source: str | None) -> list[dict[str, str]]:
    """Every combination of facts with one source type."""
    names = ("SourceEndpointInstanceType", "DatabaseType", "BackupMethod", "BackupStrategyType")
    return [
        {name: str(word) for name, word in zip(names, (source, *words), strict=True) if word is not None}
        for words in product(ENGINES, METHODS, STRATEGIES)
    ]


def known(facts: Mapping[str, str]) -> dict[str, str]:
    """The facts as rules see them: a source type that DBS does not know is none."""
    return {name: word for name, word in facts.items() if word != "Moon"}


def test_the_model_has_exactly_the_documented_parameters() -> None:
    """All but ClientToken, which is the bot's; none of the undocumented."""
    assert sorted(found.name for found in parameters()) == sorted(SETTABLE)
    assert len(SETTABLE) == 29


@pytest.mark.parametrize("name", SETTABLE)
def test_a_parameter_is_as_documented(name: str) -> None:
    """Values, bounds, default, unit, readability and secrecy."""
    entry, found = DATA[name], parameter(name)
    values = {True: "true", False: "false", "": "own"}
    words = None if entry["values"] is None else {values.get(word, word) for word in entry["values"]}
    assert (set(found.choices) or None) == words
    assert found.readable is (entry["readable_from"] is not None)
    assert (found.kind is Kind.SECRET) is entry["secret"]
    assert found.default == ("" if entry["default"] is None else str(values.get(entry["default"], entry["default"])))
    assert (found.unit or None) in {{"s": "seconds"}.get(entry.get("unit", ""), entry.get("unit")), "UTC"}
    if entry["type"] == "integer":
        largest = 2 ** (entry["int_bits"] - 1) - 1
        low, high = entry["min"], entry["max"]
        assert found.minimum == (
            entry.get("practical_min", 0 if name != "BackupGatewayId" else 1) if low is None else low
        )
        assert found.maximum == (entry.get("practical_max", largest) if high is None else high)


@pytest.mark.parametrize("source", SOURCES)
def test_every_rule_for_every_combination_of_facts(source: str | None) -> None:
    """Asked one by one, the model agrees with the data on every parameter."""
    for facts in combinations(source):
        for name in SETTABLE:
            must = required(name, known(facts))
            assert parameter(name).applies(facts) is applies(name, facts), (name, facts)
            assert parameter(name).required(facts) is must, (name, facts)


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_missing_is_told_exactly_where_it_is_required(source: str | None) -> None:
    """With nothing but facts, the problems are those parameters that the data require."""
    for facts in combinations(source):
        missing = {name for name in SETTABLE if required(name, known(facts)) and name not in facts}
        told = problems(facts)
        assert set(told) == missing | {name for name, word in facts.items() if word == "Moon"}, facts
        for name in missing:
            assert told[name] == [f"{parameter(name).label} is required{parameter(name).rule.required.clause}."]


@pytest.mark.parametrize("source", SOURCES)
def test_what_does_not_apply_is_told_exactly_where_it_does_not(source: str | None) -> None:
    """With everything set, the problems are those parameters that the data say have no effect."""
    for facts in combinations(source):
        told = problems({**SAMPLES, **facts})
        wrong = {name for name in SAMPLES if not applies(name, facts)}
        if "SourceEndpointInstanceType" not in known(facts):
            wrong.add("SourceEndpointInstanceType")
        assert set(told) == wrong, facts
        for name in wrong & set(SAMPLES):
            assert told[name] == [
                f"{parameter(name).label} can be set only{parameter(name).rule.applies.clause}: leave it out."
            ]


@pytest.mark.parametrize("source", SourceEndpointInstanceType)
@pytest.mark.parametrize("engine", [*DatabaseType, "OceanBase"])
@pytest.mark.parametrize("method", [*BackupMethod, "snapshot"])
def test_each_required_parameter_is_missed_alone(source: str, engine: str, method: str) -> None:
    """From a configuration with just what is required, any one parameter taken away is the only problem."""
    facts = {"SourceEndpointInstanceType": source, "DatabaseType": engine, "BackupMethod": method}
    least = {**facts, **{name: SAMPLES[name] for name in SAMPLES if required(name, facts)}}
    assert problems(least) == {}
    assert Plan.parse(least).request().keys() == least.keys() - {"DatabaseType", "BackupMethod"}
    for name in least.keys() & SAMPLES.keys():
        assert list(problems({other: text for other, text in least.items() if other != name})) == [name]


def test_cross_account_parameters_go_together() -> None:
    """The one that is missing has the problem."""
    facts = {"SourceEndpointInstanceType": "Agent", "DatabaseType": "MSSQL", "BackupMethod": "logical"}
    least = {**facts, **{name: SAMPLES[name] for name in SAMPLES if required(name, facts)}}
    assert problems({**least, "CrossRoleName": "r"}) == {
        "CrossAliyunId": ["Source account is required together with RAM role."]
    }
    assert problems({**least, "CrossAliyunId": "1"}) == {
        "CrossRoleName": ["RAM role is required together with Source account."]
    }
    assert problems({**least, "CrossAliyunId": "1", "CrossRoleName": "r"}) == {}


def test_facts_that_rules_look_at_steer() -> None:
    """Only their inputs redraw the form."""
    assert tuple(found.name for found in parameters() if found.steers) == STEERING


def test_the_form_is_ordered_by_groups() -> None:
    """Every group is used, in the order people think."""
    groups = [found.group for found in parameters()]
    assert groups == sorted(groups, key=list(Group).index)
    assert set(groups) == set(Group)


TEXTS = st.one_of(
    st.sampled_from(list(SAMPLES.values())),
    st.sampled_from([*SourceEndpointInstanceType, *DatabaseType, *BackupMethod, *BackupStrategyType, "system", "rds"]),
    st.sampled_from(
        ["", " ", "0", "-1", "1825", "1826", "730.5", "1_000", "+1", "٣", "24:00", "9:00", "14:22Z", "yes"]
    ),
    st.text(max_size=12),
)
NAMES = [*SETTABLE, "DatabaseType", "BackupMethod"]
VALUES = st.dictionaries(st.sampled_from(NAMES), TEXTS).map(lambda some: {**SAMPLES, **some})


@settings(deadline=None)
@given(st.one_of(VALUES, st.dictionaries(st.sampled_from([*NAMES, "ClientToken", "SslCaPem"]) | st.text(), TEXTS)))
def test_any_values_are_judged_in_whole_sentences(values: dict[str, str]) -> None:
    """Whatever is given: either a request of text by API names, or sentences, each on a parameter that was meant."""
    told = problems(values)
    if told:
        with pytest.raises(PlanProblems) as refused:
            Plan.parse(values)
        assert refused.value.problems == told
        for name, sentences in told.items():
            assert name in values or required(name, normalise(values)) or name.startswith("Cross")
            assert all(sentence.encode() and sentence.endswith(".") for sentence in sentences)
            assert not any("Input should" in sentence.replace(name, "") for sentence in sentences)  # pydantic's words
        return
    request = Plan.parse(values).request()
    assert set(request) <= set(SETTABLE)
    assert all(text.encode() or name == "BackupStorageType" for name, text in request.items())
    facts = {name: values[name] for name in ("DatabaseType", "BackupMethod") if values.get(name)}
    assert Plan.parse({**request, **facts}).request() == request


@settings(deadline=None)
@given(VALUES)
def test_normalising_is_final_and_harmless(values: dict[str, str]) -> None:
    """Canonical text stays as it is, and good values mean the same afterwards."""
    canonical = normalise(values)
    assert normalise(canonical) == canonical
    if not problems(values):
        assert Plan.parse(canonical).request() == Plan.parse(values).request()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2),
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*NAMES, "ClientToken"]) | st.text(max_size=5), JSON))
def test_any_json_object_can_be_checked(doc: dict[str, object]) -> None:
    """Wrong types are problems, never accidents; the findings can be printed as JSON."""
    found = check_document(doc)
    json.dumps(found).encode()
    for name, value in doc.items():
        if name not in NAMES or (not isinstance(value, str) and DATA.get(name, {"type": "string"})["type"] == "string"):
            assert name in found
        if isinstance(value, float) or value is None or isinstance(value, list):
            assert name in found
