"""What a person has typed into a form so far."""

from dataclasses import dataclass

from bot.core.reading import Reading, Values


@dataclass(frozen=True, slots=True)
class Draft:
    """The state of one form between its steps; kept for an hour, by the form's view id."""

    view_id: str
    opener: str
    channel: str = ""
    """Where the command was typed, or the message is that it was asked for at; "" outside any channel."""
    reading: Reading | None = None
    """The plan as it was when the form showed it, None until one is read. It alone says which plan the draft is of."""
    known: Values | None = None
    """What the bot last applied to the plan, for what DBS cannot show."""
    values: Values | None = None
    """API name → text form, as far as it is typed or prefilled; never the plan's id, which is the reading's."""
    renewal: int = 0
    """How often the inputs had to be made again: the `n` of `~n` behind their block ids; -1 before there are any."""
    thread: str = ""
    """The message under which the card is to go, by its ts; "" for a card of its own."""
    message: str = ""
    """The message where it was asked for, by its ts; "" for a command."""
    origin: str = ""
    """The link to that message, as soon as Slack told it."""
    typed: Values | None = None
    """API name → canonical text, as given with the command."""
    again: Values | None = None
    """What an ended change proposed, and this form proposes once more."""
    named: str = ""
    """The plan that `typed` and `again` are about."""
    chosen: str = ""
    """The plan that was chosen last and is yet to be read, "" for none."""
    submissions: int = 0
    """How often the form was submitted: what a view said before the last time counts for nothing any more."""
    review: str = ""
    """The key under which the latest review of it is kept, "" before the first."""
    known_since: str = ""
    """When the bot applied what is in `known`, "" where nothing is."""
