"""What DBS reported and nobody edited: it goes back as it came, whatever the bot thinks of it."""


class AsRead(str):
    """Text that DBS itself reported and nobody edited: it is sent as it came, whatever it is."""

    __slots__ = ()


def can_be_sent(text: str) -> bool:
    """Tell whether an encoding can carry text: half a character cannot leave."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
