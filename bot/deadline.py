"""One deadline for all that is done before something that Slack delivered is answered; it is the context's.

Slack waits three seconds. Limits of each look-up, of the ledger and of each call would add up: so every wait takes what
is left. Work that goes on after the answer has no deadline.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context

SECONDS = 2.4
"""From the delivery to the end of all waiting; what is left of Slack's three seconds is for the way there and back."""
FOR_THE_LEDGER = 0.4
"""What waiting for Slack leaves of it to what is recorded after that."""

_UNTIL: ContextVar[float | None] = ContextVar("until", default=None)


@contextmanager
def delivery(seconds: float = SECONDS) -> Iterator[None]:
    """Let the deadline be in so many seconds, for what is done inside and what that waits for."""
    before = _UNTIL.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _UNTIL.reset(before)


def left(limit: float, *, keep: float = 0.0) -> float:
    """Return the seconds that may be waited, at most `limit`, and such that `keep` are left afterwards; 0 for none."""
    until = _UNTIL.get()
    return limit if until is None else max(0.0, min(limit, until - keep - time.monotonic()))


def somebody_waits() -> bool:
    """Whether there is a deadline."""
    return _UNTIL.get() is not None


def afterwards() -> Context:
    """Return a context like this one without a deadline, for work that nobody waits for."""
    context = copy_context()
    context.run(_UNTIL.set, None)
    return context
