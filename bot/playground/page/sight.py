"""What one person sees of the workspace: their channels, what was whispered to them, the modal on their screen."""

from typing import Any

from bot.playground.page.setting import COMMANDS, FIRST_PLAN, GROUPS, SHORTCUTS, Setting
from bot.playground.slack.person import Person
from bot.playground.slack.workspace import Channel, Member

Json = dict[str, Any]


def surroundings(setting: Setting) -> Json:
    """Return what stays as it is and is the same for everybody: who there is, and what a client can complete."""
    workspace, app = setting.slack.world.workspace, setting.slack.world.app
    return {
        "team": {"id": workspace.team_id, "name": "Playground"},
        "bot": {"id": app.bot_user, "name": app.name},
        "people": [
            {"id": person.id, "role": setting.roles.get(person.id, "")} for person in setting.slack.people.values()
        ],
        "users": {one.id: _user(one, workspace.team_id) for one in workspace.members.values()},
        "groups": GROUPS,
        "commands": COMMANDS,
        "shortcuts": SHORTCUTS,
        "first_plan": FIRST_PLAN,
    }


def sight(setting: Setting, person: Person) -> Json:
    """Return everything that is on this person's screen now."""
    world = setting.slack.world
    is_ours = person.member.team_id == world.workspace.team_id
    # people of other companies share channels with us, not our apps
    inside = [
        one for one in world.workspace.channels.values() if person.id in one.members and (is_ours or not one.dm_of)
    ]
    view = world.modals.top(person.id)
    return {
        "me": person.id,
        "channels": [_channel(one) for one in sorted(inside, key=lambda one: (bool(one.dm_of), one.id != "C0OPS"))],
        "names": {one.id: one.name for one in world.workspace.channels.values() if not one.dm_of},
        "ephemerals": person.ephemerals,
        "notices": person.notices,
        "view": person.view,
        "errors": person.errors,
        "depth": len(world.modals.stack(person.id)) if view else 0,
        "home": person.home,
    }


def _user(member: Member, team_id: str) -> Json:
    kinds = {
        "bot": member.bot,
        "deactivated": member.deleted,
        "outsider": member.team_id != team_id,
        "guest": member.restricted or member.ultra_restricted,
    }
    kind = next((name for name, holds in kinds.items() if holds), "member")
    return {"id": member.id, "name": member.name, "real_name": member.real_name, "tz": member.tz, "kind": kind}


def _channel(channel: Channel) -> Json:
    # metadata is for the app that wrote it: no client shows it
    log = [{key: value for key, value in message.items() if key != "metadata"} for message in channel.log]
    return {
        "id": channel.id,
        "name": channel.name,
        "kind": channel.kind,
        "shared": channel.ext_shared,
        "archived": channel.archived,
        "members": len(channel.members),
        "has_bot": channel.bot_is_member,
        "messages": log,
    }
