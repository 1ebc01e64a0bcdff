"""What is said of a policy's defaults before anybody asks for anything."""

from doubles import MemoryPeople
from structlog.testing import capture_logs

from bot.core.policy import read_policy
from bot.errors import LookUpFailed
from bot.policy_warnings import warn_of_groups

POLICY = """
[defaults]
approvals = 2
approvers = ["S0DBA", "S0OPS", "U0ANA"]
requesters = ["S0ASK"]
"""


NOBODY: frozenset[str] = frozenset()


async def warned(people: MemoryPeople) -> list[tuple[str, object]]:
    with capture_logs() as logs:
        await warn_of_groups(read_policy(POLICY), people)
    return [(line["event"], line.get("group")) for line in logs]


async def test_req34_every_group_that_cannot_be_asked_is_named() -> None:
    people = MemoryPeople()
    people.groups = {"S0DBA": frozenset({"U0BEN"}), "S0OPS": frozenset({"U0CAT"}), "S0ASK": NOBODY}
    assert await warned(people) == []
    for group in ("S0ASK", "S0DBA"):
        people.next(group, LookUpFailed("no such group"))
    assert await warned(people) == [("group_unreachable", "S0ASK"), ("group_unreachable", "S0DBA")]


async def test_req34_a_group_of_requesters_that_cannot_be_asked_hides_no_lack_of_approvers() -> None:
    people = MemoryPeople()
    people.groups = {"S0DBA": frozenset({"U0ANA"}), "S0OPS": NOBODY, "S0ASK": NOBODY}
    people.next("S0ASK", LookUpFailed("no such group"))
    assert await warned(people) == [("group_unreachable", "S0ASK"), ("few_approvers", None)]
