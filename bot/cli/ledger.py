"""`ledger`: look at the history of changes, end one, and copy it."""

import asyncio
import re
import sys
from pathlib import Path

import click
from pydantic import SecretStr

from bot import log
from bot.cli.key import PUBLIC, key, verifying
from bot.cli.sentences import count, exits_with_sentences, say
from bot.config import LedgerSettings, PolicySettings, SlackSettings
from bot.errors import ConfigError, LedgerAltered, Refusal
from bot.shapes import postgres_url


def _postgres(_context: click.Context, _option: click.Parameter, given: str) -> SecretStr:
    if not given.startswith(("postgresql://", "postgres://")):
        raise click.BadParameter("must be the URL of a PostgreSQL database: postgresql://user@host/name.")
    try:
        return postgres_url(given)
    except ValueError as problem:
        raise click.BadParameter(str(problem)) from problem


@click.group("ledger")
def commands() -> None:
    """Look at the history of changes, and end one from outside of Slack."""
    log.configure("warning", "text")


commands.add_command(key)


@commands.command("show")
@click.argument("change")
@PUBLIC
@exits_with_sentences
def ledger_show(change: str, public: tuple[str, ...]) -> None:
    """Print the history of one CHANGE, and name what in it is not what was recorded."""
    from bot.ledger.reading import show  # noqa: PLC0415

    settings = LedgerSettings.from_environment()
    for line in asyncio.run(show(settings.ledger_address, change, verifying(settings, public))):
        say(line)


@commands.command("export")
@exits_with_sentences
def ledger_export() -> None:
    """Print every event as one line of JSON."""
    from bot.ledger.reading import export  # noqa: PLC0415

    asyncio.run(export(LedgerSettings.from_environment().ledger_address, say))


@commands.command("end")
@click.argument("change")
@click.option("--reason", required=True, help="Why: the requester reads it, and the ledger keeps it.")
@exits_with_sentences
def ledger_end(change: str, reason: str) -> None:
    """End an open CHANGE: denied before anything was sent, stuck afterwards; the bot may run meanwhile, and tells it.

    Exit 1 where nothing could be recorded: it has ended, or its record does not hold together.
    """
    from bot.ending import end, ended_line, operator  # noqa: PLC0415

    if not reason.strip():
        raise click.BadParameter("Say why: the requester reads it.", param_hint="--reason")
    try:
        settings = LedgerSettings.from_environment()
        ended = asyncio.run(end(settings.ledger_address, settings.key_file, change, operator(), reason.strip()))
    except Refusal as refusal:
        say(re.sub(r"<@(\w+)>", r"\1", refusal.sentence))
        sys.exit(1)
    except LedgerAltered as altered:
        say(
            f"Change {change} cannot be ended in the ledger: its record does not hold together (event {altered.seq}: "
            f"{altered.what}) It is set aside: nothing is done on it any more, and its plan is free."
        )
        sys.exit(1)
    say(ended_line(ended))


@commands.command("copy")
@click.option(
    "--to",
    required=True,
    metavar="URL",
    callback=_postgres,
    help="An empty PostgreSQL database: postgresql://user@host/name. Leave the password to PGPASSWORD or ~/.pgpass.",
)
@exits_with_sentences
def ledger_copy(to: SecretStr) -> None:
    """Copy the SQLite ledger into PostgreSQL, verifying every chain (exit 1 where one is broken); end the bot first."""
    from bot.ledger.store import copy_ledger  # noqa: PLC0415

    settings = LedgerSettings.from_environment()
    source = settings.ledger_address
    if not isinstance(source, Path):
        raise ConfigError(["DATABASE_URL names PostgreSQL; what can be copied is a SQLite file."])
    try:
        copied = copy_ledger(source, to, settings.key_file)
    except LedgerAltered as altered:
        say(str(altered))
        sys.exit(1)
    say(
        f"{count(copied.changes, 'change')}, {count(copied.events, 'event')} copied: every event is signed, every hash"
        " follows from the one before."
    )
    say(
        f"{count(copied.open, 'change is', 'changes are')} open: start the bot with the new DATABASE_URL and"
        f" LEDGER_KEY_FILE={settings.key_file}, and not with the old one any more."
    )


@commands.command("verify")
@click.option("--slack", is_flag=True, help="Compare with the heads that were told in Slack, too.")
@PUBLIC
@exits_with_sentences
def ledger_verify(slack: bool, public: tuple[str, ...]) -> None:
    """Recompute every hash and verify every signature; exit 1 naming change and event where one does not hold."""
    from bot.verification import verify  # noqa: PLC0415

    settings = SlackSettings.from_environment() if slack else None
    ledger, policy_file = LedgerSettings.from_environment(), PolicySettings.from_environment().policy_file
    keys = verifying(ledger, public)
    findings, changes, events = asyncio.run(verify(ledger.ledger_address, keys, settings, policy_file))
    for finding in findings:
        say(str(finding))
    if findings:
        sys.exit(1)
    say(
        f"{count(changes, 'change')}, {count(events, 'event')}: every event is signed, every hash follows from the one"
        " before."
    )
