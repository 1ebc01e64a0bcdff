"""`policy`: look at the policy file."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import click

from bot.cli.sentences import count, exits_with_sentences, say
from bot.config import PolicySettings
from bot.core.people import Channel
from bot.core.policy_notes import notes
from bot.core.supposed import Supposed, read_values


@click.group("policy")
def commands() -> None:
    """Look at the policy file."""


@commands.command("check")
@exits_with_sentences
def policy_check() -> None:
    """Name everything that is wrong with POLICY_FILE; exit 2 if anything is. Else say what to look at."""
    from bot.policy_file import load_policy  # noqa: PLC0415

    path = PolicySettings.from_environment().policy_file
    found = load_policy(path)
    counts = (
        count(found.defaults.approvals, "approval"),
        count(len(found.defaults.approvers), "approver entry", "approver entries"),
        count(len(found.secrets), "secret"),
        count(len(found.rules), "rule"),
    )
    say(f"{path}: {', '.join(counts)}.")
    for note in notes(found):
        say(note)


def _pairs(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    try:
        return read_values(given)
    except ValueError as problem:
        raise click.BadParameter(str(problem)) from problem


def _channel(_context: click.Context, _option: click.Parameter, given: str) -> Channel:
    """Take an id, or a name, which is never in capitals."""
    return Channel(given) if re.fullmatch("[CG][A-Z0-9]+", given) else Channel("", name=given.removeprefix("#"))


@commands.command("explain")
@click.option("--plan", required=True, metavar="ID", help="The backup plan.")
@click.option("--set", "then", multiple=True, metavar="NAME=VALUE", callback=_pairs, help="A value that changes.")
@click.option("--now", multiple=True, metavar="NAME=VALUE", callback=_pairs, help="A value as it is at present.")
@click.option("--by", default="", metavar="USER", help="Who asks: U… or W….")
@click.option("--channel", default="", metavar="CHANNEL", callback=_channel, help="Where: C…, G… or a name.")
@click.option("--creator", default=None, metavar="USER", help="Who made that channel: U… or W….")
@click.option("--name", default="", help="The plan's name.")
@click.option("--region", default="", help="The plan's region.")
@click.option("--engine", default="", help="The plan's engine in the API's word, MSSQL for SQL Server.")
@click.option("--method", default="", help="The plan's backup method.")
@click.option("--read", is_flag=True, help="Read the plan from DBS; what is given here counts more.")
@click.option("--slack", is_flag=True, help="Look up who is in which group, and the channel's name.")
@exits_with_sentences
def policy_explain(*, plan: str, channel: Channel, creator: str | None, read: bool, slack: bool, **said: Any) -> None:
    """Say who may approve a change, how many, when, and why; without --read and --slack from POLICY_FILE alone."""
    from bot.explaining import explained  # noqa: PLC0415

    supposed = Supposed(plan, channel=replace(channel, creator=creator), **said)
    for line in asyncio.run(explained(supposed, datetime.now(UTC), read=read, slack=slack)):
        say(line)
