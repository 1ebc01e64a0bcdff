"""What a review showed, kept apart from the form: exactly that is requested, whatever happens to the form meanwhile."""

import hashlib
from dataclasses import replace

from bot.core.draft import Draft
from bot.core.events import canonical_json
from bot.slack.filled import proposed

APART = ":"
"""Between the form's view id and the digest; a view id has none."""


def frozen(draft: Draft) -> Draft:
    """Return a draft without problems as its review shows it, under a key of its own that says so."""
    return replace(draft, view_id=f"{draft.view_id}{APART}{_digest(draft)}", review="")


def reviewed(form: Draft, review: Draft) -> Draft | None:
    """Return the form's draft with its latest review, None where it was submitted once more since."""
    return replace(form, review=review.view_id) if form.submissions == review.submissions else None


def form_of(key: str) -> str:
    """Return the view id of the form that a review came from."""
    return key.partition(APART)[0]


def is_intact(review: Draft) -> bool:
    """Whether a review that was kept is still what its key says, as this version of the bot would send it."""
    return review.view_id == frozen(replace(review, view_id=form_of(review.view_id))).view_id


def _digest(draft: Draft) -> str:
    reading = draft.reading
    shown = {
        "proposed": proposed(draft),
        "baseline": reading.baseline if reading else {},
        "region": reading.region if reading else "",
        "known": dict(draft.known or {}),
        "place": [draft.channel, draft.thread, draft.origin],
        "opener": draft.opener,
    }
    return hashlib.sha256(canonical_json(shown).encode()).hexdigest()
