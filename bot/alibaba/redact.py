"""Text from outside made fit to be seen: without secrets, short, and inert.

Some errors echo the signed request, in which a password or token may be percent-encoded, and encoded again.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise

from bot.alibaba.telltale import REMOVED, without_credentials

LIMIT = 500
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

    What looks like a credential goes too, although nobody knows it: the message about a plan may quote a password.
    64 hexadecimal digits go as well: the hash of a body whose only unknown is a password lets the password be guessed.
    """
    # One pass over all secrets, the longest first: what replaces one must not be searched for the next.
    patterns = [_pattern(secret) for secret in sorted({*secrets} - {""}, key=len, reverse=True)]
    text = re.sub("|".join([*patterns, "(?<![0-9A-Fa-f])[0-9A-Fa-f]{64}(?![0-9A-Fa-f])"]), REMOVED, text)
    # What is invisible goes before what looks like a credential: it could hide the name of one.
    text = without_credentials(" ".join("".join(map(_inert, text)).split()))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _pattern(secret: str) -> str:
    """Match a secret, part by part: a run of backslashes, or one other character.

    Backslashes may be the secret's own or any number of escapes. Each of them is matched in one place only: by the run,
    or before the character where no run precedes it. Two places that could share them out would let hostile text take
    for ever. (A possessive quantifier says the same, but Python before 3.11.5 matches those wrongly: gh-106052.)
    """
    parts: list[str] = re.findall(r"\\+|[^\\]", secret)
    return "".join(
        _backslashes(len(part)) if part[0] == "\\" else _spellings(part, escaped=before[:1] == "\\")
        for before, part in pairwise(["", *parts])
    )


def _backslashes(number: int) -> str:
    """Match a run of backslashes, and those that escape what follows it."""
    return rf"(?i:\\|u005c|%(?:25)*5c|&#0*92;|&#x0*5c;){{{number},{8 * number + 8}}}"


def _spellings(character: str, *, escaped: bool) -> str:
    """Match a character as it is and as URLs, JSON and XML write it; `escaped`: what precedes took its backslashes.

    Letters and digits have no other spelling.
    """
    if character.isascii() and character.isalnum():
        return character
    # the longer spellings first: a percent sign is the beginning of its own encodings
    spelt = rf"(?:(?i:{'|'.join(_encoded(character))})|{re.escape(character)})"
    return spelt if escaped else r"\\{0,8}" + spelt


def _encoded(character: str) -> Iterator[str]:
    number = ord(character)
    units = character.encode("utf-16-be", "surrogatepass")
    yield r"\\{0,8}".join(f"u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
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
