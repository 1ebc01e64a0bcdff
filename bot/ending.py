"""`ledger end`: how whoever runs the bot ends a change from outside of Slack; the running bot tells it."""

import getpass
import re
from datetime import timedelta
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from bot.clock import SystemClock
from bot.core import decisions
from bot.core.change import Change, State
from bot.core.whom import OPERATOR
from bot.errors import ConfigError, Refusal
from bot.ledger.adopting import ledger_keys
from bot.ledger.store import open_ledger


async def end(address: Path | SecretStr, key_file: Path, change_id: str, by: str, reason: str) -> Change:
    """End an open change and return it. Nothing is left to whoever records it: the next sweep of a bot tells it.

    Raises ConfigError for an unknown change, Refusal for one that has ended, LedgerAltered for one whose record does
    not hold together, which is set aside.
    """
    # A ledger is made and brought up to date by `serve` alone.
    await open_ledger(address, SystemClock(), timedelta(), readonly=True).close()
    keys = ledger_keys(address, key_file, makes=False).keys
    ledger = open_ledger(address, SystemClock(), timedelta(), keys)
    try:
        return await ledger.record(change_id, partial(decisions.end_by_operator, by=by, reason=reason))
    except Refusal as refusal:
        if refusal.reason == "unknown":
            raise ConfigError([f"There is no change {change_id} in this ledger."]) from refusal
        raise
    finally:
        await ledger.close()


def operator() -> str:
    """Return the actor who sits at this command line, as far as the system knows a name."""
    try:
        name = re.sub(r"[^\w.-]", "", getpass.getuser(), flags=re.ASCII)
    except (KeyError, OSError):  # a container's user may have no name
        name = ""
    return f"{OPERATOR}:{name}" if name else OPERATOR


def ended_line(change: Change) -> str:
    """Say what was recorded."""
    what = {
        State.DENIED: "is denied: nothing was sent",
        State.STUCK: "is stuck: it was sent, and whether it was applied is not known; look at the plan in the console",
    }[change.state]
    return f"Change {change.id} {what}. Its plan is free; the running bot tells the requester."
