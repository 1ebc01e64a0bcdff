"""Text from outside made fit to be seen: without secrets, short, and inert.

Some errors echo the signed request, in which a password or token may be percent-encoded, and encoded again.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

LIMIT = 500
REMOVED = "[removed]"
_NAMED = {
    "<": "&lt;",
    ">": "&gt;",
    "&": "&amp;",
    '"': "&quot;",
    "'": "&apos;",
    "\n": "n",
    "\r": "r",
    "\t": "t",
    "\b": "b",
    "\f": "f",
}
"""Characters with a name in XML or, behind backslashes, in JSON."""


def clean(text: str, secrets: Iterable[str] = (), limit: int = LIMIT) -> str:
    """Return `text` without any of `secrets` in any usual encoding, on one line, at most `limit` characters long.

    64 hexadecimal digits go as well: the hash of a body whose only unknown is a password lets the password be guessed.
    """
    # One pass over all secrets, the longest first: what replaces one must not be searched for the next.
    patterns = [_pattern(secret) for secret in sorted({*secrets} - {""}, key=len, reverse=True)]
    text = re.sub("|".join([*patterns, "(?<![0-9A-Fa-f])[0-9A-Fa-f]{64}(?![0-9A-Fa-f])"]), REMOVED, text)
    text = " ".join("".join(map(_inert, text)).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _pattern(secret: str) -> str:
    return "".join(_spellings(part) for part in re.findall(r"\\+|[^\\]", secret))


def _spellings(part: str) -> str:
    """Match one character, or a run of backslashes, as it is and as URLs, JSON and XML write it.

    Letters and digits have no other spelling. Backslashes are matched possessively: they may be any number of escapes,
    and trying every way to share them out would let hostile text take for ever.
    """
    character = part[0]
    if character.isascii() and character.isalnum():
        return character
    encoded = "|".join(_encoded(character))
    if character == "\\":
        return rf"(?:(?i:{encoded})|\\){{{len(part)},{8 * len(part)}}}+"
    return rf"(?:\\{{0,8}}+(?:{re.escape(character)}|(?i:{encoded})))"


def _encoded(character: str) -> Iterator[str]:
    number = ord(character)
    units = character.encode("utf-16-be", "surrogatepass")
    yield "".join(rf"\\{{0,8}}+u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
    yield _percent(character)
    yield rf"&#0*{number};"
    yield rf"&#x0*{number:x};"
    if character in "+ ":
        # A form writes a space as a plus, and a plus read as a form becomes a space.
        yield from (r"\+", " ", _percent("+"), _percent(" "))
    if character in _NAMED:
        yield _NAMED[character]


def _percent(character: str) -> str:
    """Every further encoding of a percent sign puts another 25 between it and the digits."""
    return "".join(f"%(?:25)*{byte:02x}" for byte in character.encode(errors="surrogatepass"))


def _inert(character: str) -> str:
    """Turn line ends into spaces, drop what is invisible or turns the direction of writing."""
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn") else character
