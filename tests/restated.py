"""What the documents restate of the code, drawn from the code; `python tests/restated.py` writes it into them.

It stands between two comments, so that the words around it are free.
"""

import re
from pathlib import Path

from bot.core.change import OPEN, State
from bot.core.conditions import ALWAYS, NEVER, Condition
from bot.core.events import Approved, EventData, Sent
from bot.core.parameters import Parameter
from bot.core.plan import parameter, parameters
from bot.core.risk_codes import RISKS
from bot.core.states import ONLY_AFTER_SENT, ONLY_BEFORE_SENT, TRANSITIONS
from bot.core.text import Kind

ROOT = Path(__file__).parents[1]

KINDS = {
    Kind.TEXT: "one line of text",
    Kind.MULTILINE: "one pattern a line, or JSON",
    Kind.ID64: "a whole number",
    Kind.ON_OFF: "`true`, `false`",
    Kind.TIME: "`HH:mm`, UTC",
    Kind.SECRET: "the name of a secret",
    Kind.PLAN: "a plan's id",
}


def parameter_table() -> str:
    """Return every parameter a person can set, as a Markdown table."""
    lines = ["| Parameter | In the form | Value | Required | Applies | DBS shows it |", "|---|---|---|---|---|---|"]
    for one in parameters():
        cells = (
            f"`{one.name}`",
            one.label,
            _values(one),
            _required(one),
            _condition(one.rule.applies),
            "yes" if one.readable else "no",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _values(one: Parameter) -> str:
    if one.kind is Kind.CHOICES:
        said = f"one or more of {', '.join(f'`{word}`' for word in one.choices)}"
    elif one.kind is Kind.CHOICE:
        said = ", ".join(f"`{word}`" for word in one.choices)
    elif one.kind is Kind.NUMBER:
        said = f"{one.minimum} to {one.maximum} {one.unit}".strip()
    else:
        said = KINDS[one.kind]
    return f"{said}; documented default `{one.default}`" if one.default else said


def _required(one: Parameter) -> str:
    if one.rule.together:
        return f"together with {parameter(one.rule.together).label}"
    spared = "" if one.rule.spared is NEVER else f"; but not{one.rule.spared.clause} and DBS shows no user"
    return "no" if one.rule.required is NEVER else _condition(one.rule.required) + spared


def _condition(condition: Condition) -> str:
    return "always" if condition is ALWAYS else condition.clause.strip()


def life_diagram() -> str:
    """Return the transition table as a Mermaid state diagram; events that leave the state as it is are left out."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (before, event), after in TRANSITIONS.items():
        if before is None:
            arrows[("[*]", after)] = [event.__name__]
        elif before is not after:
            arrows.setdefault((before, after), []).append(_arrow(before, event))
    arrows[(State.PENDING, State.APPROVED)] = [f"the last {Approved.__name__} needed"]
    # the way everybody hopes for comes first, so that it is drawn straight
    arrows = dict(sorted(arrows.items(), key=lambda arrow: arrow[0][1] not in {*OPEN, State.APPLIED}))
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f"    {before} --> {after}: {', '.join(events)}" for (before, after), events in arrows.items()]
    ends = sorted({after for _, after in arrows} - {before for before, _ in arrows})
    return "\n".join([*lines, *(f"    {end} --> [*]" for end in ends), "```"])


def _arrow(before: State, event: type[EventData]) -> str:
    if before is State.EXECUTING and event in ONLY_BEFORE_SENT:
        return f"{event.__name__} (before {Sent.__name__})"
    if before is State.EXECUTING and event in ONLY_AFTER_SENT:
        return f"{event.__name__} (after {Sent.__name__})"
    return event.__name__


def risk_table() -> str:
    """Return every risk that a rule can be about, as a Markdown table."""
    lines = ["| Risk | It counts when | What can bring it |", "|---|---|---|"]
    for code, about in RISKS.items():
        labels = [_bringing(name, value) for name, value in about.brought_by.items()]
        lines.append(f"| `{code}` | {about.clause} | {', '.join(labels) or OF_ANY[code]} |")
    return "\n".join(lines)


OF_ANY = {
    "cleared": "any parameter",
    "unknown-now": f"{', '.join(one.label for one in parameters() if not one.readable)}",
}


def _bringing(name: str, value: str) -> str:
    return f"{parameter(name).label} (`{value}`)" if value else parameter(name).label


PARTS = {
    "README.md": {"parameters": parameter_table, "risks": risk_table},
    "docs/architecture.md": {"life of a change": life_diagram},
}


def restated(document: str, text: str) -> str:
    """Return a document's text with its parts as the code has them now. Raises LookupError where a mark is missing."""
    for part, draw in PARTS[document].items():
        begin, end = f"<!-- {part}: written by tests/restated.py -->", f"<!-- end of {part} -->"
        around = re.split(f"{re.escape(begin)}.*?{re.escape(end)}", text, flags=re.DOTALL)
        if len(around) != 2:
            raise LookupError(f"{document} has no place for {part}")
        text = f"{begin}\n{draw()}\n{end}".join(around)
    return text


if __name__ == "__main__":
    for name in PARTS:
        file = ROOT / name
        file.write_text(restated(name, file.read_text(encoding="utf-8")), encoding="utf-8")
