"""auth.test, users.info and usergroups.users.list: who is who."""

from bot.playground.slack.errors import SlackError
from bot.playground.slack.workspace import Json
from bot.playground.slack.world import World


def auth_test(world: World, _: Json) -> Json:
    """Say whose token it is."""
    return {
        "url": "https://playground.slack.com/",
        "team": "Playground",
        "team_id": world.workspace.team_id,
        "user": world.app.name,
        "user_id": world.app.bot_user,
        "bot_id": world.app.bot_id,
        "is_enterprise_install": False,
    }


def users_info(world: World, args: Json) -> Json:
    """Describe one person."""
    world.need("users:read")
    member = world.workspace.members.get(str(args.get("user", "")))
    if member is None:
        raise SlackError("user_not_found")
    return {"user": member.as_json(world.clock())}


def usergroup_members(world: World, args: Json) -> Json:
    """List the user ids in a group."""
    world.need("usergroups:read")
    group = world.workspace.groups.get(str(args.get("usergroup", "")))
    if group is None or (group.disabled and args.get("include_disabled") not in {"1", "true", True}):
        raise SlackError("no_such_subteam")
    return {"users": list(group.members)}
