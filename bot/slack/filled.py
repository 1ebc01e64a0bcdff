"""What a form holds: prefilled, typed, merged, judged and placed; how it looks is not said here."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.core.conditions import NEVER
from bot.core.draft import Draft
from bot.core.parameters import Parameter
from bot.core.plan import applicable, derived, normalise, parameter, parameters, problems
from bot.core.reading import Values
from bot.slack.inputs import block_id, can_hold, is_uneditable, shown_inputs, typed_values

PLAN = "BackupPlanId"
SECRET = "SourceEndpointPassword"  # noqa: S105 - a parameter's name
FACTS = ("DatabaseType", "BackupMethod")


def facts_of(draft: Draft) -> dict[str, str]:
    """Return what steers the rules: the facts of the plan and what is chosen so far."""
    reading = dict(draft.reading.facts) if draft.reading else {}
    return {**(draft.values or {}), **reading}


def prefilled(reading_values: Values, known: Values) -> dict[str, str]:
    """Return what the form holds when it opens: what DBS shows, and what the bot last set where DBS shows nothing.

    What DBS finds by itself for this source is not typed in for people: then it would be sent.
    """
    remembered = {one.name: known[one.name] for one in parameters() if not one.readable and one.name in known}
    values = {**normalise(reading_values), **remembered}
    return {name: text for name, text in values.items() if not derived(name, values)}


def proposed_again(again: Values, read: Values) -> dict[str, str]:
    """Return what the form holds for a second try: what was proposed, but for what no input can hold, as it is now."""
    held = {name: text for name, text in again.items() if can_hold(parameter(name), text)}
    return {name: held.get(name) or read.get(name) or "" for name in again} | {PLAN: read[PLAN]}


def with_typed(draft: Draft, secrets: Sequence[str]) -> Draft:
    """Return a prefilled draft with the command's values over what was read; `secrets` are those the plan may use.

    A value that does not apply stays in it: another choice in the form may make it apply.
    """
    values = dict(draft.values or {})
    values |= {name: text for name, text in (draft.typed or {}).items() if name != SECRET or text in secrets}
    return replace(draft, values=_rederived(draft, values))


def unused(draft: Draft, secrets: Sequence[str]) -> list[str]:
    """Return a sentence for each value of the command that the form does not show."""
    facts, typed, said = facts_of(draft), draft.typed or {}, []
    for one in parameters():
        text = typed.get(one.name)
        if text is None:
            continue
        if not one.applies(facts):
            why = f"it can be set only{one.rule.applies.clause}"
            said.append(f"{one.label} from the command, {one.words(text)}, is not used: {why}.")
        elif one.name == SECRET and text not in secrets:
            said.append(f"{one.label} from the command, {text}, is not used: the policy does not give it to this plan.")
    return said


def is_typed(name: str, draft: Draft) -> bool:
    """Whether a parameter has the value that the command gave it."""
    return name in (draft.typed or {}) and (draft.typed or {})[name] == (draft.values or {}).get(name)


def merged(draft: Draft, view: Mapping[str, Any]) -> dict[str, str]:
    """Return the draft's values with what the view's inputs hold now; what is hidden keeps what was typed before."""
    names = {one.name for one in parameters()}
    typed = {name: text for name, text in typed_values(view).items() if name in names}
    kept = {name: text for name, text in (draft.values or {}).items() if name not in typed}
    values = {**kept, **{name: text for name, text in typed.items() if parameter(name).is_given(text) and text}}
    return _rederived(draft, values)


def _rederived(draft: Draft, values: dict[str, str]) -> dict[str, str]:
    """Let go of what was only read where DBS now finds it by itself, and take it back where it no longer does."""
    before, now = facts_of(draft), facts_of(replace(draft, values=values))
    read = draft.reading.values if draft.reading else {}
    for name in read:
        if derived(name, read) or derived(name, before) == derived(name, now):
            continue
        if not derived(name, now):
            values.setdefault(name, read[name])
        elif values.get(name) == read[name]:
            del values[name]
    return values


def is_outdated(view: Mapping[str, Any], draft: Draft) -> bool:
    """Whether the inputs shown are not those that the chosen facts ask for: submitted before the redraw arrived."""
    facts = facts_of(draft)
    shown = shown_inputs(view)
    wanted = {
        one.name: block_id(one.name, renewal_of(one, draft, facts))
        for one in parameters()
        if one.applies(facts) and not is_kept_as_read(one, draft)
    }
    for inputs in (wanted, shown):
        inputs.pop(SECRET, None)  # without a secret to choose from it has no input
    return wanted != shown


def is_of(view: Mapping[str, Any], draft: Draft) -> bool:
    """Whether a view shows the plan that the draft is about, and not the one chosen before it."""
    return shown_inputs(view).get(PLAN) == block_id(PLAN, draft.renewal)


def placed(found: Mapping[str, list[str]], view: Mapping[str, Any]) -> dict[str, str]:
    """Place problems on the inputs of a view; one without an input goes to the input of the fact that governs it."""
    shown = shown_inputs(view)
    errors: dict[str, list[str]] = {}
    for name, sentences in found.items():
        place = shown.get(name) or shown.get(_governor(name, shown)) or next(iter(shown.values()))
        errors.setdefault(place, []).extend(sentences)
    return {place: " ".join(sentences) for place, sentences in errors.items()}


def form_problems(draft: Draft) -> dict[str, list[str]]:
    """Return everything that is wrong with what was typed, by API name."""
    facts = facts_of(draft)
    return problems({name: text for name, text in facts.items() if name in FACTS or parameter(name).applies(facts)})


def proposed(draft: Draft) -> dict[str, str]:
    """Return exactly what would be sent, in canonical text; call it on a draft without problems."""
    values = normalise(applicable(facts_of(draft)))
    return {name: text for name, text in values.items() if name not in FACTS}


def renewal_of(one: Parameter, draft: Draft, facts: Values) -> int:
    """Return the number behind an input's id.

    Where DBS finds a value by itself the input is another one, or Slack would keep what the first one held.
    """
    if one.rule.derived is NEVER:
        return draft.renewal
    return 2 * draft.renewal + one.rule.derived.holds(facts)


def is_kept_as_read(one: Parameter, draft: Draft) -> bool:
    """Whether a value that was read cannot be edited here, and so is sent as it was read."""
    value = (draft.values or {}).get(one.name, "")
    read = draft.reading.values.get(one.name, "") if draft.reading else ""
    return value == read and is_uneditable(one, value)


def _governor(name: str, shown: Mapping[str, str]) -> str:
    kinds = parameter(name).rule.steered_by if name not in FACTS else frozenset[str]()
    return next((kind for kind in kinds if kind in shown), "SourceEndpointInstanceType")
