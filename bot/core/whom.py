"""Who did something, a person in Slack, the bot itself or whoever runs it; and when, as people read it."""

from bot.core.change import Change
from bot.core.events import moment

BOT = "bot"
"""The actor of what nobody clicked."""
OPERATOR = "operator"
"""Begins the actor of what was decided at the command line, as `operator:NAME`: no Slack user is behind it."""


def at_time(text: str) -> str:
    """Say when, as people read it."""
    return f"{moment(text):%Y-%m-%d %H:%M} UTC"


def named(actor: str) -> str:
    """Name who did something, as mrkdwn."""
    kind, _, name = actor.partition(":")
    if kind == OPERATOR:
        return f"the operator {name}" if name else "an operator"
    return f"<@{actor}>"


def by_whom(change: Change) -> str:
    """Say by whom a change was ended, "" where the bot did."""
    return "" if change.ended_by in {"", BOT} else f" by {named(change.ended_by)}"
