"""The log: one line an event, to standard error, in which nothing from outside can forge a line or show a secret.

Event names are constants (`log.info("change_recorded", change=…)`); a test reads the source for that.
"""

import json
import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import structlog

HELD = (
    # at INFO or DEBUG these write bodies, URLs and tokens
    "httpx",
    "httpcore",
    "slack_bolt",
    "slack_sdk",
    "darabonba-core",
    "alibabacloud-tea",
    "credentials",
    "uvicorn.access",
)
"""Loggers of libraries that say nothing below WARNING, whatever LOG_LEVEL is."""

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
"""What a terminal obeys instead of showing it: control characters, line ends, marks of direction, lone surrogates."""

_Event = MutableMapping[str, Any]


class _Held(logging.Logger):
    """A library's logger that keeps to WARNING and to our handlers, though the library sets it up on import."""

    def setLevel(self, level: int | str) -> None:  # noqa: N802 - logging's name
        super().setLevel(max(logging.WARNING, logging.getLevelName(level) if isinstance(level, str) else level))

    def addHandler(self, hdlr: logging.Handler) -> None:  # noqa: N802 - logging's name
        """Refuse: `hdlr` would write to standard error beside us."""


def configure(level: str, style: Literal["text", "json"], stream: TextIO | None = None) -> None:
    """Send our events and the libraries' to `stream` (standard error) from `level` on, in the given style."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # as the interpreter prints it: without local variables
                structlog.processors.format_exc_info,
                _text if style == "text" else _json,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in HELD:
        _hold(logging.getLogger(name))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _hold(logger: logging.Logger) -> None:
    logger.__class__ = _Held
    logger.handlers = []
    logger.propagate = True
    logger.setLevel(logging.WARNING)


def escape(text: str) -> str:
    r"""Write what would not show, or would end the line, as `\n`, `\x1b` or `\u202e`."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape", "backslashreplace").decode(), text)


def _json(_logger: object, _method: str, event: _Event) -> str:
    # ASCII only: json's own escapes are what keeps a line a line
    return json.dumps(event, default=str)


def _text(_logger: object, _method: str, event: _Event) -> str:
    traceback = str(event.pop("exception", ""))
    said = " ".join([str(event.pop("at")), f"{event.pop('level'):<8}", escape(str(event.pop("event")))])
    facts = "".join(f" {escape(name)}={_value(value)}" for name, value in sorted(event.items()))
    # indented, so that no line of an exception's text can pass for an event
    return said + facts + "".join(f"\n    {escape(line)}" for line in traceback.split("\n") if traceback)


def _value(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return escape(text) if re.fullmatch(r"[^\s\"=]+", text) else f'"{escape(text.replace(chr(34), chr(92) + chr(34)))}"'
