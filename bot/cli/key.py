"""`ledger key`: the key that signs the ledger; its private half is never printed."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from bot.cli.sentences import count, exits_with_sentences, say
from bot.clock import SystemClock
from bot.config import LedgerSettings
from bot.errors import ConfigError

if TYPE_CHECKING:
    from bot.ledger.key_file import KeyFile
    from bot.ledger.keys import Keys


def _public(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    from bot.ledger.keys import read_public  # noqa: PLC0415 - the other commands start without it

    try:
        for line in given:
            read_public(line)
    except ValueError as problem:
        raise click.BadParameter(f"{problem}.") from problem
    return given


PUBLIC = click.option(
    "--public",
    multiple=True,
    metavar="KEY",
    callback=_public,
    help="A public key, as `ledger key show` prints it, instead of LEDGER_KEY_FILE; may be given several times.",
)


def verifying(settings: LedgerSettings, public: tuple[str, ...]) -> "Keys":
    """Return the keys that count: those given, else those in the file. Raises ConfigError where there are none."""
    from bot.ledger.keys import Keys  # noqa: PLC0415
    from bot.ledger.store import open_ledger  # noqa: PLC0415

    if public:
        return Keys(public=public)
    try:
        return _file(settings).keys
    except ConfigError:
        # where there is no ledger either, that is what to say
        asyncio.run(open_ledger(settings.ledger_address, SystemClock(), timedelta(), readonly=True).close())
        raise


def _file(settings: LedgerSettings) -> "KeyFile":
    from bot.ledger.key_file import existing_key_file  # noqa: PLC0415

    return existing_key_file(settings.key_file)


@click.group("key")
def key() -> None:
    """The key that signs the ledger, in LEDGER_KEY_FILE."""


@key.command("show")
@exits_with_sentences
def show() -> None:
    """Print its public half, on one line."""
    say(_file(LedgerSettings.from_environment()).public)


@key.command("make")
@exits_with_sentences
def make() -> None:
    """Make LEDGER_KEY_FILE for a ledger in which nothing is signed, and print the public half.

    `serve` does it by itself for a SQLite file. Events from before there was a key are signed, if their hashes hold.
    """
    from bot.ledger.adopting import ledger_keys  # noqa: PLC0415

    settings = LedgerSettings.from_environment()
    found = ledger_keys(settings.ledger_address, settings.key_file, makes=True)
    if not found.made and not found.signed:
        raise ConfigError(
            [f"LEDGER_KEY_FILE: {settings.key_file} is there already; `ledger key rotate` makes a new key."]
        )
    if found.signed:
        say(f"{count(found.signed, 'event')} from before signed.", err=True)
    say(found.public)


@key.command("rotate")
@exits_with_sentences
def rotate() -> None:
    """Retire the key, make a new one and print its public half; end every bot first, and start it again behind.

    What the old key signed until now goes on to count.
    """
    from bot.ledger import rotating  # noqa: PLC0415

    settings = LedgerSettings.from_environment()
    say(asyncio.run(rotating.rotate(settings.ledger_address, settings.key_file)))
