"""Text in Slack, made inert: what comes from people or from DBS is shown, never obeyed.

Foreign text goes into plain_text, rich_text or raw_text, which know no markup. Only sentences of our own are mrkdwn.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.core.events import moment
from bot.core.looks import by_number

Block = dict[str, Any]
View = dict[str, Any]

inert = by_number
"""Makes characters visible that nobody sees, or that change how the text around them is read."""


def escape(text: str) -> str:
    """Make text safe inside mrkdwn: no mention, link or channel-wide call survives."""
    return inert(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(text: str, longest: int = 3000) -> Block:
    """Return a plain_text object; what is longer than Slack allows there ends in "…", for all to see."""
    return {"type": "plain_text", "text": shortened(text, longest), "emoji": False}


def shortened(text: str, longest: int) -> str:
    """Make text inert and at most `longest` characters, with "…" in place of the rest."""
    shown = inert(text)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def mrkdwn(text: str) -> Block:
    """Return a mrkdwn object: for sentences of our own, with foreign parts escaped."""
    return {"type": "mrkdwn", "text": text}


def cut(text: str, longest: int) -> str:
    """Return mrkdwn of our own in at most `longest` characters, cut between words so that no mention is broken."""
    return text if len(text) <= longest else text[: longest - 1].rsplit(" ", 1)[0] + " …"


LONGEST_ANSWER = 3000
"""Characters of an answer that one person sees; Slack cuts longer ones, or does not take them."""


def listed(before: str, items: Sequence[str], after: str) -> str:
    """Return mrkdwn with a bullet for each item but the last ones that do not fit, which are counted.

    The very last item always fits: it may say what came of the others.
    """
    lines = [f"• {cut(item, 800)}" for item in items]
    room = LONGEST_ANSWER - len(before) - len(after) - 40
    left = 0
    while len(lines) > 1 and sum(len(line) + 1 for line in lines) > room:
        del lines[-2]
        left += 1
    if left:
        lines.insert(-1, f"• … {left} more problems …")
    return "\n".join([before, *lines, "", after])


def section(text: Block, *, fields: list[Block] | None = None) -> Block:
    """Return a section."""
    return {"type": "section", "text": text} if fields is None else {"type": "section", "text": text, "fields": fields}


def fields(*texts: Block) -> Block:
    """Return a section of short texts in two columns."""
    return {"type": "section", "fields": list(texts)}


def header(text: str) -> Block:
    """Return a header."""
    return {"type": "header", "text": plain(text, 150)}


def context(*texts: Block) -> Block:
    """Return small print."""
    return {"type": "context", "elements": list(texts)}


LONGEST_ALERT = 200
"""Characters of an alert; Slack may refuse a view with a longer one, or cut it."""
SIGNS = {"warning": "⚠ ", "error": "⛔ "}
"""What a section begins with that stands in for an alert."""


def alert(level: str, text: str | Block) -> Block:
    """Return an alert (modals only) of plain text or a text object; level: info, warning, error or success.

    Text that is too long for an alert comes as a section instead.
    """
    said = plain(text) if isinstance(text, str) else text
    if len(said["text"]) <= LONGEST_ALERT:
        return {"type": "alert", "level": level, "text": said}
    sign = SIGNS.get(level, "")
    if said["type"] == "plain_text":
        return section(plain(f"{sign}{said['text']}"))
    return section(mrkdwn(cut(f"{sign}{said['text']}", 3000)))


def literal(text: str, **style: bool) -> Block:
    """Return a rich_text element that shows exactly this text; style: bold, italic, code, strike."""
    element: Block = {"type": "text", "text": inert(text)}
    return {**element, "style": style} if style else element


def link(url: str, text: str) -> Block:
    """Return a rich_text element that leads to a page."""
    return {"type": "link", "url": url, "text": text}


def rich(*elements: Block) -> Block:
    """Return a rich_text block of one paragraph."""
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


def bullets(items: list[list[Block]]) -> Block:
    """Return a rich_text block of bullets, each a list of elements."""
    sections = [{"type": "rich_text_section", "elements": item} for item in items]
    return {"type": "rich_text", "elements": [{"type": "rich_text_list", "style": "bullet", "elements": sections}]}


def quote(text: str) -> Block:
    """Return a rich_text block that quotes what somebody wrote."""
    return {"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": [literal(text)]}]}


def date(at: datetime | str) -> str:
    """Return mrkdwn that shows a moment in each reader's own time zone."""
    when = moment(at) if isinstance(at, str) else at
    return f"<!date^{int(when.timestamp())}^{{date_short_pretty}} {{time}}|{when:%Y-%m-%d %H:%M} UTC>"


def local_time(utc: str, tz: str) -> str:
    """Say what a time of day, HH:mm in UTC, is today in a time zone (IANA name); "" if the name is unknown."""
    try:
        zone = ZoneInfo(tz)
    except (KeyError, ValueError, OSError):
        return ""
    today = datetime.now(UTC)
    ahead = f"{today.astimezone(zone):%z}"
    offset = f"Your time zone, {tz}, is UTC{ahead[:3]}:{ahead[3:]} today"
    if not utc:
        return f"{offset}."
    there = datetime.fromisoformat(f"{today.date()}T{utc}+00:00").astimezone(zone)
    return f"{offset}: {utc} UTC is {there:%H:%M} for you."


def button(text: str, action_id: str, value: str, **more: Any) -> Block:
    """Return a button; `value` is opaque: an id, never a fact to be trusted."""
    return {"type": "button", "text": plain(text), "action_id": action_id, "value": value, **more}


def modal(callback_id: str, title: str, blocks: list[Block], **more: Any) -> View:
    """Return a modal; title of at most 24 characters. `more`: submit, close, private_metadata."""
    view: View = {"type": "modal", "callback_id": callback_id, "title": plain(title), "blocks": blocks}
    return view | {name: plain(value) if name in {"submit", "close"} else value for name, value in more.items()}
