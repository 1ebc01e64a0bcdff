"""What stands behind `/backup-plan configure`: a plan's id, and values as the model's own text forms read them.

A line that cannot be used as it is opens nothing: whoever typed it still has it to correct. What might be a password is
never repeated.
"""

import re
import shlex
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache

from bot.core.parameters import Parameter
from bot.core.plan import parameters
from bot.core.text import Kind
from bot.slack.inputs import can_hold, is_uneditable
from bot.slack.text import escape, shortened

AROUND_AN_ID = "`'\"<>.,"
"""What comes along when an id is copied from a message."""
TYPOGRAPHIC = str.maketrans(dict.fromkeys("“”„‟″", '"'))
"""The quotes that telephones write in the place of straight ones."""
SHOWN = 80
"""Characters of a word that is repeated to the person who typed it."""
MOST_PROBLEMS = 20
"""After so many the rest of a line is not looked at: finding out what each may mean takes time."""
PAIR = "write `Name=value`, without blanks around the `=`"
NO_PLAN = (
    "Values need a plan: `configure &lt;plan id&gt; Name=value`. Without a plan, `configure` shows all to choose from."
)
UNCLOSED = "A quote is opened and not closed. Put a value with blanks or an apostrophe between double quotes."
NOT_NAMED = (
    "it takes the name of a secret that the policy gives to this plan, and what you typed is none; the form lists "
    "them. If it was a password, change it: it went through Slack."
)
NOT_TYPED = {
    "BackupPlanId": "the plan's id stands by itself, right behind `configure`.",
    "ClientToken": "it is the bot's own and cannot be set.",
    "DatabaseType": "it is a fact of the plan and cannot be changed.",
    "BackupMethod": "it is a fact of the plan and cannot be changed.",
}

Secrets = Callable[[str], Collection[str]]
"""Plan id → the names of the secrets that may be used for it."""


@dataclass(frozen=True, slots=True)
class TypedCommand:
    """A line, read: either problems (mrkdwn, complete sentences) or what to open the form with."""

    plan_id: str = ""
    values: dict[str, str] = field(default_factory=dict)
    """API name → canonical text."""
    problems: tuple[str, ...] = ()


def read_command(line: str, secrets: Secrets) -> TypedCommand:
    """Read what stands behind `configure`: nothing, a plan's id, or an id and then `Name=value` in any order."""
    try:
        words = _words(line)
    except ValueError:
        return TypedCommand(problems=(UNCLOSED,))
    plan_id = words.pop(0).strip(AROUND_AN_ID) if words and "=" not in words[0] else ""
    if words and not plan_id:
        return TypedCommand(problems=(NO_PLAN,))
    if any(word.startswith("=") for word in words):
        return TypedCommand(problems=(f"A value has no name: {PAIR}.",))
    values: dict[str, str] = {}
    problems: list[str] = []
    private, allowed = "password" in line.lower(), secrets(plan_id)
    for number, word in enumerate(words):
        if len(problems) == MOST_PROBLEMS:
            problems.append(f"What follows, {len(words) - number} more, was not looked at.")
            break
        try:
            name, value = _pair(word, allowed, private=private)
        except ValueError as problem:
            problems.append(str(problem))
            continue
        if name in values:
            problems.append(f"`{name}` is there twice.")
        values[name] = value
    return TypedCommand(problems=tuple(problems)) if problems else TypedCommand(plan_id, values)


def _pair(word: str, secrets: Collection[str], *, private: bool) -> tuple[str, str]:
    """Return a parameter's API name and canonical value. Raises ValueError with a sentence.

    `private`: a word by itself may be the second one of a password.
    """
    name, equals, text = word.partition("=")
    if not equals:
        raise ValueError(f"{'A word' if private else _quoted(word)} is not a value: {PAIR}.")
    one = _named(name)
    return one.name, _value(one, text, secrets)


def _words(line: str) -> list[str]:
    """Split at blanks outside quotes. Raises ValueError where a quote is not closed."""
    # Slack escapes three characters that mean something in its own markup.
    line = line.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").translate(TYPOGRAPHIC)
    # Typographic ones are quotes only around a whole value: inside a word they are apostrophes.
    line = re.sub(r"(?<![^\s=])[‘‚]([^‘’']*)[’‘](?=\s|$)", r"'\1'", line)
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    return list(lexer)


@cache
def _by_lower_case() -> dict[str, Parameter]:
    """Return what can be typed: telephones begin words with a capital, and people write names as they like."""
    return {one.name.lower(): one for one in parameters() if one.name not in NOT_TYPED}


def _named(name: str) -> Parameter:
    """Return the parameter of a name. Raises ValueError with what is possible."""
    known = _by_lower_case()
    lower = name.lower()
    if lower in known:
        return known[lower]
    for other, why in NOT_TYPED.items():
        if other.lower() == lower:
            raise ValueError(f"`{other}`: {why}")
    close = [one for one in known if len(lower) > 3 and lower in one] or get_close_matches(lower, known)
    listed = ", ".join(f"`{known[one].name}`" for one in close or known)
    said = f"Did you mean one of {listed}?" if len(close) > 1 else f"Did you mean {listed}?"
    raise ValueError(
        f"{_quoted(name)} is no parameter of a backup plan. {said if close else f'Possible are {listed}.'}"
    )


def _value(one: Parameter, text: str, secrets: Collection[str]) -> str:
    """Return a value's canonical text. Raises ValueError with what is wrong and what is possible."""
    if not text.strip():
        raise ValueError(f"`{one.name}` has no value here; an input can be emptied in the form.")
    if one.kind is Kind.SECRET:
        if text not in secrets:
            raise ValueError(f"`{one.name}`: {NOT_NAMED}")
        return text
    try:
        value = one.form.text(one.form.parse(text))
    except ValueError as problem:
        quotes = " JSON stands between single quotes." if text[0] in "[{" else ""
        said = f"{one.label} {escape(str(problem))} You typed {_quoted(text)}.{quotes}"
        raise ValueError(f"`{one.name}`: {said}") from None
    if not can_hold(one, value) or is_uneditable(one, value):
        raise ValueError(f"`{one.name}`: {one.label} is too long, or has hidden characters, for an input to show it.")
    return value


def _quoted(text: str) -> str:
    """Return what somebody typed, inert inside mrkdwn."""
    return f"“{escape(shortened(text, SHOWN))}”"
