"""The command line: serve, demo, policy, plan, ledger. What is wrong is said in sentences, and by the exit code."""

import asyncio
import gc
import sys

import click

from bot import log
from bot.cli import ledger, plan, policy
from bot.cli.sentences import exits_with_sentences
from bot.config import Config


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="backup-plan-bot")
def main() -> None:
    """In Slack, change how a database is backed up, with other people's approval."""


main.add_command(policy.commands)
main.add_command(plan.commands)
main.add_command(ledger.commands)


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
