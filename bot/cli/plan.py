"""`plan`: look at a plan's configuration."""

import json
import sys
from typing import TextIO

import click

from bot.cli.sentences import say
from bot.core.plan import check_document


@click.group("plan")
def commands() -> None:
    """Look at a plan's configuration."""


@commands.command("check")
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
    # what a terminal would obey, or no encoding takes, is written as JSON's own escape
    for line in json.dumps(found, ensure_ascii=False, indent=2).split("\n"):
        say("".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in line))
    sys.exit(1 if found else 0)
