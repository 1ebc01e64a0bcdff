"""Reading the bodies that Slack sends over HTTP, beside the standard library."""

import json
from urllib.parse import parse_qsl, quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.form_body import from_form, unquoted
from bot.slack.payload import Malformed

TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.text("%=+&\n\r\t _25abf", max_size=30)


@given(TEXTS)
def test_a_value_is_unquoted_as_the_standard_library_does(text: str) -> None:
    for quoted in (quote_plus(text), quote(text, safe=""), quote_plus(text).lower()):
        assert unquoted(quoted.encode()).decode() == parse_qsl(f"a={quoted}", keep_blank_values=True)[0][1]


@given(st.binary(max_size=40))
def test_any_bytes_can_stand_in_a_value(raw: bytes) -> None:
    assert unquoted("".join(f"%{byte:02X}" for byte in raw).encode()) == raw


@pytest.mark.parametrize("value", [b"%", b"%2", b"%%22", b"a%zz", b"%\n", b"%2\xc3"])
def test_a_percent_sign_without_two_digits_is_refused(value: bytes) -> None:
    with pytest.raises(Malformed):
        from_form(b"payload=" + value)


def test_a_payload_is_read_the_same_whether_or_not_other_fields_stand_beside_it() -> None:
    told = {
        "type": "view_closed",
        "user": {"id": "U1"},
        "view": {"id": "V1", "type": "modal", "callback_id": "a+b %25=ü"},
    }
    alone = f"payload={quote_plus(json.dumps(told))}".encode()
    assert from_form(alone).body == from_form(alone + b"&other=1").body
    assert from_form(alone).body["view"] == told["view"]


def test_the_same_bytes_bear_the_same_mark_and_others_another() -> None:
    one, other = (b"command=%2Fbackup-plan&user_id=U1&team_id=T1&channel_id=" + channel for channel in (b"C1", b"C2"))
    assert from_form(one).mark == from_form(one).mark != from_form(other).mark
