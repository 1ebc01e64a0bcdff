"""Messages and modals as a person sees them, reduced to lines and tables: what a terminal can show of Block Kit."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]
Look = Literal["", "strong", "small", "quote", "warning", "error", "buttons"]

_ID = re.compile(r"<(?:!subteam\^|[@#])([A-Z0-9]+)[^>]*>")
_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_BOLD = re.compile(r"\*([^*\n]+)\*")


@dataclass(frozen=True)
class Line:
    """One paragraph, and how it stands out."""

    text: str
    look: Look = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells, the first of them the headings."""

    rows: tuple[tuple[str, ...], ...]


Part = Line | Table


class Sketch:
    """Draws with the names that people read in the place of ids: `{"U0ANA": "@ana"}`."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def message(self, message: Json) -> list[Part]:
        """Return what a message shows."""
        blocks = message.get("blocks")
        return list(self._blocks(blocks)) if blocks else [Line(self.words(message.get("text", "")))]

    def view(self, view: Json, inputs: Iterable[str], errors: Mapping[str, str] | None = None) -> list[Part]:
        """Return what a modal shows; of its inputs only those named (by API name), and those with an error."""
        wanted, parts, hidden = set(inputs), list[Part](), 0
        for block in view["blocks"]:
            if block["type"] != "input":
                parts += self._blocks([block])
                continue
            error = (errors or {}).get(block["block_id"], "")
            if error or block["block_id"].partition("~")[0] in wanted:
                label = block["label"]["text"]
                held = _held(block, view) or "(empty)"
                parts.append(Line(f"{label}{' ' if label.endswith('?') else ': '}{self._names.get(held, held)}"))
            else:
                hidden += 1
            parts += [Line(f"↑ {error}", "error")] if error else []
        parts = [part for part, then in zip(parts, [*parts[1:], None], strict=True) if not _is_bare(part, then)]
        if hidden:
            parts.append(Line(f"… and {hidden} more inputs, filled with what the plan has now", "small"))
        pressed = [view[name]["text"] for name in ("submit", "close") if view.get(name)]
        return [*parts, Line(" ".join(f"[{text}]" for text in pressed), "buttons")]

    def words(self, mrkdwn: str) -> str:
        """Return mrkdwn as it is read."""
        shown = _ID.sub(lambda found: self._names.get(found[1], found[1]), _DATE.sub(r"\1", mrkdwn))
        return _BOLD.sub(r"\1", shown).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")

    def _blocks(self, blocks: Iterable[Json]) -> Iterator[Part]:
        for block in blocks:
            match block["type"]:
                case "header":
                    yield Line(block["text"]["text"], "strong")
                case "table":
                    yield Table(tuple(tuple(cell["text"] for cell in row) for row in block["rows"]))
                case "section":
                    for text in [block["text"]] if "text" in block else block["fields"]:
                        yield Line(self._text(text).replace("\n", ": ", 1) if "fields" in block else self._text(text))
                case "context":
                    yield Line(" · ".join(self._text(text) for text in block["elements"]), "small")
                case "alert":
                    yield Line(self._text(block["text"]), "error" if block["level"] == "error" else "warning")
                case "container":
                    yield Line(f"▸ {self._text(block['title'])} (folded)", "small")
                case "actions":
                    yield Line(" ".join(f"[{button['text']['text']}]" for button in block["elements"]), "buttons")
                case "rich_text":
                    yield from self._rich(block)

    def _rich(self, block: Json) -> Iterator[Line]:
        for part in block["elements"]:
            if part["type"] == "rich_text_list":
                for item in part["elements"]:
                    text = _spelled(item)
                    yield Line(f"• {text}", "warning" if text.startswith("⚠") else "")
            else:
                yield Line(_spelled(part), "quote" if part["type"] == "rich_text_quote" else "")

    def _text(self, text: Json) -> str:
        return self.words(text["text"]) if text["type"] == "mrkdwn" else str(text["text"])


def _spelled(element: Json) -> str:
    return "".join(part.get("text", "") for part in element["elements"])


def _held(block: Json, view: Json) -> str:
    """Return what an input holds, as the client shows it."""
    state = view["state"]["values"].get(block["block_id"], {}).get(block["element"]["action_id"], {})
    value = next((held for key, held in state.items() if key != "type"), None)
    chosen = value if isinstance(value, list) else [value]
    return ", ".join(one["text"]["text"] if isinstance(one, dict) else str(one) for one in chosen if one is not None)


def _is_bare(part: Part, then: Part | None) -> bool:
    """Whether a heading has nothing under it, its inputs not being shown."""
    strong = [isinstance(one, Line) and one.look == "strong" for one in (part, then)]
    return strong[0] and (strong[1] or then is None)
