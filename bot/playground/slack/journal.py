"""What went over the wire, kept so that a test can look: calls to the Web API, deliveries to the bot, broken rules."""

import json
from dataclasses import dataclass, field

from bot.playground.slack.workspace import Json


@dataclass
class Call:
    """One call of the bot; `answer` is what Slack made of it, even if it got lost; None while or if not processed."""

    method: str
    args: Json
    at: float
    """Seconds since 1970."""
    raw: str = ""
    """Method, URL and body as they arrived, without the Authorization header."""
    answer: Json | None = None

    @property
    def error(self) -> str:
        """The error code of the answer, empty if it was ok."""
        return str((self.answer or {}).get("error", ""))


@dataclass
class Delivery:
    """One payload brought to the bot, and what came back within the time Slack grants."""

    kind: str
    """slash_commands, interactive or events_api, as Socket Mode names them."""
    payload: Json
    at: float
    body: str = ""
    via: str = "http"
    status: int | None = None
    """HTTP status; in Socket Mode 200 once acknowledged; None if nothing came in time."""
    answer: str = ""
    duration: float = 0.0
    """Seconds until the answer, or until Slack gave up."""
    problem: str = ""
    """Empty, `timeout`, or why the bot could not be reached."""

    @property
    def ok(self) -> bool:
        """Whether the bot acknowledged in time."""
        return self.status == 200


@dataclass
class Journal:
    """The record of one workspace, in order."""

    calls: list[Call] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    """Everything the bot sent that Slack would refuse or that only a bug sends; a test asserts that it is empty."""

    def called(self, method: str) -> list[Call]:
        """Return the calls of one method, oldest first."""
        return [call for call in self.calls if call.method == method]

    def violation(self, sentence: str) -> None:
        """Record that a rule was broken."""
        self.violations.append(sentence)

    @property
    def traffic(self) -> str:
        """All text that went between Slack and the bot, in one piece, to search for what must not be there."""
        lines = [f"{call.raw}\n{_readable(call.args)}\n{_readable(call.answer)}" for call in self.calls]
        lines += [f"{one.kind} {one.body}\n{_readable(one.payload)}\n{one.answer}" for one in self.deliveries]
        return "\n".join(lines)


def _readable(value: Json | None) -> str:
    """Return JSON without escapes, so that a search finds what percent signs and \\u would hide."""
    return json.dumps(value, ensure_ascii=False)
