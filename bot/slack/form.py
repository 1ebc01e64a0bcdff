"""The form behind `/backup-plan configure`: which inputs it shows and what they hold follows from the model."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from bot.core.draft import Draft
from bot.core.objects import describe_objects
from bot.core.parameters import Parameter
from bot.core.plan import derived, normalise, parameter, parameters, problems
from bot.core.reading import Values
from bot.core.text import Kind
from bot.slack.inputs import element, input_block, is_too_long, plan_picker, shown_inputs, typed_values
from bot.slack.text import Block, View, alert, context, header, literal, modal, mrkdwn, plain, rich, section

CALLBACK = "configure"
TITLE = "Configure backup plan"
PLAN = "BackupPlanId"
FACTS = ("DatabaseType", "BackupMethod")


def reading_view(plan_id: str) -> View:
    """Return what is shown at once, while the plan is read."""
    return modal(CALLBACK, TITLE, [section(plain(f"Reading {plan_id or 'the list of plans'} …"))], close="Cancel")


def picker_view(trouble: str = "") -> View:
    """Return the choice of a plan, below what went wrong with the last one."""
    picker = input_block(parameter(PLAN), plan_picker(), renewal=0, required=True, hint="Choose the plan to change.")
    blocks = [alert("error", trouble)] if trouble else []
    return modal(CALLBACK, TITLE, [*blocks, picker], submit="Continue", close="Cancel")


def message_view(text: str) -> View:
    """Return a modal that only says something."""
    return modal(CALLBACK, TITLE, [alert("error", text)], close="Close")


def form_view(draft: Draft, secrets: Sequence[str], tz: str = "", warning: str = "") -> View:
    """Return the form for a plan that was read; `secrets` are the names that may be used for it."""
    facts = facts_of(draft)
    blocks: list[Block] = [alert("warning", warning)] if warning else []
    blocks.append(_plan_line(draft))
    shown = [one for one in parameters() if one.applies(facts)]
    for group, members in groupby(shown, key=lambda one: one.group):
        blocks.append(header(group.value))
        blocks += [_input(one, draft, facts, secrets, tz) for one in members]
    return modal(CALLBACK, TITLE, blocks, submit="Review", close="Cancel")


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


def merged(draft: Draft, view: Mapping[str, Any]) -> dict[str, str]:
    """Return the draft's values with what the view's inputs hold now; what is hidden keeps what was typed before."""
    names = {one.name for one in parameters()}
    typed = {name: text for name, text in typed_values(view).items() if name in names}
    kept = {name: text for name, text in (draft.values or {}).items() if name not in typed}
    return {**kept, **{name: text for name, text in typed.items() if parameter(name).is_given(text) and text}}


def is_outdated(view: Mapping[str, Any], draft: Draft) -> bool:
    """Whether the inputs shown are not those that the chosen facts ask for: submitted before the redraw arrived."""
    facts = facts_of(draft)
    wanted = {one.name for one in parameters() if one.applies(facts) and not _kept_as_it_is(one, draft)}
    return wanted - {"SourceEndpointPassword"} != set(shown_inputs(view)) - {"SourceEndpointPassword"}


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


def _governor(name: str, shown: Mapping[str, str]) -> str:
    kinds = parameter(name).rule.steered_by if name not in FACTS else frozenset[str]()
    return next((kind for kind in kinds if kind in shown), "SourceEndpointInstanceType")


def _plan_line(draft: Draft) -> Block:
    reading = draft.reading
    said = [f"Engine {reading.database_type or '(unknown)'}", f"method {reading.backup_method or '(unknown)'}",
            f"status {reading.status or '(unknown)'}"] if reading else []  # fmt: skip
    return context(
        plain(" · ".join(said) or "Not read yet"), mrkdwn("Times are UTC. Nothing is sent before others approve.")
    )


def _input(one: Parameter, draft: Draft, facts: Values, secrets: Sequence[str], tz: str) -> Block:
    value = (draft.values or {}).get(one.name, "")
    if _kept_as_it_is(one, draft):
        return _kept(one, value)
    if one.kind is Kind.SECRET and not secrets:
        said = "the policy names no secret that may be used for this plan; add one under [secrets]."
        return rich(literal(f"{one.label}: ", bold=True), literal(said))
    remembered = one.name in (draft.known or {})
    widget = element(one, value, unknown=not one.readable and not remembered, secrets=secrets)
    required = one.required(facts)
    return input_block(one, widget, renewal=draft.renewal, required=required, hint=_hint(one, draft, facts, tz))


def _hint(one: Parameter, draft: Draft, facts: Values, tz: str) -> str:
    said = [one.hint]
    known, value = draft.known or {}, (draft.values or {}).get(one.name, "")
    if not one.readable:
        last = f"last set by this bot to {one.words(known[one.name])}" if one.name in known else "DBS does not show it"
        said.append(f"Current value: {last}.")
    read = draft.reading.values.get(one.name) if draft.reading else None
    if read and derived(one.name, facts):
        said.append(f"DBS finds it by itself ({read}); it is sent only if you set it.")
    if one.kind is Kind.TIME and value and tz:
        said.append(f"{value} UTC is {local_time(value, tz)} for you today.")
    return " ".join(part for part in said if part)


def local_time(utc: str, tz: str) -> str:
    """Return a time of day, HH:mm in UTC, as it is today in a time zone (IANA name); "" if the name is unknown."""
    try:
        zone = ZoneInfo(tz)
    except (KeyError, ValueError, OSError):
        return f"{utc} UTC"
    today = datetime.now(ZoneInfo("UTC")).date()
    return f"{datetime.fromisoformat(f'{today}T{utc}+00:00').astimezone(zone):%H:%M} {tz}"


def _kept_as_it_is(one: Parameter, draft: Draft) -> bool:
    """Whether a value does not fit its input, and so is sent as it was read."""
    value = (draft.values or {}).get(one.name, "")
    read = draft.reading.values.get(one.name, "") if draft.reading else ""
    return one.kind in {Kind.TEXT, Kind.MULTILINE} and value == read and is_too_long(value)


def _kept(one: Parameter, value: str) -> Block:
    extent = f"{len(describe_objects(value))} databases" if one.kind is Kind.MULTILINE else f"{len(value)} characters"
    return rich(literal(f"{one.label}: ", bold=True), literal(f"kept as it is ({extent}); too long to be edited here."))
