"""One step of a change: what `decide` says becomes the next link of the chain. Pure, the same in every ledger."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from bot.core.change import Change, apply, begin
from bot.core.events import Event, chained, moment, stamp
from bot.errors import Refusal
from bot.ports import Decide


def step(
    change_id: str, before: Change | None, decide: Decide, now: datetime, sign: Callable[[str], str]
) -> tuple[Change, Event | None]:
    """Return the change after `decide` was asked, and the event to append, None where nothing is to be written.

    `decide` sees the very time that is recorded: milliseconds, and never earlier than the event before, even where the
    clock was set back or two machines differ. `sign` returns the signature of a hash. Raises what `decide` raises,
    Refusal `unknown` when it says nothing about a change that does not exist, and ImpossibleEvent when the table of
    transitions has no such step.
    """
    at = moment(stamp(now))
    if before is not None:
        at = max(at, moment(before.last_at))
    decision = decide(before, at)
    if decision is None:
        if before is None:
            raise Refusal("unknown", "There is no such change.")
        return before, None
    actor, data = decision
    previous, seq = (before.head, before.seq) if before else ("", 0)
    event = chained(previous, change_id, seq + 1, actor, stamp(at), data)
    event = replace(event, signature=sign(event.hash))
    after = begin(event) if before is None else apply(before, event)
    return replace(after, appended=True), event
