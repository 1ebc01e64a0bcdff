"""What several tests of the conversation need."""

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from bot.log import configure


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the bot logs, at every level."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    configure("debug", "text", stream)
    yield stream
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()
