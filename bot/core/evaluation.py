"""Evaluating the policy for one change: every rule that matches applies, and the strictest wins."""

from collections import Counter
from collections.abc import Iterable, Sequence

from bot.core.demand import Demand, Matched, Slot
from bot.core.policy import Policy, everybody
from bot.core.policy_rule import Facts, Rule, Seats
from bot.core.policy_section import is_group
from bot.core.policy_words import card_line, either_of


def wanted_groups(policy: Policy, facts: Facts) -> frozenset[str]:
    """Return the user groups whose members `evaluate` needs to know for this change; `facts.members` may be empty."""
    result = evaluate(policy, facts)
    named = (*result.approvers, *(one for slot in result.slots for one in slot.escalate_to))
    return frozenset(filter(is_group, named))


def evaluate(policy: Policy, facts: Facts) -> Demand:
    """Say what the policy asks for. Pure and total: the order of the rules does not matter, and nothing is raised."""
    defaults = policy.defaults
    found = sorted(((rule, met) for rule in policy.rules if (met := rule.meets(facts)) is not None), key=_by_name)
    matching = [rule for rule, _ in found]
    # Whatever the policy says, one other person is the least.
    number = max(1, defaults.approvals, *(rule.approvals or 0 for rule in matching))
    expires_after = min([defaults.expires_after, *(rule.expires_after for rule in matching if rule.expires_after)])
    # Who would be told with a last reminder that never comes is never told, and so never stands in.
    reminders = {after for rule in matching for after in rule.remind_after if after < expires_after}
    slots = [
        _slot(facts, rule.name, places, rule.escalate_to if reminders else [])
        for rule in matching
        for places in rule.places(defaults.approvals)
    ]
    if not slots:
        helping = _union(rule.escalate_to for rule in matching)
        places = Seats.model_construct(who=defaults.approvers, at_least=number)
        slots = [_slot(facts, "", places, helping if reminders else ())]
    number = max(number, sum(slot.at_least for slot in slots))

    windows = tuple(sorted({tuple(sorted(set(rule.windows))) for rule in matching if rule.windows}))
    freezes = tuple(sorted(_union(rule.freezes for rule in matching)))
    pool = _union(slot.pool for slot in slots)
    execute_within = min([defaults.execute_within, *(rule.execute_within for rule in matching if rule.execute_within)])
    denied = " ".join(
        rule.reason or f"The rule “{rule.name}” of the policy does not allow this." for rule in matching if rule.deny
    )
    binding = [rule.name for rule in matching if rule.binds]
    return Demand(
        approvals=number,
        approvers=_union(slot.who for slot in slots),
        pool=tuple(sorted(pool)),
        policy=policy.digest,
        sentence=denied or card_line(number, slots, facts.requester, binding, windows, freezes),
        rules=tuple(
            Matched(name=rule.name, reason=rule.reason or "", because=met, left=rule.is_left(facts))
            for rule, met in found
        ),
        slots=tuple(slots),
        windows=windows,
        freezes=freezes,
        remind_after=tuple(sorted(int(after.total_seconds()) for after in reminders)),
        escalate_to=_union(slot.escalate_to for slot in slots),
        escalate_pool=tuple(sorted({*_union(slot.stand_ins for slot in slots)} - {*pool})),
        notify=_union(rule.notify for rule in matching),
        incident=any(rule.incident for rule in matching),
        on_call=_union(rule.on_call for rule in matching),
        dm=any(rule.dm for rule in matching),
        expires_after=int(expires_after.total_seconds()),
        execute_within=int(execute_within.total_seconds()),
        denied=denied,
    )


def _by_name(found: tuple[Rule, str]) -> str:
    return found[0].name


def _union(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for each in lists for one in each))


def _slot(facts: Facts, rule: str, places: Seats, escalate_to: Sequence[str]) -> Slot:
    def known(who: Iterable[str]) -> tuple[str, ...]:
        members = {one: facts.members.get(one, frozenset()) for one in who if is_group(one)}
        return tuple(sorted(everybody(tuple(who), members) - {facts.requester}))

    who = _union([places.who])
    return Slot(
        rule=rule, who=who, at_least=places.at_least, pool=known(who),
        escalate_to=tuple(escalate_to), stand_ins=known(escalate_to),
    )  # fmt: skip


def tightened_since(now: Demand, asked: Demand) -> str:
    """Say why the policy now wants more than it did when the change was requested; "" if it does not.

    Places are compared by whom they are for, so a rule that was only renamed changes nothing. Who has left a group is
    a matter of the votes, not of this.
    """
    if now.denied:
        return f"The policy no longer allows this: {now.denied}"
    if now.approvals > asked.approvals:
        return f"The policy now asks for {now.approvals} approvals, not {asked.approvals}."
    before = _places(asked)
    for who, number in _places(now).items():
        if number > before[who] and any(slot.rule for slot in now.slots):
            return f"The policy now asks for {number} of {either_of(sorted(who))}, which it did not before."
    return ""


def _places(result: Demand) -> Counter[frozenset[str]]:
    places: Counter[frozenset[str]] = Counter()
    for slot in result.seats:
        places[frozenset(slot.who)] += slot.at_least
    return places
