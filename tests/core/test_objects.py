"""BackupObjects, as patterns and as JSON."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.objects import BackupObjectsText, describe_objects, is_reduced, parse_objects

FORM = BackupObjectsText()


def tables(*names: str) -> list[dict[str, str]]:
    """The API's list of tables."""
    return [{"TableName": name} for name in names]


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("shop", [{"DBName": "shop"}]),
        (" shop \r\n\n crm\n", [{"DBName": "shop"}, {"DBName": "crm"}]),
        ("shop.orders", [{"DBName": "shop", "TableIncludes": tables("orders")}]),
        ("shop.orders\nshop.items", [{"DBName": "shop", "TableIncludes": tables("orders", "items")}]),
        ("!shop.audit\nshop", [{"DBName": "shop", "TableExcludes": tables("audit")}]),
        (
            "shop\nshop.orders\n! shop.audit",
            [{"DBName": "shop", "TableIncludes": tables("orders"), "TableExcludes": tables("audit")}],
        ),
        ("[abc]shop", [{"DBName": "[abc]shop"}]),
        ("[a.c]*.log?", [{"DBName": "[a.c]*", "TableIncludes": tables("log?")}]),
        ('[{"DBName":"shop"}]', [{"DBName": "shop"}]),
        (' [ \n {"SchemaName": "dbo", "DBName": "shop"}]', [{"DBName": "shop", "SchemaName": "dbo"}]),
        (r"[{\"DBName\":\"shop\"}]", [{"DBName": "shop"}]),
        ('[{"DBName":"a\\"b"}]', [{"DBName": 'a"b'}]),
        ('[{"DBName":"shop","SchemaName":"","TableIncludes":[],"TableExcludes":null}]', [{"DBName": "shop"}]),
    ],
)
def test_both_ways_of_writing_become_the_same_json(text: str, entries: list[object]) -> None:
    """What is typed becomes compact JSON in the API's shape; what is empty is left out."""
    made = parse_objects(text)
    assert json.loads(made) == entries
    assert made == json.dumps(entries, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("shop\ncrm\nshop", "line 3 is the same as line 1"),
        ("!shop.audit", "line 1: shop itself is not named; add a line shop."),
        ("shop\n!crm.audit", "line 2: crm itself is not named"),
        ("shop\n!crm", "line 2: a whole database is excluded by leaving it out"),
        ("shop\na.b.c", "line 2: write database or database.table"),
        (".orders", "line 1: write database or"),
        ("shop.", "line 1: write database or"),
        (".", "line 1: write database or"),
        ("!", "line 1: write database or"),
        ("shop, crm", "line 1: write one pattern, without blanks"),
        ('["shop"]', "line 1: write one pattern, without blanks, commas or quotes"),
        ("[shop", "line 1: its brackets do not match"),
        ("\x07", "line 1: write one pattern"),
        ("  \n ", "name no database"),
        ("[ ]", "name no database"),
        ('{"DBName":"shop"}', "must be a JSON array"),
        ('[{"DBName":"shop"}', "cannot be read as JSON: see line 1, column 19"),
        ("[{" * 100_000, "begin like JSON but"),
        ("[{" + '"a":[' * 100_000, "begin like JSON but"),
        ('[{"DBName":"a"},7]', "entry 2: it must be an object"),
        ('[{"DBName":"a","TableInclude":[]}]', 'entry 1: "TableInclude" is unknown'),
        ('[{"DBName":"a","DBName":"b"}]', 'the key "DBName" twice'),
        ('[{"DBName":""}]', "entry 1: DBName is missing"),
        ('[{"TableIncludes":[]}]', "entry 1: DBName is missing"),
        ('[{"DBName":5}]', "entry 1: DBName must be a name or a pattern"),
        ('[{"DBName":"a\\ud800"}]', "entry 1: DBName must be a name or a pattern"),
        ('[{"DBName":"a","TableIncludes":"orders"}]', "TableIncludes must be a list"),
        ('[{"DBName":"a","TableIncludes":["orders"]}]', "TableIncludes must be a list"),
        ('[{"DBName":"a","TableIncludes":[{"TableName":""}]}]', "TableName must be a name"),
        ('[{"DBName":"a","TableIncludes":[{"TableName":"b"},{"TableName":"b"}]}]', 'names "b" twice'),
        ('[{"DBName":"a"},{"DBName":"a"}]', "entry 2 is the same as entry 1"),
    ],
)
def test_what_is_wrong_is_named_with_its_line_or_entry(text: str, sentence: str) -> None:
    """The sentence goes on behind "Backup objects" and ends with a full stop."""
    with pytest.raises(ValueError, match=re.escape(sentence)) as refused:
        parse_objects(text)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("shop", ["shop: whole database"]),
        ("shop.orders\nshop.items", ["shop: only orders, items"]),
        ("shop\n!shop.audit\n!shop.tmp*\ncrm", ["shop: whole database except audit, tmp*", "crm: whole database"]),
        ("shop.o*\n!shop.old", ["shop: only o*; never old"]),
        ('[{"DBName":"shop","SchemaName":"dbo"}]', ["shop, schema dbo: whole schema"]),
        ('[{"DBName":"a, b: whole database"}]', ['"a, b: whole database": whole database']),
    ],
)
def test_objects_are_told_one_line_a_database(text: str, lines: list[str]) -> None:
    """Names that could be taken for two are quoted."""
    assert describe_objects(parse_objects(text)) == lines


