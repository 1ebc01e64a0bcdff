"""What a form holds: prefilled, typed, merged, judged and placed; how it looks is not said here."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.core.as_read import can_be_sent
from bot.core.conditions import NEVER
from bot.core.draft import Draft
from bot.core.parameters import Parameter
from bot.core.plan import applicable, as_read, derived, normalise, parameter, parameters, problems
from bot.core.reading import Reading, Values
from bot.core.remembered import LastSet
from bot.slack.inputs import block_id, can_hold, is_uneditable, shown_inputs, typed_values
from bot.slack.text import shortened

PLAN = "BackupPlanId"
SECRET = "SourceEndpointPassword"  # noqa: S105 - a parameter's name
FACTS = ("DatabaseType", "BackupMethod")


def facts_of(draft: Draft) -> dict[str, str]:
    """Return what steers the rules: what is chosen so far, and the plan's id and facts, which are the reading's."""
    reading = {**draft.reading.facts, PLAN: draft.reading.plan_id} if draft.reading else {}
    return {**(draft.values or {}), **reading}


def prefilled(reading_values: Values, known: Values) -> dict[str, str]:
    """Return what the form holds when it opens: what DBS shows, and what the bot last set where DBS shows nothing.

    What DBS finds by itself for this source is not typed in for people: then it would be sent. What people set there
    is: left out, DBS would find something else.
    """
    remembered = {one.name: known[one.name] for one in parameters() if not one.readable and one.name in known}
    values = {**as_read(normalise(reading_values), reading_values), **remembered}
    return {
        name: text for name, text in values.items() if name != PLAN and (name in known or not derived(name, values))
    }


def proposed_again(again: Values, read: Values) -> dict[str, str]:
    """Return what the form holds for a second try: what was proposed, but for what no input can hold, as it is now."""
    held = {name: text for name, text in again.items() if can_hold(parameter(name), text)}
    return {name: held.get(name) or read.get(name) or "" for name in again if name != PLAN}


def chosen(draft: Draft, view: Mapping[str, Any], plan_id: str) -> Draft | None:
    """Return a draft in which this plan is about to be read, None where the choice was made on an older view."""
    return replace(draft, chosen=plan_id) if is_of(view, draft) else None


def loaded(draft: Draft, reading: Reading, last: LastSet, secrets: Sequence[str]) -> Draft | None:
    """Return the draft of a plan that was read now, None where it is not the one that was chosen last.

    `last` is what the bot set last, `secrets` are those the plan may use. Every reading is shown in inputs of its own:
    what comes from older ones is known by that.
    """
    if draft.chosen != reading.plan_id:
        return None
    known = last.known(reading)
    if draft.again is not None and draft.named == reading.plan_id:
        values = proposed_again(draft.again, reading.values)
    else:
        values = prefilled(reading.values, known)
    since = last.at if known else ""
    read = replace(draft, reading=reading, known=known, known_since=since, values=values, chosen="")
    return with_typed(replace(read, renewal=draft.renewal + 1), secrets)


def not_loaded(draft: Draft, plan_id: str) -> Draft | None:
    """Return the draft of a plan that could not be read, None where it is not the one that was chosen last."""
    return replace(draft, renewal=max(0, draft.renewal)) if draft.chosen == plan_id else None


def redrawn(draft: Draft, view: Mapping[str, Any], submissions: int) -> Draft | None:
    """Return the draft with what a view held when a choice was made in it, None where that is overtaken.

    `submissions` is the draft's number when the choice came: a submission since then knew more.
    """
    if draft.reading is None or draft.chosen or draft.submissions != submissions or not is_of(view, draft):
        return None
    return replace(draft, values=merged(draft, view))


def submitted(draft: Draft, view: Mapping[str, Any]) -> Draft | None:
    """Return the draft with what was submitted, None where the view shows another plan's."""
    if draft.reading is None or not is_of(view, draft):
        return None
    return replace(draft, values=merged(draft, view), submissions=draft.submissions + 1)


def with_typed(draft: Draft, secrets: Sequence[str]) -> Draft:
    """Return a prefilled draft with the command's values over what was read; `secrets` are those the plan may use.

    A value that does not apply stays in it: another choice in the form may make it apply.
    """
    values = dict(draft.values or {})
    values |= {name: text for name, text in typed_for(draft).items() if name != SECRET or text in secrets}
    return replace(draft, values=_rederived(draft, values))


def typed_for(draft: Draft) -> Values:
    """Return the command's values that may be meant for the draft's plan: what identifies one plan is for it alone."""
    typed = draft.typed or {}
    if draft.reading is None or draft.reading.plan_id == draft.named:
        return typed
    return {name: text for name, text in typed.items() if not parameter(name).identifies}


def unused(draft: Draft, secrets: Sequence[str]) -> list[str]:
    """Return a sentence for each value of the command that the form does not show."""
    facts, typed = facts_of(draft), typed_for(draft)
    said = []
    if elsewhere := [one.label for one in parameters() if one.name in (draft.typed or {}).keys() - typed.keys()]:
        said.append(f"Typed for {shortened(draft.named, 80)} and not used for this plan: {', '.join(elsewhere)}.")
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
    typed = typed_for(draft)
    return name in typed and typed[name] == (draft.values or {}).get(name)


def merged(draft: Draft, view: Mapping[str, Any]) -> dict[str, str]:
    """Return the draft's values with what the view's inputs hold now; what is hidden keeps what was typed before."""
    names = {one.name for one in parameters()} - {PLAN}
    typed = {name: text for name, text in typed_values(view).items() if name in names}
    kept = {name: text for name, text in (draft.values or {}).items() if name not in typed and name != PLAN}
    values = {**kept, **{name: text for name, text in typed.items() if parameter(name).is_given(text) and text}}
    # What an input cannot hold it does not show: left empty, it stays as it was read.
    read = _read(draft)
    values |= {name: read[name] for name, text in typed.items() if not text and is_kept_while_empty(name, read)}
    return _rederived(draft, values)


def _rederived(draft: Draft, values: dict[str, str]) -> dict[str, str]:
    """Let go of what was only read where DBS now finds it by itself, and take it back where it no longer does."""
    before, now = facts_of(draft), facts_of(replace(draft, values=values))
    read = draft.reading.values if draft.reading else {}
    for name in read:
        if name == PLAN or derived(name, read) or derived(name, before) == derived(name, now):
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
    facts = as_read(facts_of(draft), _read(draft))
    values = {name: text for name, text in facts.items() if name in FACTS or parameter(name).applies(facts)}
    return problems(values, _read(draft))


def proposed(draft: Draft) -> dict[str, str]:
    """Return exactly what would be sent; call it on a draft without problems.

    It is in canonical text, but for what means the same as what was read: that is sent as it was read.
    """
    values = as_read(normalise(applicable(facts_of(draft))), _read(draft))
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


def is_kept_while_empty(name: str, read: Values) -> bool:
    """Whether a value was read that its input cannot hold, so that leaving it empty keeps the value."""
    text = read.get(name, "")
    return bool(text) and not can_hold(parameter(name), text) and can_be_sent(text)


def _read(draft: Draft) -> Values:
    return draft.reading.values if draft.reading else {}


def _governor(name: str, shown: Mapping[str, str]) -> str:
    kinds = parameter(name).rule.steered_by if name not in FACTS else frozenset[str]()
    return next((kind for kind in kinds if kind in shown), "SourceEndpointInstanceType")
