"""How commands say what is wrong, and how many there are."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import click

from bot.errors import BotError, ConfigError, LedgerBusy
from bot.log import escape

MAY_PASS = 75
"""The exit code where the same command may succeed later: a system's own word for that, EX_TEMPFAIL."""

P = ParamSpec("P")


def exits_with_sentences(command: Callable[P, None]) -> Callable[P, None]:
    """Make a command end with sentences: with 2 where something has to be corrected, with 75 where that may pass."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except ConfigError as error:
            for problem in error.problems:
                say(problem, err=True)
            sys.exit(2)
        except BotError as error:
            say(str(error), err=True)
            sys.exit(MAY_PASS if isinstance(error, LedgerBusy) else 2)

    return run


def say(text: str, *, err: bool = False) -> None:
    """Print one line, in which nothing that somebody stored is obeyed by a terminal."""
    click.echo(escape(text), err=err)


def count(number: int, one: str, many: str | None = None) -> str:
    """Write a number with what there is so many of; `many` where it is not just an s more."""
    return f"{number} {one if number == 1 else many or one + 's'}"
