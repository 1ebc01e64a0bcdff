"""Text from outside made fit to be seen: without secrets, short, and inert.

Some errors echo the signed request, in which a password or token may be percent-encoded, and encoded again.
"""

import re
import unicodedata
from collections.abc import Iterable

LIMIT = 500
REMOVED = "[removed]"
_NAMED = {"<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;", "'": "&apos;"}


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
    return "".join(_spellings(character) for character in secret)


def _spellings(character: str) -> str:
    """Match one character as it is and as URLs, JSON and XML write it; letters and digits have no other spelling."""
    if character.isascii() and character.isalnum():
        return character
    # Every further encoding of a percent sign puts another 25 between it and the digits.
    percent = "".join(f"%(?:25)*{byte:02x}" for byte in character.encode(errors="surrogatepass"))
    number = ord(character)
    forms = [percent, rf"&#0*{number};", f"&#x0*{number:x};", *_json(number)]
    if character in "+ ":
        forms += [r"\+", " "]
    if character in _NAMED:
        forms.append(_NAMED[character])
    # Quotes and backslashes may be escaped, and each further escaping doubles the backslashes: eight are three levels,
    # and a bound keeps hostile text from costing quadratic time.
    return rf"(?:\\{{0,8}}{re.escape(character)}|(?i:{'|'.join(forms)}))"


def _json(number: int) -> list[str]:
    if number > 0xFFFF:
        high, low = divmod(number - 0x10000, 0x400)
        return [rf"\\{{1,8}}u{0xD800 + high:04x}\\{{1,8}}u{0xDC00 + low:04x}"]
    short = {9: "t", 10: "n", 13: "r"}.get(number)
    return [rf"\\{{1,8}}u{number:04x}"] + ([rf"\\{{1,8}}{short}"] if short else [])


def _inert(character: str) -> str:
    """Turn line ends into spaces, drop what is invisible or turns the direction of writing."""
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn") else character
