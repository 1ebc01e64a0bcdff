"""Checking values against the rules: every one that is broken, as the end of a sentence behind the label."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from bot.core.parameters import Parameter


def broken(
    parameters: Sequence[Parameter],
    values: Mapping[str, str],
    unreadable: Collection[str],
    read: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, str]]:
    """Yield (API name, end of sentence) for each broken rule; names in `unreadable` have a worse problem already.

    `read` is the plan as DBS shows it.
    """
    facts = {name: text for name, text in values.items() if name not in unreadable}
    labels = {parameter.name: parameter.label for parameter in parameters}
    for parameter in parameters:
        name, rule = parameter.name, parameter.rule
        if name in unreadable:
            continue
        if name in values:
            if not parameter.applies(facts):
                yield name, f"can be set only{rule.applies.clause}: leave it out."
        elif parameter.required(facts, read):
            yield name, f"is required{rule.required.clause}."
        elif rule.together in values:
            yield name, f"is required together with {labels[rule.together]}."


def applicable(parameters: Sequence[Parameter], values: Mapping[str, str]) -> dict[str, str]:
    """Return the values without those that do not apply under the facts among them."""
    dropped = {parameter.name for parameter in parameters if not parameter.applies(values)}
    return {name: text for name, text in values.items() if name not in dropped}
