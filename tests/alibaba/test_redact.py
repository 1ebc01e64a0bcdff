"""Text from outside is fit to be seen."""

import html
import json
import string
import time
import unicodedata
from collections.abc import Callable
from random import Random
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alibaba.redact import REMOVED, clean

SECRET = "p/w +&=%~*'\"<\\ü🔒"
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in a form": quote_plus,
    "in a URL": lambda text: quote(text, safe=""),
    "as ACS3 writes it": lambda text: quote(text, safe="~"),
    "encoded twice": lambda text: quote(quote(text, safe="~"), safe="~"),
    "encoded three times": lambda text: quote(quote(quote(text))),
    "in a form, then in a URL": lambda text: quote(quote_plus(text)),
    "in a URL with small hex digits": lambda text: quote(text).replace("%C3%BC", "%c3%bc"),
    "in JSON": lambda text: json.dumps(text)[1:-1],
    "in JSON with its own letters": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "in JSON in JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "in XML": html.escape,
    "decoded as a form although it was none": lambda text: text.replace("+", " "),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_is_removed_however_it_is_spelt(spelling: str) -> None:
    assert clean(f"before {SPELLINGS[spelling](SECRET)} after", [SECRET]) == f"before {REMOVED} after"


@given(st.text(min_size=4, max_size=40), st.sampled_from(list(SPELLINGS.values())), st.text(max_size=20))
def test_any_secret_is_removed_from_any_text(secret: str, spelling: Callable[[str], str], around: str) -> None:
    """But for secrets that occur in what replaces them."""
    try:
        spelt = spelling(secret)
    except UnicodeEncodeError:
        return
    told = clean(f"{around}{spelt}{around}", [secret])
    visible = " ".join("".join(c for c in spelt if unicodedata.category(c)[0] not in "CZ").split())
    assert REMOVED in told
    assert len(visible) < 4 or visible in around or visible in REMOVED or visible not in told


def test_no_password_survives_on_any_python() -> None:
    """Before 3.11.5 Python matched possessive quantifiers wrongly, and one password in 23 was not removed."""
    choice = Random(3).choice  # noqa: S311 - the same ones each time
    letters = string.ascii_letters + string.digits + string.punctuation
    for number in range(2000):
        secret = "".join(choice(letters) for _ in range(8 + number % 16))
        assert clean(f"x {choice(list(SPELLINGS.values())[:-1])(secret)} y", [secret]) == f"x {REMOVED} y"


def test_the_longest_secret_goes_first_and_what_replaces_it_is_left_alone() -> None:
    assert clean("tokenabcdef abc remove", ["abc", "tokenabcdef", "remove"]) == f"{REMOVED} {REMOVED} {REMOVED}"


def test_nothing_is_removed_for_an_empty_secret() -> None:
    assert clean("as it was", ["", ""]) == "as it was"


def test_the_hash_of_a_body_is_removed() -> None:
    """Its only unknown is the password, which could be guessed from it."""
    assert clean(f"x-acs-content-sha256:{'0a' * 32}\n") == f"x-acs-content-sha256:{REMOVED}"
    assert clean("0a" * 31) == "0a" * 31


def test_text_is_cut_after_it_was_cleaned() -> None:
    told = clean("x" * 495 + "password" * 10, ["password"])
    assert len(told) == 500
    assert "pass" not in told
    assert told.endswith("…")
    assert clean("x" * 500) == "x" * 500


def test_control_characters_and_line_ends_do_nothing() -> None:
    assert clean("a\x00b\x1b[31m\r\n\u2028c\u202ed\u200b\ud800e\tf") == "ab[31m cde f"


@pytest.mark.parametrize("part", ["\\", '\\\\\\"', "+ ", "%25", "&#0", "%"])
def test_hostile_text_takes_no_longer_than_its_length_makes_it(part: str) -> None:
    """Four times the text takes four times as long; looking back at each character, it would take sixteen times."""

    def cost(length: int) -> float:
        text, costs = part * (length // len(part)), []
        for _ in range(3):
            began = time.process_time()
            clean(text, [SECRET, "%%%%%%%%a", "\\\\\\b", '\\"\\"\\"\\"\\"\\"b', "++  ++  b"])
            costs.append(time.process_time() - began)
        return min(costs)

    assert cost(60_000) < 9 * cost(15_000)
