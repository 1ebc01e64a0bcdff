"""The command line: serve, demo, policy, plan, ledger. What is wrong is said in sentences, and by the exit code."""

import asyncio
import gc
import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec, TextIO

import click
from pydantic import SecretStr

from bot import log
from bot.config import Config, LedgerSettings, PolicySettings, SlackSettings
from bot.core.people import Channel
from bot.core.plan import check_document
from bot.core.supposed import Supposed, read_values
from bot.errors import BotError, ConfigError, LedgerAltered
from bot.shapes import postgres_url

P = ParamSpec("P")


def exits_with_sentences(command: Callable[P, None]) -> Callable[P, None]:
    """Make a command end with 2 and one line a problem where settings, policy or ledger cannot be used."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except ConfigError as error:
            for problem in error.problems:
                click.echo(problem, err=True)
            sys.exit(2)
        except BotError as error:
            click.echo(str(error), err=True)
            sys.exit(2)

    return run


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="backup-plan-bot")
def main() -> None:
    """In Slack, change how a database is backed up, with other people's approval."""


@main.command()
@exits_with_sentences
def serve() -> None:
    """Run the bot until SIGTERM; settings come from the environment (see README)."""
    # What is imported stays. Looking through it for garbage takes a tenth of the start, and held the event loop up for
    # 40 ms each time later on.
    gc.disable()
    from bot.app import App  # noqa: PLC0415 - the other commands start without Slack's and Alibaba's libraries
    from bot.serve import run  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    config = Config.from_environment()
    log.configure(config.log_level, config.log_format)

    async def serving() -> None:
        await App(config).run()

    run(serving())


@main.command()
@click.option("--script", is_flag=True, help="Play one change from command to outcome in the terminal, and end.")
@click.option("--attach", is_flag=True, help="Start no bot: print the environment for one that is started by hand.")
@click.option("--port", type=click.IntRange(1, 65535), help="The page's port on 127.0.0.1; else 8300 or any other.")
@click.option("--open/--no-open", "opens", default=True, help="Whether a browser opens the page.")
@exits_with_sentences
def demo(script: bool, attach: bool, port: int | None, opens: bool) -> None:
    """Try the bot without a Slack workspace: the playground, a page in the browser, until Ctrl-C."""
    if script and attach:
        raise click.UsageError("--script plays with a bot of its own: leave out --attach.")
    try:
        from bot.playground.page.demo import show  # noqa: PLC0415 - needs the extra `demo`
        from bot.playground.script import play  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise click.ClickException(f"The demo needs {missing.name}: install backup-plan-bot[demo].") from missing
    sys.exit(asyncio.run(play(sys.stdout) if script else show(sys.stdout, attach=attach, port=port, opens=opens)))


@main.group()
def policy() -> None:
    """Look at the policy file."""


@policy.command("check")
@exits_with_sentences
def policy_check() -> None:
    """Read POLICY_FILE and name everything that is wrong with it; exit 2 if anything is."""
    from bot.policy_file import load_policy  # noqa: PLC0415

    path = PolicySettings.from_environment().policy_file
    found = load_policy(path)
    counts = (
        _count(found.defaults.approvals, "approval"),
        _count(len(found.defaults.approvers), "approver entry", "approver entries"),
        _count(len(found.secrets), "secret"),
        _count(len(found.rules), "rule"),
    )
    click.echo(f"{path}: {', '.join(counts)}.")


