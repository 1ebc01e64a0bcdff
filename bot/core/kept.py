"""What DBS may keep of a plan's source although a change does not send it: nobody knows what DBS does then."""

from bot.core.bindings import PARAMETERS
from bot.core.plan import derived, is_found_from_the_same
from bot.core.reading import Values

INSTANCE = PARAMETERS["instance"]


def may_stay(sent: Values, read: Values, known: Values) -> dict[str, str]:
    """Return what DBS shows of where a password would go and a change leaves out, in what it could be bound to.

    What DBS found by itself belongs to the instance that it found it for: that is there in its place, unless it is sent
    anyway. `known` is what this bot remembers: what people set over DBS is not found by itself.
    """
    kept: dict[str, str] = {}
    for name in PARAMETERS.values():
        if sent.get(name) or not (text := read.get(name)):
            continue
        if name in known or not derived(name, read) or not read.get(INSTANCE):
            kept[name] = text
        elif not is_found_from_the_same(name, read, sent):
            kept[INSTANCE] = read[INSTANCE]
    return kept
