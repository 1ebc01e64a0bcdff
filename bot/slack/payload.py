"""What Slack may send: parsed once at the edge, so that Bolt and the listeners can trust its shape.

Only fields named here go on; Slack's others, such as a token that Bolt would put in the place of ours, stay outside.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, TypeAdapter, ValidationError, model_validator

from bot.errors import BotError

Id = Annotated[str, Field(min_length=1, max_length=255)]


class Malformed(BotError):
    """The bytes are not a payload this bot knows; the text never repeats them."""


@dataclass(frozen=True)
class Payload:
    """One delivery: `body` has the fields of the model that `kind` names, as Slack wrote them."""

    kind: str
    body: dict[str, Any]
    mark: bytes = b""
    """A digest of the bytes that brought it, where these are at hand: the same bytes are the same delivery."""


@dataclass(frozen=True)
class Answer:
    """What Slack is told: HTTP's status, the text, and what kind of text it is."""

    status: int
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"


Dispatch = Callable[[Payload], Awaitable[Answer]]
"""Does what a payload asks for; over Socket Mode only an answer with status 200 is sent."""


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True, frozen=True)


class _Named(_Shape):
    id: Id


class _User(_Named):
    team_id: str | None = None


class _Option(_Shape):
    value: str


class _Element(_Shape):
    """The state of an input, or an action on it."""

    type: str
    value: str | None = None
    selected_option: _Option | None = None
    selected_options: list[_Option] | None = None
    selected_time: str | None = None
    selected_conversation: str | None = None
    selected_user: str | None = None


class _Action(_Element):
    action_id: Id
    block_id: Id


class _State(_Shape):
    values: dict[str, dict[str, _Element]] = {}


class _Block(_Shape):
    type: str
    block_id: str | None = None

    @model_validator(mode="after")
    def _inputs_are_named(self) -> Self:
        if self.type == "input" and not self.block_id:
            raise ValueError("an input without an id")
        return self


class _View(_Named):
    type: Literal["modal", "home"]
    callback_id: str
    hash: str | None = None
    private_metadata: str = ""
    blocks: list[_Block] = []
    state: _State | None = None
    root_view_id: str | None = None
    previous_view_id: str | None = None
    app_installed_team_id: str | None = None


class _Message(_Shape):
    ts: str
    thread_ts: str | None = None
    metadata: dict[str, Any] | None = None


class _Container(_Shape):
    type: str
    message_ts: str | None = None
    channel_id: str | None = None
    view_id: str | None = None


class _ResponseUrl(_Shape):
    response_url: str


class _Interactive(_Shape):
    user: _User
    team: _Named | None = None
    enterprise: _Named | None = None
    is_enterprise_install: bool | str | None = None
    api_app_id: str | None = None
    trigger_id: str | None = None


class _BlockActions(_Interactive):
    type: Literal["block_actions"]
    actions: Annotated[list[_Action], Field(min_length=1)]
    container: _Container | None = None
    channel: _Named | None = None
    message: _Message | None = None
    view: _View | None = None
    state: _State | None = None
    response_url: str | None = None


class _BlockSuggestion(_Interactive):
    type: Literal["block_suggestion"]
    action_id: Id
    block_id: Id
    value: str
    container: _Container | None = None
    channel: _Named | None = None
    message: _Message | None = None
    view: _View | None = None


class _ViewSubmission(_Interactive):
    type: Literal["view_submission"]
    view: _View
    response_urls: list[_ResponseUrl] = []


class _ViewClosed(_Interactive):
    type: Literal["view_closed"]
    view: _View
    is_cleared: bool | None = None


class _Shortcut(_Interactive):
    type: Literal["shortcut"]
    callback_id: Id
    action_ts: str | None = None


class _MessageAction(_Interactive):
    type: Literal["message_action"]
    callback_id: Id
    channel: _Named
    message: _Message
    message_ts: str | None = None
    action_ts: str | None = None
    response_url: str | None = None


class _Command(_Shape):
    command: Annotated[str, Field(pattern=r"^/")]
    user_id: Id
    team_id: Id
    channel_id: Id
    text: str = ""
    trigger_id: str | None = None
    response_url: str | None = None
    user_name: str | None = None
    channel_name: str | None = None
    team_domain: str | None = None
    enterprise_id: str | None = None
    is_enterprise_install: bool | str | None = None
    api_app_id: str | None = None


class _SslCheck(_Shape):
    """Slack looks at the certificate of a command's address now and then."""

    ssl_check: Literal["1"]


_INTERACTIVE: TypeAdapter[_Shape] = TypeAdapter(
    Annotated[
        _BlockActions | _BlockSuggestion | _ViewSubmission | _ViewClosed | _Shortcut | _MessageAction,
        Discriminator("type"),
    ]
)


def from_fields(fields: object) -> Payload:
    """Check the shape of a payload that is already a mapping, as Socket Mode delivers it. Raises Malformed."""
    if not isinstance(fields, dict):
        raise Malformed("The payload is not an object.")
    try:
        shape = _shape(fields)
    except ValidationError:
        raise Malformed("The payload does not have the shape of its type.") from None
    known = type(shape).model_fields
    return Payload(kind=fields.get("type", "command"), body={name: fields[name] for name in fields if name in known})


def _shape(fields: dict[str, Any]) -> _Shape:
    if "type" in fields:
        return _INTERACTIVE.validate_python(fields)
    if "ssl_check" in fields:
        return _SslCheck.model_validate(fields)
    return _Command.model_validate(fields)