def test_what_cannot_be_read_is_told_as_it_is() -> None:
    """DBS may answer something new; people still see it."""
    assert describe_objects('[{"New":1}]') == ['[{"New":1}]']
    assert FORM.comparable("not json") == "not json"


def test_order_has_no_meaning() -> None:
    """DBS need not keep the order of databases and tables."""
    one, other = parse_objects("b\na.x\na.y"), parse_objects("a.y\na.x\nb")
    assert one != other
    assert FORM.comparable(one) == FORM.comparable(other)
    assert FORM.comparable(one) != FORM.comparable(parse_objects("a.x\nb"))


@pytest.mark.parametrize(
    ("before", "after", "reduced"),
    [
        ("shop", "shop\ncrm", False),
        ("shop\ncrm", "shop", True),
        ("shop", "shop.orders", True),
        ("shop.orders", "shop", False),
        ("shop.orders\nshop.items", "shop.orders", True),
        ("shop.orders", "shop.orders\nshop.items", False),
        ("shop", "shop\n!shop.audit", True),
        ("shop\n!shop.audit", "shop", False),
        ("shop*", "shop*\nshop_eu.t1", True),
        ("*", "*\nshop\n!shop.audit", True),
        ("shop", "shop\ncrm.orders", False),
    ],
)
def test_a_reduction_is_noticed(before: str, after: str, reduced: bool) -> None:
    """A database or table less, or an exclusion more."""
    assert is_reduced(parse_objects(before), parse_objects(after)) is reduced


def test_a_comparison_with_unreadable_objects_counts_as_a_reduction() -> None:
    """Better one warning too many."""
    assert is_reduced("what?", parse_objects("shop"))
    twice = '[{"DBName":"shop","TableIncludes":[{"TableName":"a"}]},{"DBName":"shop"}]'
    assert is_reduced(parse_objects(twice), parse_objects("shop"))


@settings(deadline=None)
@given(st.one_of(st.text(), st.text("[]{}\"',.:!* \nshop\\"), st.recursive(st.text("ab*"), st.lists).map(json.dumps)))
def test_any_text_is_taken_or_refused_and_taking_is_final(text: str) -> None:
    """Canonical JSON is its own canonical form, has a description and can be encoded; nothing else escapes."""
    try:
        made = parse_objects(text)
    except ValueError as refused:
        str(refused).encode()
    else:
        assert parse_objects(made) == made
        assert all(line.encode() for line in describe_objects(made))
