"""Who somebody is, as Slack says it: the facts that rights hang on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """One user of Slack."""

    id: str
    team_id: str
    name: str = ""
    tz: str = ""
    """IANA name of the person's time zone."""
    is_deleted: bool = False
    is_bot: bool = False
    is_guest: bool = False
    """Restricted or ultra-restricted: a single- or multi-channel guest."""
    is_stranger: bool = False
    is_known: bool = True
    """False where Slack answers that there is no such user, for example for a mistyped id."""

    def disqualified(self, team_id: str) -> str:
        """Return why this person counts for nothing here, as a sentence; "" for a full member of the workspace."""
        if not self.is_known:
            return "Slack knows no such person."
        if self.team_id != team_id or self.is_stranger:
            return "Only members of this workspace can do that; you belong to another one."
        if self.is_deleted:
            return "This account is deactivated."
        if self.is_bot:
            return "Only people can do that."
        if self.is_guest:
            return "Guests cannot do that; ask a full member of this workspace."
        return ""


@dataclass(frozen=True, slots=True)
class Channel:
    """One conversation."""

    id: str
    name: str = ""
    bot_is_member: bool = False
    is_archived: bool = False
    is_shared_outside: bool = False
    """Shared with another organisation, or about to be."""
    is_known: bool = True
    """Whether Slack shows it to the bot: if not, nobody here knows who reads it."""
    is_direct: bool = False
    creator: str | None = ""
    """The user id of who made it: "" where Slack does not say, None where nobody asked Slack."""
