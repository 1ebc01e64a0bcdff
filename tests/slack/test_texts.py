"""Text of people and of DBS is shown, never obeyed; and times are told in the reader's own zone."""

import re
from typing import Any

import pytest

from bot.core.diff import Row
from bot.playground.slack.schema import view_problems
from bot.slack.rows import MOST_TEXT, SHORT, bulleted, in_full, sections, table, values
from bot.slack.text import LONGEST_ALERT, Block, alert, escape, inert, local_time, modal, mrkdwn, plain, shortened

LONG = Row("P", "Long", "a" * 6000, "b" * 6000)


def text_of(blocks: list[Block]) -> int:
    """Count the characters that blocks show, as Slack's limit on a message counts them."""
    total, nodes = 0, list[Any](blocks)
    while nodes:
        match nodes.pop():
            case {"text": str(text), **others}:
                total += len(text)
                nodes.extend(others.values())
            case dict() as node:
                nodes.extend(node.values())
            case list() as inner:
                nodes.extend(inner)
    return total


@pytest.mark.parametrize("text", ["\u202egnp.exe", "a\u200bb", "\x00", "\x1b[2J", "\u2066x"])
def test_req13_characters_that_hide_or_turn_text_are_shown_by_their_number(text: str) -> None:
    assert re.fullmatch(r".*⟨U\+[0-9A-F]{4}⟩.*", inert(text))
    assert inert(inert(text)) == inert(text)


def test_req13_markup_does_not_survive_in_sentences_of_our_own() -> None:
    assert escape("<!channel> & <@U1|x>") == "&lt;!channel&gt; &amp; &lt;@U1|x&gt;"
    assert inert("line\n\tnext – ünïcode 漢字 🙂") == "line\n\tnext – ünïcode 漢字 🙂"


def test_what_is_too_long_for_slack_ends_visibly() -> None:
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefg", 6) == "abcde…"
    assert len(plain("\u202e" * 1000, 75)["text"]) == 75, "as long as it is shown, not as it was"


def test_a_time_is_told_in_the_persons_zone_and_an_unknown_zone_says_nothing() -> None:
    assert local_time("14:22", "Asia/Kolkata") == (
        "Your time zone, Asia/Kolkata, is UTC+05:30 today: 14:22 UTC is 19:52 for you."
    )
    assert local_time("", "Asia/Kolkata") == "Your time zone, Asia/Kolkata, is UTC+05:30 today."
    assert local_time("22:00", "Asia/Shanghai").endswith("22:00 UTC is 06:00 for you.")
    assert local_time("14:22", "Mars/Olympus") == local_time("14:22", "../etc/passwd") == ""


def test_rows_are_shown_in_full_or_the_change_says_that_they_are_not() -> None:
    short = Row("P", "Retention", "730 days", "30 days")
    assert in_full([short])
    assert not in_full([short, LONG])
    assert "730 days → 30 days" in str(bulleted([short]))
    assert text_of([bulleted([LONG])]) < 3 * SHORT, "it is refused anyway, and only hinted at"
    assert "a" * SHORT not in str(values([LONG]))
    assert "".join(block["text"]["text"] for block in sections([LONG])) == f"Long: {LONG.now} → {LONG.proposed}"
    assert max(text_of([block]) for block in sections([LONG])) <= 3000
    assert text_of([table([short])]) < MOST_TEXT


def test_an_empty_cell_says_that_there_is_nothing() -> None:
    cells = table([Row("P", "Bucket", "", "b")])["rows"][1]
    assert [cell["text"] for cell in cells] == ["Bucket", "(none)", "b"]


def test_a_modal_has_texts_for_its_buttons() -> None:
    view = modal("c", "T", [], submit="Go", close="Stop", private_metadata="V1")
    assert (view["submit"]["text"], view["close"]["text"], view["private_metadata"]) == ("Go", "Stop", "V1")


@pytest.mark.parametrize("level", ["info", "warning", "error", "success"])
@pytest.mark.parametrize("length", [1, LONGEST_ALERT, LONGEST_ALERT + 1, 5000])
@pytest.mark.parametrize("kind", [str, mrkdwn])
def test_what_is_too_long_for_an_alert_is_a_section(level: str, length: int, kind: Any) -> None:
    """It says as much, but for what no section holds either."""
    block = alert(level, kind(("word " * length)[: length - 1] + "."))
    view = modal("x", "Title", [block])
    assert view_problems(view, "modal") == []
    assert block["type"] == ("alert" if length <= LONGEST_ALERT else "section")
    assert len(block["text"]["text"]) >= min(length, 2900)


def test_the_playground_refuses_an_alert_that_is_too_long() -> None:
    """The text is inert before it is counted: what is hidden is shown by its number, and is longer then."""
    long = {"type": "alert", "level": "error", "text": plain("x" * (LONGEST_ALERT + 1))}
    assert view_problems(modal("x", "Title", [long]), "modal") == ["an alert holds 200 characters at most"]
    assert alert("error", "\u202e" * 30)["type"] == "section"
