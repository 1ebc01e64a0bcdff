"""What is told about a policy that can be used: what no rule is about, and how a rule can be avoided."""

import pytest

from bot.core.policy import read_policy
from bot.core.policy_notes import notes
from bot.core.risk_codes import RISKS

ALL = ", ".join(f'"{code}"' for code in RISKS)
BY_BOT = '{ name = "inc-*", created_by = ["U0IRBOT"] }'


def told(rule: str, channels: str = "") -> list[str]:
    defaults = f'[defaults]\napprovers = ["S0DBA"]\nchannels = [{channels}]\n'
    return list(
        notes(read_policy(f'{defaults}\n[[rules]]\nname = "r"\n{rule}\n[[rules]]\nname = "all"\nwhen = [{ALL}]\n'))
    )


def test_risks_that_no_rule_names_are_listed() -> None:
    none = list(notes(read_policy('[defaults]\napprovers = ["S0DBA"]\n')))
    assert none == [f"No rule names {', '.join(RISKS)}."]
    assert told("approvals = 3") == []


@pytest.mark.parametrize(
    ("rule", "channels", "noted"),
    [
        ('channels = ["db-*"]\napprovals = 3', "", True),
        ('channels = ["C0OPS"]\ndeny = true', "", True),
        ('channels = ["C0OPS"]\napprovals = 3', '"C0OPS", "C0DBA"', True),
        ('channels = ["C0OPS", "C0DBA"]\napprovals = 3', '"C0OPS", "C0DBA"', False),
        (f"channels = [{BY_BOT}]\napprovals = 3", "", True),
        ('channels = ["inc-*"]\nexpires_after = "1h"\nincident = true', "", False),
    ],
)
def test_a_rule_that_asks_for_more_only_in_some_channels_is_told(rule: str, channels: str, noted: bool) -> None:
    found = told(rule, channels)
    assert [one.startswith("The rule “r” asks for more only in some channels") for one in found] == [True] * noted


@pytest.mark.parametrize(("where", "noted"), [('"inc-*"', True), ('"C0INC"', False), (BY_BOT, False), ('"*"', True)])
def test_an_exception_that_everybody_can_make_for_themselves_is_told(where: str, noted: bool) -> None:
    found = told(f"except_channels = [{where}]\napprovals = 3")
    assert ["everybody can call a channel that" in one for one in found] == [True] * noted


DEV = 'approvers = ["S0DEV"]'
BOTH = 'approvers = [{ from = ["S0DBA"], at_least = 2 }, { from = ["S0DEV"] }]'
LEADS = 'remind_after = ["3m"]\nescalate_to = ["S0LEADS"]'


@pytest.mark.parametrize(
    ("rule", "by", "who"),
    [
        (f'plans = ["sandbox-*"]\n{DEV}', "by the plan’s new name", "S0DEV"),
        (f'channels = ["war-*"]\n{DEV}', "by the channel they choose", "S0DEV"),
        (f'channels = ["C0OPS"]\n{DEV}', "by the channel they choose", "S0DEV"),
        (f'channels = ["war-*", {BY_BOT}]\n{DEV}', "by the channel they choose", "S0DEV"),
        (f'when = ["renamed"]\n{DEV}', "by a risk that they add", "S0DEV"),
        (f'plans = ["a"]\nwhen = ["renamed"]\n{DEV}', "by the plan’s new name or by a risk that they add", "S0DEV"),
        ('when = ["renamed"]\napprovers = [{ from = ["S0DBA"] }, { from = ["S0SRE"] }]', "by a risk that they add",
         "S0SRE"),
        (f'when = ["renamed"]\n{BOTH}\n{LEADS}', "by a risk that they add", "S0LEADS"),
        (f'when = ["renamed"]\n{LEADS}', "by a risk that they add", "S0LEADS"),
    ],
)  # fmt: skip
def test_people_whom_the_requester_can_choose_to_be_approved_by_are_told(rule: str, by: str, who: str) -> None:
    (found,) = [one for one in told(rule) if one.startswith("Whoever makes")]
    assert found == (
        f"Whoever makes the rule “r” apply, {by}, may be approved by {who} instead of the defaults’ S0DBA: have the "
        "rule ask for 2 of these as well, in a place of their own."
    )


@pytest.mark.parametrize(
    "rule",
    [
        DEV,
        f'engines = ["Redis"]\n{DEV}',
        f"channels = [{BY_BOT}]\n{DEV}",
        f'when = ["renamed"]\ndeny = true\n{DEV}',
        f'when = ["renamed"]\n{BOTH}',
        'when = ["renamed"]\napprovers = ["S0DBA"]\napprovals = 3',
        f'{LEADS}\n[[rules]]\nname = "s"\nwhen = ["renamed"]\n{BOTH}\n{LEADS}',
    ],
)
def test_rules_that_ask_the_same_people_or_are_no_choice_are_not_told(rule: str) -> None:
    assert not [one for one in told(rule) if one.startswith("Whoever makes")]


def test_a_rule_for_every_allowed_channel_is_no_choice_either() -> None:
    assert told(f'channels = ["C0OPS"]\n{DEV}', '"C0OPS"') == []
