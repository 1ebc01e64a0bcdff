"""A line of the log is one event, whatever the outside world puts into it."""

import ast
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot.log import HELD, configure

LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
STYLES: tuple[Literal["text", "json"], ...] = ("text", "json")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def written(
    style: Literal["text", "json"], *, level: str = "debug", event: str = "change_recorded", **facts: object
) -> str:
    stream = io.StringIO()
    configure(level, style, stream)
    structlog.get_logger().info(event, **facts)
    return stream.getvalue()


def test_text_names_time_level_event_and_facts() -> None:
    line = written("text", change="c1", by="U0ANA", seq=3, reason="as agreed")
    assert line.endswith('Z info     change_recorded by=U0ANA change=c1 reason="as agreed" seq=3\n')


def test_json_is_one_object_a_line() -> None:
    told = json.loads(written("json", change="c1", seq=3))
    assert told.pop("at").endswith("Z")
    assert told == {"event": "change_recorded", "level": "info", "change": "c1", "seq": 3}


def test_what_is_below_the_level_is_not_written() -> None:
    assert written("text", level="warning") == ""


@pytest.mark.parametrize("style", STYLES)
@given(text=st.text())
def test_nothing_from_outside_ends_a_line(style: Literal["text", "json"], text: str) -> None:
    line = written(style, text=text, nested={"inner": [text]})
    assert line.endswith("\n")
    assert len(line.splitlines()) == 1
    line.encode()


@pytest.mark.parametrize("seen", ["\x1b[2J", "\r", "\x85", "\u2028", "\u202e", "\u200b", "\ud800"])
def test_what_a_terminal_would_obey_is_escaped(seen: str) -> None:
    assert seen not in written("text", text=seen)


@pytest.mark.parametrize("style", STYLES)
def test_a_traceback_has_no_local_variables_and_forges_no_line(style: Literal["text", "json"]) -> None:
    def fail(password: str) -> None:
        raise ValueError(f"{len(password)} letters\n2026-01-01T00:00:00Z info     change_recorded")

    stream = io.StringIO()
    configure("info", style, stream)
    marked = "marked-password"
    try:
        fail(marked)
    except ValueError:
        structlog.get_logger().exception("listener_failed")
        logging.getLogger("some.library").exception("failed")
    text = stream.getvalue()
    assert text.count("Traceback") == 2
    assert marked not in text
    assert not any(line.startswith("2026-01-01") for line in text.splitlines())


@pytest.mark.parametrize("style", STYLES)
def test_a_library_s_line_looks_like_ours(style: Literal["text", "json"]) -> None:
    stream = io.StringIO()
    configure("info", style, stream)
    logging.getLogger("some.library").warning("slow: %s\nforged", "why")
    (line,) = stream.getvalue().splitlines()
    assert "some.library" in line
    assert r"slow: why\nforged" in line


@pytest.mark.parametrize("name", [*HELD, "slack_sdk.web.async_client", "httpcore.http11"])
def test_loud_libraries_are_held_at_warning_at_every_level(name: str) -> None:
    stream = io.StringIO()
    configure("debug", "text", stream)
    logging.getLogger(name).info("a body")
    assert stream.getvalue() == ""
    logging.getLogger(name).warning("a warning")
    assert stream.getvalue().count("a warning") == 1


def test_a_library_imported_later_cannot_turn_itself_up() -> None:
    stream, its_own = io.StringIO(), io.StringIO()
    configure("debug", "text", stream)
    logger = logging.getLogger("darabonba-core")
    logger.setLevel("DEBUG")
    logger.addHandler(logging.StreamHandler(its_own))
    logger.debug("a body")
    logger.error("an error")
    assert its_own.getvalue() == ""
    assert "a body" not in stream.getvalue()
    assert stream.getvalue().count("an error") == 1


def test_handlers_that_a_library_had_put_there_are_cleared() -> None:
    its_own = io.StringIO()
    logger = logging.getLogger("credentials")
    logger.handlers.append(logging.StreamHandler(its_own))
    stream = io.StringIO()
    configure("info", "text", stream)
    logger.warning("a warning")
    assert (its_own.getvalue(), stream.getvalue().count("a warning")) == ("", 1)


def test_event_names_are_constants() -> None:
    """The first argument of every call on `log` in the bot's source is a plain name in quotes."""
    for path in Path(__file__).parents[1].joinpath("bot").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log" | "_log"), attr=level), args=args) if (
                    level in LEVELS
                ):
                    match args:
                        case [ast.Constant(value=str(name))] if name.isidentifier() and name.islower():
                            continue
                    pytest.fail(f"{path.name}:{node.lineno} logs something else than a constant event")
