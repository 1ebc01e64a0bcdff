"""What goes wrong at the fake: Slack refuses a call, or a person's client does not let them do something."""

from collections.abc import Mapping

from bot.playground.slack.workspace import Json


class PlaygroundError(Exception):
    """The root of both."""


class SlackError(PlaygroundError):
    """Slack answers `ok: false` with this code; `more` is merged into the answer."""

    def __init__(self, code: str, **more: object) -> None:
        super().__init__(code)
        self.code = code
        self.more: Json = more


class ClientBlocked(PlaygroundError):
    """The client in the person's hands does not allow it, so nothing is sent; the text says why.

    `marks` are the inputs it marks: block_id → what is wrong there.
    """

    def __init__(self, text: str, marks: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.marks = dict(marks or {})
