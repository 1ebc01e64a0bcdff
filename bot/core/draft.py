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
    """The plan as it was when the form showed it, None until one is chosen."""
    known: Values | None = None
    """What the bot last applied to the plan, for what DBS cannot show."""
    values: Values | None = None
    """API name → text form, as far as it is typed or prefilled."""
    renewal: int = 0
    """How often the inputs had to be made anew: the `n` of `~n` behind their block ids."""
    thread: str = ""
    """The message under which the card is to go, by its ts; "" for a card of its own."""
    message: str = ""
    """The message where it was asked for, by its ts; "" for a command."""
    origin: str = ""
    """The link to that message, as soon as Slack told it."""
    typed: Values | None = None
    """API name → canonical text, as given with the command."""
