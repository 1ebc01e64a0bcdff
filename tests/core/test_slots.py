"""Who fills which place: checked against trying every assignment there is."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.demand import Demand, Slot
from bot.core.slots import Seating, filled

NAMES = "ABCDEF"


def asked(*slots: tuple[str, int], approvals: int = 1) -> Demand:
    """Ask for places; a slot is written as the people who fit it and how many of them."""
    made = tuple(Slot(rule="r", who=(f"S{pool}",), at_least=number, pool=tuple(pool)) for pool, number in slots)
    everybody = tuple(sorted({name for pool, _ in slots for name in pool}))
    total = max(approvals, sum(number for _, number in slots))
    return Demand(approvals=total, approvers=(), pool=everybody, policy="p", sentence="", slots=made)


@pytest.mark.parametrize(
    ("slots", "approvals", "voters", "number", "helpers"),
    [
        # first come first served would seat A where only B could sit, or the other way round
        ([("AB", 1), ("A", 1)], 1, "AB", 0, ""),
        ([("AB", 1), ("A", 1)], 1, "BA", 0, ""),
        ([("A", 1), ("AB", 1)], 1, "BA", 0, ""),
        ([("AB", 1), ("BC", 1), ("CA", 1)], 1, "ABC", 0, ""),
        ([("ABC", 1), ("AB", 1), ("A", 1)], 1, "ABC", 0, ""),
        ([("ABCD", 2), ("AB", 1), ("A", 1)], 1, "ABCD", 0, ""),
        # an odd chain: everybody has to move up by one
        ([("AB", 1), ("BC", 1), ("CD", 1), ("D", 1)], 1, "BCDA", 0, ""),
        # three people for two groups of one
        ([("A", 1), ("A", 1)], 1, "A", 1, ""),
        ([("AB", 1), ("AB", 1), ("ABC", 1)], 1, "AB", 1, "C"),
        ([("AB", 1), ("ABC", 1)], 1, "C", 1, "AB"),
        ([("AB", 1), ("CD", 1)], 1, "A", 1, "CD"),
        ([("AB", 1), ("BCD", 1)], 1, "B", 1, "ACD"),
        ([("AB", 1), ("CD", 1)], 3, "AC", 1, "BD"),
        ([("AB", 1), ("CD", 1)], 3, "AB", 1, "CD"),
        ([("AB", 1), ("CD", 1)], 3, "A", 2, "BCD"),
        ([("AB", 2)], 2, "", 2, "AB"),
    ],
)
def test_the_best_seating_counts(
    slots: list[tuple[str, int]], approvals: int, voters: str, number: int, helpers: str
) -> None:
    missing = filled(asked(*slots, approvals=approvals), voters)
    assert (missing.number, "".join(missing.helpers)) == (number, helpers)
    assert missing.done is (number == 0)
    assert bool(missing.sentence) is not missing.done


def test_many_places_need_no_deep_stack() -> None:
    chain = [frozenset({f"U{seat}", f"U{seat + 1}"}) for seat in range(2000)]
    assert Seating(chain, {f"U{seat}" for seat in range(1, 2001)}).open == []


pools = st.text(NAMES, min_size=1, max_size=4).map(lambda text: "".join(sorted(set(text))))
demands = st.builds(
    lambda slots, approvals: asked(*slots, approvals=approvals),
    st.lists(st.tuples(pools, st.integers(1, 2)), min_size=1, max_size=3),
    st.integers(1, 5),
)


def enough(demand: Demand, voters: frozenset[str]) -> bool:
    """Whether these people are enough, by trying every order of them."""
    seats = [slot.pool for slot in demand.slots for _ in range(slot.at_least)]
    counted = voters & set(demand.pool)
    return len(counted) >= demand.approvals and any(
        all(voter in pool for voter, pool in zip(order, seats, strict=True))
        for order in permutations(sorted(counted), len(seats))
    )


@given(demands, st.frozensets(st.sampled_from(NAMES)))
def test_it_agrees_with_trying_every_assignment(demand: Demand, voters: frozenset[str]) -> None:
    assert filled(demand, voters).done is enough(demand, voters)


@given(demands, st.frozensets(st.sampled_from(NAMES)))
def test_who_could_help_brings_it_one_nearer_and_nobody_else_does(demand: Demand, voters: frozenset[str]) -> None:
    missing = filled(demand, voters)
    for name in set(NAMES) - voters:
        nearer = filled(demand, voters | {name}).number
        assert nearer == missing.number - (name in missing.helpers)
    assert not voters & set(missing.helpers)
    assert sum(number for number, _ in missing.wanted) <= missing.number
