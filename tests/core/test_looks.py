"""What nobody sees is shown by its number, and what passes for something else is marked."""

import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from bot.core.diff import diff
from bot.core.looks import by_number, is_mixed, look_alike, marked
from bot.core.objects import describe_objects, parse_objects
from bot.core.reading import Reading


@pytest.mark.parametrize(
    "character",
    [
        "\u2028", "\u2029", "\u3164", "\uffa0", "\u115f", "\u1160", "\u2800", "\u034f", "\ufe0f", "\ufe00", "\u00a0",
        "\u3000", "\u200b", "\u200d", "\u202e", "\u2066", "\u200f", "\u061c", "\u00ad", "\u180e", "\ufeff", "\x1b",
        "\x85", "\U000e0041", "\ud800", "\ue000",
    ],
)  # fmt: skip
def test_what_nobody_sees_is_shown_by_number(character: str) -> None:
    assert by_number(f"a{character}b") == f"a⟨U+{ord(character):04X}⟩b"


def test_marks_on_top_of_a_letter_are_shown_by_number() -> None:
    assert by_number("a\u0338 x\u0300\u0301") == "a⟨U+0338⟩ x⟨U+0300⟩⟨U+0301⟩"


@pytest.mark.parametrize(
    "text", ["orders nightly\n\tx", "größe", "gro\u0308ße", "заказы", "订单", "नमस्ते", "ก็", "한국어"]
)
def test_text_as_people_write_it_stays_as_it_is(text: str) -> None:
    assert by_number(text) == text
    assert marked(text) == text


@given(st.text())
def test_nothing_hidden_is_left_and_nothing_else_is_touched(text: str) -> None:
    shown = by_number(text)
    assert not regex.search(
        r"[[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Zl}\p{Zp}]--[\n\t]]", shown, regex.VERSION1
    )
    visible = [c for c in text if unicodedata.category(c)[0] in "LNPS" and f"U+{ord(c):04X}" not in shown]
    assert all(character in shown for character in visible)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("pаyments", "pа⟨U+0430⟩yments"),
        ("заказы_x", "заказы_x⟨U+0078⟩"),
        ("订单_orders", "订单_orders"),
        ("ひらがな漢字カタカナabc", "ひらがな漢字カタカナabc"),
        ("payments", "payments"),
    ],
)
def test_letters_of_another_script_are_marked(name: str, shown: str) -> None:
    assert marked(name) == shown
    assert is_mixed(name) is (shown != name)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("payments", "pаyments", True),
        ("cop", "сор", True),
        ("orders1", "ordersl", True),
        ("rn-1", "m-1", True),
        ("é", "e\u0301", True),
        ("a\u200bb", "ab", True),
        ("orders", "invoices", False),
        ("orders", "orders", False),
    ],
)
def test_what_looks_the_same_is_told_apart(one: str, other: str, same: bool) -> None:
    assert look_alike(one, other) is look_alike(other, one) is same
    if same and len(by_number(one)) == len(one) and len(by_number(other)) == len(other):
        assert marked(one, other) != marked(other, one)


@pytest.mark.parametrize(
    ("name", "before", "after", "says"),
    [
        ("SourceEndpointUserName", "backup", "bаckup", "bа⟨U+0430⟩ckup looks like ba⟨U+0061⟩ckup, and is another"),
        ("OSSBucketName", "orders1", "ordersl", "ordersl⟨U+006C⟩ looks like orders1⟨U+0031⟩, and is another"),
        ("BackupObjects", '[{"DBName":"shop"}]', '[{"DBName":"ѕhop"}]', "ѕ⟨U+0455⟩hop looks like s⟨U+0073⟩hop"),
        ("BackupPlanName", "orders", "заказы orders", "is written in letters of several scripts"),
    ],
)
def test_a_new_name_that_looks_like_another_is_a_risk(name: str, before: str, after: str, says: str) -> None:
    reading = Reading({"BackupPlanId": "dbs1", name: before}, "MySQL", "logical", "running")
    (risk,) = [risk for risk in diff(reading, {**reading.values, name: after}).risks if risk.code == "look-alike"]
    assert says in risk.sentence
    assert "look-alike" not in diff(reading, {**reading.values, name: "unrelated"}).codes


def test_both_values_of_a_row_that_look_the_same_are_marked() -> None:
    reading = Reading({"BackupPlanId": "dbs1", "OSSBucketName": "orders1"}, "MySQL", "logical", "running")
    (row,) = [
        row for row in diff(reading, {**reading.values, "OSSBucketName": "ordersl"}).rows if row.label == "OSS bucket"
    ]
    assert (row.now, row.proposed) == ("orders1⟨U+0031⟩", "ordersl⟨U+006C⟩")


def test_a_table_that_passes_for_another_is_marked() -> None:
    assert describe_objects(parse_objects("shop.pаyments")) == ["shop: only pа⟨U+0430⟩yments"]
