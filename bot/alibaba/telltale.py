"""What looks like a credential, by what stands around it: in a URL, in a JDBC string, behind the name of one.

Where a value ends is seldom certain. Then more is removed than may be needed: a message loses a few words, no secret
is shown. Each step goes over the text once, whatever the text is.
"""

import re

REMOVED = "[removed]"

_NAMES = (
    r"pass[ _-]?(?:word|wd|phrase|code)|passwd|pwd|secret|token|access[ _-]?key|api[ _-]?key|private[ _-]?key"
    r"|signature|credential|authorization|密码|密碼|口令|密钥|(?<![a-z_])pass(?= ?=)"
)
"""How what holds a credential is called; anything may stand before it, and a little behind it."""
_SET = r"=>|:=|==|[=:：＝]|(?<=\w)>|%(?:25)*3[ad]|\\{0,8}u003[ad]|&#(?:0*61|x0*3d);"
"""Signs between a name and its value, also as XML, URLs and JSON write them."""
_NAMED = re.compile(
    rf"(?:(?:{_NAMES})[\w.\[\]-]{{0,32}}\\{{0,8}}[\"'`]? ?(?:{_SET}|(?<= )\(?(?=\\{{0,8}}[\"'`])|\((?=[\"'`]))"
    rf"|identified(?: with [\w\"'`]{{1,64}})? (?:by|as)"
    rf"|--[\w-]{{0,20}}(?:{_NAMES})[\w-]{{0,20}}(?= )) ?",
    re.IGNORECASE,
)
_OPENED = re.compile(r"(\\{0,64})([\"'`])")
_QUOTES = {quote: re.compile(rf"(\\*){quote}") for quote in "\"'`"}
_UNQUOTED = re.compile(r"(?:(?:basic|bearer) )?[^\s，。；、）]*", re.IGNORECASE)
_YES_OR_NO = re.compile(r"(?:yes|no|true|false|null|none)(?![\w%+/=~!@#$^&*-])", re.IGNORECASE)
"""No secrets: MySQL's refusal ends with "(using password: YES)", and people need to read that."""
_AUTHORITY = re.compile(r"//|%(?:25)*2f%(?:25)*2f|jdbc:\w{1,20}:", re.IGNORECASE)
_AT = re.compile(r"@|%(?:25)*40|&#0*64;")
_WORD = re.compile(r"[^\s]+")
_ORACLE = re.compile(r"[\w$#]{1,128}/[^\s/@]{1,256}@")
"""As Oracle's tools take it: user/password@address."""
_BARE = re.compile(
    r"-----BEGIN[A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END[A-Z ]{0,40}PRIVATE KEY-----|$)"
    r"|\b(?:LTAI|STS\.)[0-9A-Za-z]{10,}",
    re.DOTALL,
)


def without_credentials(text: str) -> str:
    """Return text, on one line, without what looks like a credential."""
    text = _BARE.sub(REMOVED, _without_named(text))
    return _ORACLE.sub(f"{REMOVED}@", _WORD.sub(lambda word: _without_userinfo(word.group()), text))


def _without_named(text: str) -> str:
    """Remove the values behind names such as password, in `key=value`, `key: value`, JSON and SQL."""
    parts, at = [], 0
    while name := _NAMED.search(text, at):
        begin = name.end()
        parts.append(text[at:begin])
        if harmless := _YES_OR_NO.match(text, begin):
            at = harmless.end()
            parts.append(harmless.group())
            continue
        at = _end_of_value(text, begin)
        if at > begin:
            parts.append(REMOVED)
    return "".join([*parts, text[at:]])


def _end_of_value(text: str, begin: int) -> int:
    """Return where a value ends: behind its closing quote, else at the next space."""
    opened = _OPENED.match(text, begin)
    if opened is None:
        unquoted = _UNQUOTED.match(text, begin)
        return unquoted.end() if unquoted else begin
    depth, at = len(opened[1]), opened.end()
    # In JSON within JSON the closing quote has as many backslashes as the opening one; those inside have more.
    while closing := _QUOTES[opened[2]].search(text, at):
        at = closing.end()
        if len(closing[1]) % (2 * depth + 2) == depth:
            if text[at : at + 1] != opened[2] or depth:
                return at
            at += 1  # twice the quote is one, in SQL
    return len(text)


def _without_userinfo(word: str) -> str:
    """Remove what stands before the last @ of a URL: user and password, which may have an @ themselves."""
    authority = _AUTHORITY.search(word)
    last = None
    for last in _AT.finditer(word, authority.end()) if authority else ():  # noqa: B007 - only the last one counts
        pass
    return f"{word[: authority.end()]}{REMOVED}{word[last.start() :]}" if authority and last else word
