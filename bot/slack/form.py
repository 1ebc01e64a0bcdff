"""The form behind `/backup-plan configure`: which inputs it shows and what they hold follows from the model."""

from collections.abc import Sequence
from itertools import groupby

from bot.core.diff import day
from bot.core.draft import Draft
from bot.core.objects import describe_objects
from bot.core.parameters import Parameter
from bot.core.plan import derived, described, parameter, parameters
from bot.core.reading import Values
from bot.core.text import Kind
from bot.slack.filled import PLAN, facts_of, is_kept_as_read, is_kept_while_empty, is_typed, renewal_of, unused
from bot.slack.inputs import LONGEST, can_hold, element, input_block
from bot.slack.text import (
    Block,
    View,
    alert,
    context,
    header,
    literal,
    local_time,
    modal,
    mrkdwn,
    plain,
    rich,
    section,
    shortened,
)

CALLBACK = "configure"
TITLE = "Configure backup plan"
NOT_SHOWN = "DBS does not show the current value."


def reading_view(plan_id: str) -> View:
    """Return what is shown at once, while the plan is read."""
    return modal(CALLBACK, TITLE, [section(plain(reading_text(plan_id)))], close="Cancel")


def reading_text(plan_id: str) -> str:
    """Say that a plan is being read."""
    return f"Reading {shortened(plan_id, 80)} …"


def picker_view(said: Block | None = None, plan_id: str = "", renewal: int = 0) -> View:
    """Return the choice of a plan, below an alert about the last one chosen; `plan_id` is preselected."""
    picked = parameter(PLAN)
    widget = element(picked, plan_id, unknown=False, secrets=())
    hint = "Choose the plan to change: type a part of its id, name, engine or status."
    picker = input_block(picked, widget, renewal=renewal, required=True, hint=hint)
    return modal(CALLBACK, TITLE, [*([said] if said else []), picker], submit="Continue", close="Cancel")


def message_view(text: str) -> View:
    """Return a modal that only says something."""
    return modal(CALLBACK, TITLE, [alert("error", text)], close="Close")


def form_view(draft: Draft, secrets: Sequence[str], tz: str = "", warning: str = "") -> View:
    """Return the form for a plan that was read, below a warning (mrkdwn of our own).

    `secrets` are the names that may be used for the plan, `tz` is the person's time zone.
    """
    facts = facts_of(draft)
    blocks: list[Block] = [alert("warning", mrkdwn(warning))] if warning else []
    blocks += [alert("warning", sentence) for sentence in unused(draft, secrets)]
    blocks += _plan_lines(draft)
    shown = [one for one in parameters() if one.applies(facts)]
    for group, members in groupby(shown, key=lambda one: one.group):
        blocks.append(header(group.value))
        blocks += [_input(one, draft, facts, secrets, tz) for one in members]
    return modal(CALLBACK, TITLE, blocks, submit="Review", close="Cancel")


def _plan_lines(draft: Draft) -> list[Block]:
    reading = draft.reading
    if reading is None:
        return [context(plain("Not read yet"))]
    facts = {
        "Engine": described("DatabaseType").words(reading.database_type),
        "method": reading.backup_method,
        "status": reading.status,
        "region": reading.region,
    }
    said = " · ".join(f"{what} {word or '(unknown)'}" for what, word in facts.items())
    lines = [context(plain(said), mrkdwn("Times are UTC. Nothing is sent before others approve."))]
    return [*lines, context(plain(f"DBS says about this plan: {reading.message}"))] if reading.message else lines


def _input(one: Parameter, draft: Draft, facts: Values, secrets: Sequence[str], tz: str) -> Block:
    value = facts.get(one.name, "")
    if is_kept_as_read(one, draft):
        return _kept(one, value)
    if one.kind is Kind.SECRET and not secrets:
        said = "the policy names no secret that may be used for this plan; have one added under [secrets]."
        return rich(literal(f"{one.label}: ", bold=True), literal(said))
    read = draft.reading.values if draft.reading else {}
    widget = element(one, value, unknown=_current(one, draft) is None, secrets=secrets)
    return input_block(
        one,
        widget,
        renewal=renewal_of(one, draft, facts),
        required=one.required(facts, read) and not is_kept_while_empty(one.name, read),
        hint=_hint(one, draft, facts, tz),
    )


def _current(one: Parameter, draft: Draft) -> str | None:
    """Return the present value, or where DBS does not show it the one that this bot last set; None for neither."""
    if one.readable:
        return draft.reading.values.get(one.name) if draft.reading else None
    return (draft.known or {}).get(one.name)


def _hint(one: Parameter, draft: Draft, facts: Values, tz: str) -> str:
    said = [one.hint]
    current, value = _current(one, draft), (draft.values or {}).get(one.name, "")
    if is_typed(one.name, draft):
        said.insert(0, f"From the command{_now(one, current)}.")
    if not one.readable:
        said.append(_last_set(one.words(current), draft.known_since) if current is not None else NOT_SHOWN)
    elif current and derived(one.name, facts) and one.name in (draft.known or {}):
        said.append("Set with this bot, over what DBS would find by itself; it is sent as long as it stands here.")
    elif current and derived(one.name, facts):
        said.append(f"DBS finds it by itself ({current}); it is sent only if you set it.")
    elif current and is_kept_while_empty(one.name, {one.name: current}):
        said.insert(0, f"Kept as it is while this is empty: {shortened(one.words(current), 200)}.")
    elif current and current == value and not can_hold(one, current):
        said.append(f"DBS shows {shortened(current, 200)}, which cannot be sent again: give another value.")
    if one.kind is Kind.TIME and tz:
        said.append(local_time(value if can_hold(one, value) else "", tz))
    return " ".join(part for part in said if part)


def _last_set(words: str, since: str) -> str:
    on = f" on {day(since)}" if since else ""
    return f"Last set by this bot{on} to {words}; DBS does not show it."


def _now(one: Parameter, current: str | None) -> str:
    """Say what a value of the command would take the place of, where DBS shows it."""
    now = current or one.form.empty
    return f"; now {shortened(one.words(now), 200) if now else '(none)'}" if one.readable else ""


def _kept(one: Parameter, value: str) -> Block:
    number = len(describe_objects(value))
    extent = f"{number} database{'s' * (number != 1)}" if one.kind is Kind.MULTILINE else f"{len(value)} characters"
    why = "is too long to" if len(value) > LONGEST else "has hidden characters, so it cannot"
    return rich(literal(f"{one.label}: ", bold=True), literal(f"kept as it is ({extent}): it {why} be edited here."))
