"""What the Web API, the deliveries and the people share: the workspace, the app installed in it, and the records."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.playground.slack.errors import SlackError
from bot.playground.slack.faults import Faults
from bot.playground.slack.journal import Journal
from bot.playground.slack.limits import RateLimits
from bot.playground.slack.modals import Modals, View
from bot.playground.slack.tickets import Tickets
from bot.playground.slack.workspace import Channel, Json, Member, Workspace

SCOPES = (
    "commands",
    "chat:write",
    "users:read",
    "usergroups:read",
    "channels:read",
    "groups:read",
    "channels:history",
    "groups:history",
    "im:write",
)


@dataclass
class App:
    """The installed app: who the bot is, its credentials and what it was granted."""

    id: str = "A0BACKUP"
    bot_id: str = "B0BOT"
    bot_user: str = "U0BOT"
    name: str = "backup-plan-bot"
    bot_token: str = "xoxb-playground-bot"  # noqa: S105 a credential of the playground only
    app_token: str = "xapp-1-playground-app"  # noqa: S105
    signing_secret: str = "playground-signing-secret"  # noqa: S105
    verification_token: str = "playground-verification"  # noqa: S105
    scopes: tuple[str, ...] = SCOPES
    scopes_header: bool = True
    """Whether answers carry x-oauth-scopes."""


@dataclass
class World:
    """One workspace with one app in it."""

    app: App
    clock: Callable[[], float]
    workspace: Workspace
    modals: Modals
    tickets: Tickets
    limits: RateLimits
    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)
    page_size: int | None = None
    """The most messages a page of history holds, whatever was asked for; None for as many as were."""
    ephemerals: dict[str, list[Json]] = field(default_factory=dict)
    """user id → the private replies they see, oldest first."""
    notices: dict[str, list[str]] = field(default_factory=dict)
    """user id → what their client told them when the bot did not answer as it must, oldest first."""
    url: str = ""
    """Where this Slack listens, `http://127.0.0.1:port`; known once it is started."""

    def need(self, scope: str) -> None:
        """Raise SlackError missing_scope unless the app was granted it."""
        if scope not in self.app.scopes:
            raise SlackError("missing_scope", needed=scope, provided=",".join(self.app.scopes))

    def channel(self, channel_id: str) -> Channel:
        """Return a channel the bot can know of. Raises SlackError channel_not_found."""
        channel = self.workspace.channels.get(channel_id)
        if channel is None or (channel.private and not channel.bot_is_member):
            raise SlackError("channel_not_found")
        return channel

    def refuse(self, code: str, problems: list[str], where: str) -> None:
        """Record what is wrong with a payload and raise SlackError, if anything is."""
        if not problems:
            return
        for problem in problems:
            self.journal.violation(f"{where}: {problem}")
        lines = [f"[ERROR] {problem}" for problem in problems]
        raise SlackError(code, errors=problems, response_metadata={"messages": lines})

    def view_json(self, view: View) -> Json:
        """Return a view as Slack shows it to the bot, state included."""
        content = view.content
        return {
            "id": view.id,
            "team_id": self.workspace.team_id,
            "type": content["type"],
            "blocks": content["blocks"],
            "private_metadata": content.get("private_metadata", ""),
            "callback_id": content.get("callback_id", ""),
            "state": {"values": view.state},
            "hash": view.hash,
            "title": content.get("title"),
            "clear_on_close": content.get("clear_on_close", False),
            "notify_on_close": content.get("notify_on_close", False),
            "close": content.get("close"),
            "submit": content.get("submit"),
            "previous_view_id": view.previous.id if view.previous else None,
            "root_view_id": view.root.id,
            "app_id": self.app.id,
            "external_id": content.get("external_id", ""),
            "app_installed_team_id": self.workspace.team_id,
            "bot_id": self.app.bot_id,
        }

    def user_json(self, member: Member) -> Json:
        """Return the `user` of an interaction's payload."""
        return {"id": member.id, "username": member.name, "name": member.name, "team_id": member.team_id}

    def show_ephemeral(self, user_id: str, channel_id: str, content: Json) -> Json:
        """Show a private reply to one person, in a thread if `content` names one."""
        message = {
            "type": "message",
            "subtype": "bot_message",
            "bot_id": self.app.bot_id,
            "ts": self.workspace.mint_ts(),
            "channel": channel_id,
            "text": content.get("text", ""),
            **{key: content[key] for key in ("blocks", "thread_ts") if content.get(key)},
        }
        self.ephemerals.setdefault(user_id, []).append(message)
        self.workspace.changed()
        return message

    def notice(self, user_id: str, sentence: str) -> None:
        """Let a person's client tell them that something failed."""
        self.notices.setdefault(user_id, []).append(sentence)
        self.workspace.changed()
