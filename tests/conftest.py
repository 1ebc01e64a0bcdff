"""What tests of every kind may ask for."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from database import database_of, forget_database
from forked import serve_forked

from bot.playground.stage import Stage

# ignored, and so in all processes that tests start, where a shell starts the tests in the background
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def forked() -> Iterator[None]:
    """Fork the processes of every stage, which takes a tenth of their start: for what is not about starting."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stage, "serve", serve_forked)
        yield


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    """The URL of a PostgreSQL ledger, which no process may use any more when it goes: ask for it before `set_stage`."""
    yield database_of(tmp_path).get_secret_value()
    forget_database(tmp_path)