def _pairs(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    try:
        return read_values(given)
    except ValueError as problem:
        raise click.BadParameter(str(problem)) from problem


def _channel(_context: click.Context, _option: click.Parameter, given: str) -> Channel:
    """Take an id, or a name, which is never in capitals."""
    return Channel(given) if re.fullmatch("[CG][A-Z0-9]+", given) else Channel("", name=given.removeprefix("#"))


@policy.command("explain")
@click.option("--plan", required=True, metavar="ID", help="The backup plan.")
@click.option("--set", "then", multiple=True, metavar="NAME=VALUE", callback=_pairs, help="A value that changes.")
@click.option("--now", multiple=True, metavar="NAME=VALUE", callback=_pairs, help="A value as it is at present.")
@click.option("--by", default="", metavar="USER", help="Who asks: U… or W….")
@click.option("--channel", default="", metavar="CHANNEL", callback=_channel, help="Where: C…, G… or a name.")
@click.option("--name", default="", help="The plan's name.")
@click.option("--region", default="", help="The plan's region.")
@click.option("--engine", default="", help="The plan's engine in the API's word, MSSQL for SQL Server.")
@click.option("--method", default="", help="The plan's backup method.")
@click.option("--read", is_flag=True, help="Read the plan from DBS; what is given here counts more.")
@click.option("--slack", is_flag=True, help="Look up who is in which group, and the channel's name.")
@exits_with_sentences
def policy_explain(*, plan: str, read: bool, slack: bool, **said: Any) -> None:
    """Say who may approve a change, how many, when, and why; without --read and --slack from POLICY_FILE alone."""
    from bot.explaining import explained  # noqa: PLC0415

    for line in asyncio.run(explained(Supposed(plan, **said), datetime.now(UTC), read=read, slack=slack)):
        click.echo(line)


@main.group()
def plan() -> None:
    """Look at a plan's configuration."""


@plan.command("check")
@click.argument("file", type=click.File("r", encoding="utf-8"))
def plan_check(file: TextIO) -> None:
    """Check a JSON object of API names, with DatabaseType and BackupMethod; FILE may be - for standard input.

    Prints {parameter: [sentences]}; exit 0 if it is empty, 1 if not.
    """
    try:
        document = json.load(file)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{file.name} is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise click.UsageError(f"{file.name} is not a JSON object of API names.")
    found = check_document(document)
    # half a character in a name, which no encoding takes, is written as JSON's own escape
    click.echo(json.dumps(found, ensure_ascii=False, indent=2).encode(errors="backslashreplace"))
    sys.exit(1 if found else 0)


def _postgres(_context: click.Context, _option: click.Parameter, given: str) -> SecretStr:
    if not given.startswith(("postgresql://", "postgres://")):
        raise click.BadParameter("must be the URL of a PostgreSQL database: postgresql://user@host/name.")
    try:
        return postgres_url(given)
    except ValueError as problem:
        raise click.BadParameter(str(problem)) from problem


@main.group()
def ledger() -> None:
    """Look at the history of changes."""
    log.configure("warning", "text")


@ledger.command("show")
@click.argument("change")
@exits_with_sentences
def ledger_show(change: str) -> None:
    """Print the history of one CHANGE."""
    from bot.ledger.reading import show  # noqa: PLC0415

    for line in asyncio.run(show(LedgerSettings.from_environment().ledger_address, change)):
        click.echo(line)


@ledger.command("export")
@exits_with_sentences
def ledger_export() -> None:
    """Print every event as one line of JSON."""
    from bot.ledger.reading import export  # noqa: PLC0415

    asyncio.run(export(LedgerSettings.from_environment().ledger_address, click.echo))


@ledger.command("copy")
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

    try:
        copied = copy_ledger(LedgerSettings.from_environment().ledger_address, to)
    except LedgerAltered as altered:
        click.echo(str(altered))
        sys.exit(1)
    click.echo(
        f"{_count(copied.changes, 'change')}, {_count(copied.events, 'event')} copied: every hash follows from the one"
        " before."
    )
    click.echo(
        f"{_count(copied.open, 'change is', 'changes are')} open: start the bot with the new DATABASE_URL, and not with"
        " the old one any more."
    )


@ledger.command("verify")
@click.option("--slack", is_flag=True, help="Compare with the heads that were told in Slack, too.")
@exits_with_sentences
def ledger_verify(slack: bool) -> None:
    """Recompute every hash; exit 1 naming change and event where something was edited, removed or cut off."""
    from bot.verification import verify  # noqa: PLC0415

    settings = SlackSettings.from_environment() if slack else None
    address, policy_file = (
        LedgerSettings.from_environment().ledger_address,
        PolicySettings.from_environment().policy_file,
    )
    findings, changes, events = asyncio.run(verify(address, settings, policy_file))
    for finding in findings:
        click.echo(str(finding))
    if findings:
        sys.exit(1)
    click.echo(f"{_count(changes, 'change')}, {_count(events, 'event')}: every hash follows from the one before.")
