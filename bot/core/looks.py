"""How text looks: characters that nobody sees are shown by number, and letters that pass for others are marked.

What is invisible and how scripts and look-alikes are told apart is Unicode's (UAX #44, UTS #39), by way of libraries.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache

import regex

_HIDDEN = regex.compile(
    r"[[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{White_Space}\p{C}\u2800]--[ \n\t]]", regex.VERSION1
)
"""Ignorable, blank, ends a line, turns the direction, or is no character; U+2800 is a blank by its looks only."""
_STACKED = regex.compile(r"\P{M}?[\p{M}&&\p{Script=Inherited}]+", regex.VERSION1)
"""Marks that may stand on any letter, with the letter."""
_TOGETHER = tuple(
    frozenset(("LATIN", "HAN", *others)) for others in (("HIRAGANA", "KATAKANA"), ("BOPOMOFO",), ("HANGUL",))
)
"""Scripts that are written together."""
_NO_SCRIPT = {"COMMON", "INHERITED", "Unknown"}


def by_number(text: str) -> str:
    """Return text in which every character that cannot be seen, or changes how others are read, is a number."""
    if text.isascii() and text.replace("\n", "").isprintable():  # nearly every text ends here
        return text
    return _HIDDEN.sub(lambda found: _number(found[0]), _STACKED.sub(lambda found: _unstacked(found[0]), text))


def is_mixed(name: str) -> bool:
    """Whether the letters of a name come from scripts that nobody writes together."""
    return bool(_foreign(name))


def look_alike(one: str, other: str) -> bool:
    """Whether two texts that differ look the same."""
    return one != other and skeleton(one) == skeleton(other)


def skeleton(text: str) -> str:
    """Return what a text looks like, however it is spelt (UTS #39, section 4)."""
    seen = _HIDDEN.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFD", "".join(map(_looks(), seen)))


def marked(name: str, beside: str = "") -> str:
    """Return a name in which letters that pass for others are followed by their number.

    These are the letters of the rarer scripts in a mixed name; `beside` a name that looks the same, those that differ.
    """
    foreign = _foreign(name)
    if look_alike(name, beside):
        foreign |= {letter for letter in name if letter not in beside} or set(name)
    if not foreign:
        return name
    return "".join(f"{letter}⟨U+{ord(letter):04X}⟩" if letter in foreign else letter for letter in name)


def _number(character: str) -> str:
    return f"⟨U+{ord(character):04X}⟩"


def _unstacked(stacked: str) -> str:
    """Leave marks that belong to a letter of the alphabet where they are, and number what is put on top."""
    base = stacked.rstrip("".join(c for c in set(stacked) if unicodedata.category(c).startswith("M")))
    if base and len(unicodedata.normalize("NFC", stacked)) == 1:
        return stacked
    return base + "".join(map(_number, stacked[len(base) :]))


def _foreign(name: str) -> set[str]:
    """Return the letters of a mixed name that are not of its most frequent script; Latin wins a tie."""
    if name.isascii():
        return set()
    scripts = {letter: script for letter in set(name) if (script := _script(letter)) not in _NO_SCRIPT}
    found = frozenset(scripts.values())
    if len(found) < 2 or any(found <= together for together in _TOGETHER):
        return set()
    counted = Counter(scripts[letter] for letter in name if letter in scripts)
    main = max(counted, key=lambda script: (counted[script], script == "LATIN"))
    fits: Iterable[frozenset[str]] = [together for together in _TOGETHER if main in together and main != "LATIN"]
    native = frozenset({main}).union(*fits)
    return {letter for letter, script in scripts.items() if script not in native}


def _script(letter: str) -> str:
    from confusable_homoglyphs import categories  # noqa: PLC0415 - its tables are read where a text needs them

    alias: str = categories.alias(letter)
    return alias


@cache
def _looks() -> "_Looks":
    return _Looks()


class _Looks:
    """Maps each character to the one it is shown as, of all that look the same."""

    def __init__(self) -> None:
        from confusable_homoglyphs.confusables import confusables_data  # noqa: PLC0415 - a megabyte

        # The library lists what looks like what, in both directions, and marks what is written from right to left.
        heads: dict[str, str] = {}

        def head(text: str) -> str:
            while (above := heads.setdefault(text, text)) != text:
                text = above
            return text

        for text, others in confusables_data.items():
            for other in others:
                one, two = sorted((head(text.strip("\u200e")), head(other["c"].strip("\u200e"))), key=_plainness)
                heads[two] = one
        self._shown = {text: head(text) for text in heads if len(text) == 1}

    def __call__(self, character: str) -> str:
        shown = self._shown.get(character, character)
        return shown if len(shown) == 1 else "".join(map(self, shown))


def _plainness(text: str) -> tuple[bool, int, str]:
    """Order texts that look the same: ASCII first, and of it what takes several letters, as `rn` does for an m."""
    return not text.isascii(), -len(text), text
