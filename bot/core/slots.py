"""Who fills which place of a demand: the best seating of the people who approved, never first come first served."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.core.demand import Demand
from bot.core.policy_words import either_of, people


@dataclass(frozen=True, slots=True)
class Missing:
    """What is still missing."""

    number: int
    """How many more people it takes at the least."""
    wanted: tuple[tuple[int, tuple[str, ...]], ...] = ()
    """Among them: how many out of which users and groups."""
    helpers: tuple[str, ...] = ()
    """The user ids whose approval would bring it nearer."""

    @property
    def done(self) -> bool:
        """Whether nothing is missing."""
        return not self.number

    @property
    def sentence(self) -> str:
        """Say it as mrkdwn, "" when nothing is missing: `2 more people, 1 of them from <!subteam^S0SRE>`."""
        if self.done:
            return ""
        more = f"{self.number} more {people(self.number)}"
        if len(self.wanted) == 1 and self.wanted[0][0] == self.number:
            return f"{more} from {either_of(self.wanted[0][1])}"
        parts = [f"{number} from {either_of(who)}" for number, who in self.wanted]
        if parts:
            parts[0] = parts[0].replace(" from", " of them from", 1)
        return ", ".join([more, " and ".join(parts)] if parts else [more])


def filled(asked: Demand, voters: Iterable[str], *, escalated: bool = False) -> Missing:
    """Say what is missing once these people have approved; `escalated` lets the stand-ins of each slot count.

    Who is in no slot's pool counts for nothing: the requester is in none.
    """
    slots = asked.seats
    pools = [frozenset(slot.pool).union(slot.stand_ins if escalated else ()) for slot in slots]
    everybody = frozenset().union(*pools)
    given = everybody.intersection(voters)
    seats = [number for number, slot in enumerate(slots) for _ in range(slot.at_least)]
    seating = Seating([pools[number] for number in seats], given)
    number = max(1, asked.approvals, len(seats)) - len(given)
    number = max(number, len(seating.open))

    reach = [frozenset(seats[seat] for seat in seating.helped_by(place)) for place in seating.open]
    wanted = []
    for group, count in Counter(reach).items():
        names = [
            one
            for index in sorted(group)
            for one in (*slots[index].who, *(slots[index].escalate_to if escalated else ()))
        ]
        wanted.append((count, tuple(dict.fromkeys(names))))
    helpful = frozenset().union(*(pools[index] for group in reach for index in group))
    if number > len(seating.open):
        helpful = everybody
        if len(slots) == 1:
            names = [*slots[0].who, *(slots[0].escalate_to if escalated else ())]
            wanted = [(number, tuple(dict.fromkeys(names)))]
    return Missing(number, tuple(wanted), tuple(sorted(helpful - given)) if number else ())


class Seating:
    """A largest possible assignment of people to seats, one seat a person."""

    def __init__(self, pools: Sequence[frozenset[str]], voters: Iterable[str]) -> None:
        self._pools = pools
        self._voters = sorted(set(voters))
        self._held: dict[int, str] = {}
        self._sits: dict[str, int] = {}
        # A seat for which nobody can be found by moving others stays empty in every largest assignment that follows.
        self.open = [seat for seat in range(len(pools)) if self.helped_by(seat)]
        """The seats left empty."""

    def helped_by(self, seat: int) -> frozenset[int]:
        """Seat somebody in an empty seat, moving others if need be; if nobody can be, return which seats would help.

        A newcomer who fits any of those brings one more seat to be taken.
        """
        came_from: dict[int, int] = {}
        queue = [seat]
        for place in queue:
            for voter in self._voters:
                if voter not in self._pools[place]:
                    continue
                other = self._sits.get(voter)
                if other is None:
                    self._move_up(voter, place, came_from)
                    return frozenset()
                if other not in queue:
                    came_from[other] = place
                    queue.append(other)
        return frozenset(queue)

    def _move_up(self, voter: str, place: int, came_from: dict[int, int]) -> None:
        while True:
            moved = self._held.get(place)
            self._held[place], self._sits[voter] = voter, place
            if moved is None:
                return
            voter, place = moved, came_from[place]
