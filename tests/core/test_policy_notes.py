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
