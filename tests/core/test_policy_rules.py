"""Every matching rule applies and the strictest wins: a table of decisions, and what holds of all of them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain, combinations
from random import Random
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.core.calendar import is_open, opens_at
from bot.core.demand import Demand
from bot.core.evaluation import evaluate, tightened_since, wanted_groups
from bot.core.events import canonical_json
from bot.core.policy import Policy, ever_approving, read_policy
from bot.core.policy_rule import Facts
from bot.core.policy_words import explain
from bot.core.risk_codes import RISKS
from bot.core.slots import filled
from bot.errors import ConfigError

ANA, BEN, CAT, DAN, EVE, FIN, RITA = "U0ANA", "U0BEN", "U0CAT", "U0DAN", "U0EVE", "U0FIN", "U0RITA"
EVERYBODY = (ANA, BEN, CAT, DAN, EVE, FIN, RITA)
MEMBERS = {
    "S0DBA": frozenset({ANA, BEN, RITA}),
    "S0SRE": frozenset({ANA, CAT, DAN}),
    "S0LEADS": frozenset({EVE, FIN}),
}
FACTS = Facts(
    plan_id="dbs1abc", plan_name="dbs-prod-orders", region="cn-shanghai", engine="MySQL", channel_id="C0OPS",
    channel_name="ops", risks=frozenset({"retention-shortened"}), requester=RITA, members=MEMBERS,
)  # fmt: skip

DEFAULTS = '[defaults]\napprovers = ["S0DBA"]\n'
PRODUCTION = """
name = "production retention"
reason = "Shorter retention of production backups needs a DBA and an SRE."
plans = ["dbs-prod-*"]
when = ["retention-shortened", "log-backup-off"]
approvals = 2
approvers = [{ from = ["S0DBA"], at_least = 1 }, { from = ["S0SRE"], at_least = 1 }]
"""
LEADS = 'name = "leads"\napprovers = [{ from = ["S0LEADS"] }]\n'
SRE = 'name = "sre"\napprovers = [{ from = ["S0SRE"] }]\n'
THREE = 'name = "three"\napprovals = 3\n'
OFFICE = 'name = "office"\nwindows = ["Mon-Fri 09:00-18:00 Asia/Shanghai"]\n'
DENY = 'name = "never"\nreason = "Not in this life."\ndeny = true\n'


def policy(*rules: str, defaults: str = DEFAULTS) -> Policy:
    return read_policy(defaults + "".join(f"\n[[rules]]\n{rule}" for rule in rules))


def rule(**keys: object) -> str:
    """Write a rule named r as TOML: JSON's lists, texts and numbers are TOML's."""
    return "".join(f"{key} = {canonical_json(value)}\n" for key, value in {"name": "r", **keys}.items())


INCIDENT = rule(approvals=3) + 'channels = [{ name = "inc-*", created_by = ["U0IRBOT"] }]\n'
STRICT = rule(approvals=3) + 'except_channels = [{ name = "inc-*", created_by = ["U0IRBOT"] }, "C0QUICK"]\n'
INC: dict[str, object] = {"channel_id": "C1INC", "channel_name": "inc-7"}
BOT = "U0IRBOT"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


WEDNESDAY = utc("2026-05-06T02:00")
"""10:00 in Shanghai."""


def decision(
    rules: Policy, facts: Facts, voters: tuple[str, ...], at: datetime = WEDNESDAY, *, escalated: bool = False
) -> str:
    """Say what happens to a change that these people approved, at this moment."""
    result = evaluate(rules, facts)
    if result.denied:
        return f"no: {result.denied}"
    missing = filled(result, voters, escalated=escalated)
    if not missing.done:
        return missing.sentence.replace("<!subteam^", "").replace("<@", "").replace(">", "")
    opens = opens_at(result.windows, result.freezes, at)
    if opens is None:
        return "never"
    return "now" if opens == at else f"from {opens.astimezone(UTC):%Y-%m-%dT%H:%M}"


PEOPLE: list[tuple[str, tuple[str, ...], dict[str, object], tuple[str, ...], str]] = [
    # what, rules, facts that differ, who approved, what follows
    ("defaults", (), {}, (), "2 more people from S0DBA"),
    ("defaults, the requester is no approver", (), {}, (ANA, RITA), "1 more person from S0DBA"),
    ("defaults, others are none either", (), {}, (ANA, CAT), "1 more person from S0DBA"),
    ("defaults, reached", (), {}, (ANA, BEN), "now"),
    ("defaults, one person twice", (), {}, (ANA, ANA), "1 more person from S0DBA"),
    ("a rule without conditions matches", (LEADS,), {}, (ANA, BEN), "2 more people from S0LEADS"),
    ("its approvers replace the defaults'", (LEADS,), {}, (EVE, FIN), "now"),
    ("a higher number without approvers", (THREE,), {}, (ANA, BEN), "1 more person from S0DBA"),
    ("a lower number never wins", (rule(approvals=1),), {}, (ANA,), "1 more person from S0DBA"),
    ("two slots, nobody yet", (PRODUCTION,), {}, (), "2 more people, 1 of them from S0DBA and 1 from S0SRE"),
    ("two slots, the DBA", (PRODUCTION,), {}, (BEN,), "1 more person from S0SRE"),
    ("two slots, the SRE", (PRODUCTION,), {}, (CAT,), "1 more person from S0DBA"),
    ("two slots, somebody who fits both", (PRODUCTION,), {}, (ANA,), "1 more person from S0DBA or S0SRE"),
    ("who fits both moves over for the SRE", (PRODUCTION,), {}, (ANA, CAT), "now"),
    ("who fits both moves over for the DBA", (PRODUCTION,), {}, (ANA, BEN), "now"),
    ("two SREs are no DBA", (PRODUCTION,), {}, (CAT, DAN), "1 more person from S0DBA"),
    ("the requester is a DBA who does not count", (PRODUCTION,), {}, (RITA, CAT), "1 more person from S0DBA"),
    ("the requester may be any approver", (PRODUCTION,), {"requester": ANA}, (ANA, CAT), "1 more person from S0DBA"),
    ("and somebody else takes the place", (PRODUCTION,), {"requester": ANA}, (RITA, CAT), "now"),
    ("more than needed never blocks", (PRODUCTION,), {}, (ANA, BEN, CAT, DAN, EVE), "now"),
    ("other plan", (PRODUCTION,), {"plan_id": "x", "plan_name": "dbs-test"}, (ANA, BEN), "now"),
    ("plan by its id", (PRODUCTION,), {"plan_id": "dbs-prod-1", "plan_name": ""}, (BEN,), "1 more person from S0SRE"),
    ("plans are case-sensitive", (PRODUCTION,), {"plan_name": "DBS-PROD-1"}, (ANA, BEN), "now"),
    ("other risk", (PRODUCTION,), {"risks": frozenset({"source-changed"})}, (ANA, BEN), "now"),
    ("no risk", (PRODUCTION,), {"risks": frozenset()}, (ANA, BEN), "now"),
    (
        "any of its risks is enough",
        (PRODUCTION,),
        {"risks": frozenset({"log-backup-off", "status"})},
        (CAT, DAN),
        "1 more person from S0DBA",
    ),
    ("region", (rule(regions=["cn-*"], approvals=3),), {}, (ANA, BEN), "1 more person from S0DBA"),
    ("other region", (rule(regions=["eu-*"], approvals=3),), {}, (ANA, BEN), "now"),
    ("engines in any case", (rule(engines=["mysql"], approvals=3),), {}, (ANA, BEN), "1 more person from S0DBA"),
    ("other engine", (rule(engines=["MSSQL"], approvals=3),), {}, (ANA, BEN), "now"),
    ("channel by id", (rule(channels=["C0OPS"], approvals=3),), {}, (ANA, BEN), "1 more person from S0DBA"),
    ("channel by name", (rule(channels=["op?"], approvals=3),), {}, (ANA, BEN), "1 more person from S0DBA"),
    ("other channel", (rule(channels=["inc-*"], approvals=3),), {}, (ANA, BEN), "now"),
    (
        "no channel is none that a pattern names",
        (rule(channels=["*"], approvals=3),),
        {"channel_id": "", "channel_name": ""},
        (ANA, BEN),
        "now",
    ),
    (
        "plan by its new name",
        (PRODUCTION,),
        {"plan_name": "x", "new_name": "dbs-prod-1"},
        (BEN,),
        "1 more person from S0SRE",
    ),
    ("a rule that the new name leaves", (PRODUCTION,), {"new_name": "test"}, (BEN,), "1 more person from S0SRE"),
    ("channel made by the bot", (INCIDENT,), {**INC, "channel_creator": BOT}, (ANA, BEN), "1 more person from S0DBA"),
    ("a channel of that name that somebody made", (INCIDENT,), {**INC, "channel_creator": RITA}, (ANA, BEN), "now"),
    ("another channel made by the bot", (INCIDENT,), {"channel_creator": BOT}, (ANA, BEN), "now"),
    ("who made it is not said: asks for more", (INCIDENT,), INC, (ANA, BEN), "1 more person from S0DBA"),
    ("nobody asked who made it", (INCIDENT,), {**INC, "channel_creator": None}, (ANA, BEN), "now"),
    (
        "its name is not said either",
        (INCIDENT,),
        {"channel_id": "C1", "channel_name": ""},
        (ANA, BEN),
        "1 more person from S0DBA",
    ),
    ("excepted: made by the bot", (STRICT,), {**INC, "channel_creator": BOT}, (ANA, BEN), "now"),
    ("excepted by its id", (STRICT,), {"channel_id": "C0QUICK"}, (ANA, BEN), "now"),
    (
        "no exception: made by somebody",
        (STRICT,),
        {**INC, "channel_creator": RITA},
        (ANA, BEN),
        "1 more person from S0DBA",
    ),
    ("no exception: not said who made it", (STRICT,), INC, (ANA, BEN), "1 more person from S0DBA"),
    ("no exception: nobody asked", (STRICT,), {**INC, "channel_creator": None}, (ANA, BEN), "1 more person from S0DBA"),
    (
        "an exception for one person's channels",
        (rule(approvals=3) + 'except_channels = [{ created_by = ["U0ANA", "U0IRBOT"] }]\n',),
        {"channel_creator": ANA},
        (ANA, BEN),
        "now",
    ),
    ("all kinds must be met", (rule(plans=["*"], regions=["eu-*"], approvals=3),), {}, (ANA, BEN), "now"),
    (
        "overlapping rules: all slots of all",
        (PRODUCTION, LEADS),
        {},
        (BEN, CAT),
        "1 more person from S0LEADS",
    ),
    ("overlapping rules: one person a slot", (PRODUCTION, LEADS), {}, (ANA, CAT, EVE), "now"),
    (
        "the number is at least that of the places",
        (PRODUCTION, LEADS),
        {},
        (ANA, EVE),
        "1 more person from S0DBA or S0SRE",
    ),
    ("the number may be above the places", (PRODUCTION, THREE), {}, (ANA, CAT), "1 more person"),
    ("the others may be any of those named", (PRODUCTION, THREE), {}, (ANA, CAT, DAN), "now"),
    ("but nobody else", (PRODUCTION, THREE), {}, (ANA, CAT, EVE), "1 more person"),
    (
        "two more, of whom one must be an SRE",
        (PRODUCTION, THREE),
        {},
        (BEN,),
        "2 more people, 1 of them from S0SRE",
    ),
    (
        "a plain list is as many as approvals",
        (rule(approvals=1, approvers=["S0LEADS"]), PRODUCTION),
        {},
        (ANA, CAT, EVE),
        "now",
    ),
    (
        "a plain list without a number takes that of the defaults",
        (rule(approvers=["S0LEADS"]), PRODUCTION),
        {},
        (ANA, CAT, EVE),
        "1 more person from S0LEADS",
    ),
    (
        "two rules for the same group want two people of it",
        (PRODUCTION, SRE),
        {},
        (BEN, CAT),
        "1 more person from S0SRE",
    ),
    ("deny", (DENY,), {}, (ANA, BEN), "no: Not in this life."),
    ("deny wins over everything", (PRODUCTION, DENY, LEADS), {}, (ANA, CAT, EVE), "no: Not in this life."),
    ("deny without a reason", (rule(deny=True),), {}, (), "no: The rule “r” of the policy does not allow this."),
    ("deny elsewhere", (rule(deny=True, plans=["other"]),), {}, (ANA, BEN), "now"),
    ("deny = false is no denial", (rule(deny=False),), {}, (ANA, BEN), "now"),
    (
        "a group nobody knows has nobody in it",
        (rule(approvers=["S0GONE"]),),
        {},
        EVERYBODY,
        "2 more people from S0GONE",
    ),
]

TIMES: list[tuple[str, tuple[str, ...], tuple[str, ...], str, str]] = [
    # what, windows, freezes, at in UTC, when
    ("no window is always", (), (), "2026-05-06T02:00", "now"),
    ("within", ("Mon-Fri 09:00-18:00 Asia/Shanghai",), (), "2026-05-06T01:00", "now"),
    ("a minute early", ("Mon-Fri 09:00-18:00 Asia/Shanghai",), (), "2026-05-06T00:59", "from 2026-05-06T01:00"),
    (
        "its end is no longer in it",
        ("Mon-Fri 09:00-18:00 Asia/Shanghai",),
        (),
        "2026-05-06T10:00",
        "from 2026-05-07T01:00",
    ),
    (
        "Friday evening waits for Monday",
        ("Mon-Fri 09:00-18:00 Asia/Shanghai",),
        (),
        "2026-05-08T12:00",
        "from 2026-05-11T01:00",
    ),
    ("it is Monday there already", ("Mon 00:00-24:00 Asia/Shanghai",), (), "2026-05-10T16:00", "now"),
    ("around the week", ("Sat-Mon 10:00-11:00 UTC",), (), "2026-05-05T00:00", "from 2026-05-09T10:00"),
    (
        "two windows, the nearer",
        ("Fri 10:00-11:00 UTC", "Thu 20:00-21:00 UTC"),
        (),
        "2026-05-06T12:00",
        "from 2026-05-07T20:00",
    ),
    ("across midnight, before it", ("Wed 22:00-02:00 UTC",), (), "2026-05-06T23:59", "now"),
    ("across midnight, after it", ("Wed 22:00-02:00 UTC",), (), "2026-05-07T01:59", "now"),
    ("across midnight, over", ("Wed 22:00-02:00 UTC",), (), "2026-05-07T02:00", "from 2026-05-13T22:00"),
    (
        "across midnight, not of the day before",
        ("Wed 22:00-02:00 UTC",),
        (),
        "2026-05-06T01:00",
        "from 2026-05-06T22:00",
    ),
    ("to the end of the day", ("Wed 22:00-24:00 UTC",), (), "2026-05-07T00:00", "from 2026-05-13T22:00"),
    ("a list of days", ("Mon,Wed 22:00-02:00 UTC",), (), "2026-05-05T03:00", "from 2026-05-06T22:00"),
    ("quarter hours from UTC", ("daily 06:00-07:00 Asia/Kathmandu",), (), "2026-05-06T00:00", "from 2026-05-06T00:15"),
    ("winter time", ("daily 09:00-10:00 Europe/Berlin",), (), "2026-03-27T12:00", "from 2026-03-28T08:00"),
    ("summer time begins", ("daily 09:00-10:00 Europe/Berlin",), (), "2026-03-28T12:00", "from 2026-03-29T07:00"),
    (
        "the skipped hour is not that day",
        ("daily 02:00-03:00 Europe/Berlin",),
        (),
        "2026-03-28T12:00",
        "from 2026-03-30T00:00",
    ),
    (
        "a start in the skipped hour",
        ("daily 02:30-04:00 Europe/Berlin",),
        (),
        "2026-03-28T12:00",
        "from 2026-03-29T01:00",
    ),
    (
        "an end in the skipped hour",
        ("daily 01:00-02:30 Europe/Berlin",),
        (),
        "2026-03-29T01:00",
        "from 2026-03-29T23:00",
    ),
    ("the doubled hour, first", ("daily 02:00-03:00 Europe/Berlin",), (), "2026-10-24T12:00", "from 2026-10-25T00:00"),
    ("the doubled hour, again", ("daily 02:00-03:00 Europe/Berlin",), (), "2026-10-25T01:59", "now"),
    ("the doubled hour, over", ("daily 02:00-03:00 Europe/Berlin",), (), "2026-10-25T02:00", "from 2026-10-26T01:00"),
    ("half of the doubled hour", ("daily 02:00-02:30 Europe/Berlin",), (), "2026-10-25T00:45", "from 2026-10-25T01:00"),
    (
        "the clock goes back into it",
        ("daily 01:00-02:45 Europe/Berlin",),
        (),
        "2026-10-25T00:50",
        "from 2026-10-25T01:00",
    ),
    ("half an hour of summer time", ("daily 01:30-02:00 Australia/Lord_Howe",), (), "2026-04-04T14:45", "now"),
    ("half an hour, again", ("daily 01:30-02:00 Australia/Lord_Howe",), (), "2026-04-04T15:00", "now"),
    (
        "a day that begins at one",
        ("Sun 00:00-02:00 America/Santiago",),
        (),
        "2026-09-05T12:00",
        "from 2026-09-06T04:00",
    ),
    ("frozen", (), ("2026-12-24/2027-01-02",), "2026-12-24T00:00", "from 2027-01-03T00:00"),
    ("not frozen yet", (), ("2026-12-24/2027-01-02",), "2026-12-23T23:59", "now"),
    ("the last day is frozen whole", (), ("2026-12-24/2027-01-02",), "2027-01-02T23:59", "from 2027-01-03T00:00"),
    ("one day", (), ("2026-05-06/2026-05-06",), "2026-05-06T12:00", "from 2026-05-07T00:00"),
    ("frozen by its own zone", (), ("2026-12-24/2027-01-02 Asia/Shanghai",), "2027-01-02T16:00", "now"),
    (
        "frozen by its own zone, before",
        (),
        ("2026-12-24/2027-01-02 Asia/Shanghai",),
        "2026-12-23T16:00",
        "from 2027-01-02T16:00",
    ),
    (
        "a freeze to a midnight that is skipped",
        (),
        ("2026-09-01/2026-09-05 America/Santiago",),
        "2026-09-03T00:00",
        "from 2026-09-06T04:00",
    ),
    (
        "overlapping freezes",
        (),
        ("2026-05-01/2026-05-07", "2026-05-07/2026-05-09"),
        "2026-05-06T00:00",
        "from 2026-05-10T00:00",
    ),
    (
        "a freeze and a window",
        ("Mon 09:00-10:00 UTC",),
        ("2026-05-11/2026-05-12",),
        "2026-05-06T00:00",
        "from 2026-05-18T09:00",
    ),
    ("frozen for good", (), ("2026-01-01/2036-01-01",), "2026-05-06T00:00", "never"),
    ("frozen for a year", (), ("2026-05-01/2027-05-01",), "2026-05-06T00:00", "from 2027-05-02T00:00"),
]


@pytest.mark.parametrize(
    ("rules", "differs", "voters", "follows"), [case[1:] for case in PEOPLE], ids=[c[0] for c in PEOPLE]
)
def test_who_must_approve(
    rules: tuple[str, ...], differs: dict[str, object], voters: tuple[str, ...], follows: str
) -> None:
    facts = replace(FACTS, **differs)  # type: ignore[arg-type]  # the table holds only what fits
    for order in (rules, rules[::-1]):
        assert decision(policy(*order), facts, voters) == follows


@pytest.mark.parametrize(("windows", "freezes", "at", "when"), [case[1:] for case in TIMES], ids=[c[0] for c in TIMES])
def test_when_it_may_be_carried_out(windows: tuple[str, ...], freezes: tuple[str, ...], at: str, when: str) -> None:
    keys: dict[str, object] = {"windows": windows} if windows else {}
    keys |= {"freezes": freezes} if freezes else {}
    assert decision(policy(rule(**keys)), FACTS, (ANA, BEN), utc(at)) == when


def test_windows_of_one_rule_are_alternatives_and_those_of_several_must_all_be_open() -> None:
    night = 'name = "night"\nwindows = ["daily 17:00-23:00 Asia/Shanghai", "Sat 00:00-24:00 UTC"]\n'
    assert decision(policy(OFFICE, night), FACTS, (ANA, BEN)) == "from 2026-05-06T09:00"
    weekend = 'name = "weekend"\nwindows = ["Sun 09:00-18:00 Asia/Shanghai"]\n'
    assert decision(policy(OFFICE, weekend), FACTS, (ANA, BEN)) == "never"


ESCALATING = PRODUCTION + 'remind_after = ["10m", "30m"]\nescalate_to = ["S0LEADS"]\n'
HELPFUL = 'name = "helpful"\nremind_after = ["10m"]\nescalate_to = ["S0LEADS"]\n'


@pytest.mark.parametrize(
    ("rules", "voters", "escalated", "follows"),
    [
        ((ESCALATING,), (CAT, EVE), False, "1 more person from S0DBA"),
        ((ESCALATING,), (CAT, EVE), True, "now"),
        ((ESCALATING,), (EVE, FIN), True, "now"),
        ((ESCALATING,), (CAT,), True, "1 more person from S0DBA or S0LEADS"),
        ((ESCALATING,), (CAT, RITA), True, "1 more person from S0DBA or S0LEADS"),
        ((ESCALATING, rule(approvers=["S0SRE"], approvals=1)), (EVE, FIN), True, "1 more person from S0SRE"),
        ((HELPFUL,), (ANA, EVE), True, "now"),
        ((HELPFUL, PRODUCTION), (CAT, EVE), True, "1 more person from S0DBA"),
    ],
)  # fmt: skip
def test_who_was_told_with_the_last_reminder_may_stand_in_only_for_the_rule_that_says_so(
    rules: tuple[str, ...], voters: tuple[str, ...], escalated: bool, follows: str
) -> None:
    assert decision(policy(*rules), FACTS, voters, escalated=escalated) == follows


def test_times_are_the_smallest_lists_are_joined_and_late_reminders_are_dropped() -> None:
    incident = (
        'name = "incidents"\nincident = true\non_call = ["S0ONCALL"]\nremind_after = ["3m", "8m"]\n'
        'expires_after = "20m"\nexecute_within = "2h"\nnotify = ["C0AUDIT"]\ndm = true\n'
    )
    result = evaluate(policy(ESCALATING + 'notify = ["C0AUDIT", "C0DBA"]\n', incident), FACTS)
    assert (result.expires_after, result.execute_within) == (1200, 1800)
    assert result.remind_after == (180, 480, 600)
    assert (result.escalate_to, result.escalate_pool) == (("S0LEADS",), (EVE, FIN))
    assert result.notify == ("C0AUDIT", "C0DBA")
    assert (result.incident, result.on_call, result.dm) == (True, ("S0ONCALL",), True)


def test_nobody_stands_in_where_no_reminder_comes_before_the_end() -> None:
    result = evaluate(policy(ESCALATING, rule(expires_after="5m")), FACTS)
    assert (result.remind_after, result.escalate_to, result.escalate_pool) == ((), (), ())
    assert filled(result, [CAT, EVE], escalated=True).sentence == "1 more person from <!subteam^S0DBA>"


def test_the_sentence_says_it_in_one_line() -> None:
    both = evaluate(policy(PRODUCTION + 'windows = ["Mon-Fri 09:00-18:00 Asia/Shanghai"]\n'), FACTS).sentence
    assert both == (
        "2 people must approve, at least 1 of <!subteam^S0DBA> and 1 of <!subteam^S0SRE>, not counting <@U0RITA>, "
        "because of “production retention”; may be carried out Mon–Fri 09:00–18:00 Asia/Shanghai."
    )
    assert evaluate(policy(rule(dm=True)), FACTS).sentence == (
        "2 people out of <!subteam^S0DBA> must approve, not counting <@U0RITA>."
    )
    frozen = evaluate(policy(rule(freezes=["2026-12-24/2027-01-02"])), FACTS).sentence
    assert frozen.endswith(", because of “r”; not during 2026-12-24 to 2027-01-02 UTC.")


def test_explaining_says_what_applies_who_how_many_when_and_what_follows() -> None:
    rules = policy(
        ESCALATING + 'notify = ["C0AUDIT"]\n', OFFICE, THREE, 'name = "i"\nincident = true\non_call = ["U0EVE"]\n'
    )
    assert explain(evaluate(rules, FACTS), utc("2026-05-08T12:00")) == [
        "Rule “i” applies (every change).",
        "Rule “office” applies (every change).",
        (
            "Rule “production retention” applies (plan dbs-prod-*, risk retention-shortened). "
            "Shorter retention of production backups needs a DBA and an SRE."
        ),
        "Rule “three” applies (every change).",
        (
            "3 people must approve, at least 1 of <!subteam^S0DBA> and 1 of <!subteam^S0SRE>, not counting <@U0RITA>, "
            "because of “office”, “production retention” and “three”; "
            "may be carried out Mon–Fri 09:00–18:00 Asia/Shanghai."
        ),
        "Rule “production retention” wants 1 of <!subteam^S0DBA>: 2 people at present.",
        "Rule “production retention” wants 1 of <!subteam^S0SRE>: 3 people at present.",
        "The other 1 may be anybody of those.",
        (
            "It expires 4h after the request, or when nothing was sent within 30m of the last approval or of the "
            "opening after it."
        ),
        "It may be carried out from 2026-05-11 01:00 UTC on.",
        "A reminder comes after 10m and 30m.",
        "With the last reminder <!subteam^S0LEADS> may step in as well.",
        "On call for this incident is <@U0EVE>.",
        "The outcome is also told in <#C0AUDIT>.",
    ]
    assert explain(evaluate(policy(), FACTS), WEDNESDAY)[0] == "No rule applies, so the defaults hold."
    assert explain(evaluate(policy(DENY), FACTS), WEDNESDAY)[1:] == ["It may not be asked for: Not in this life."]


def test_an_older_demand_is_a_result_with_one_slot() -> None:
    demand = Demand(approvals=2, approvers=("S0DBA",), pool=(ANA, BEN), policy="p", sentence="Two of S0DBA.")
    result = Demand.model_validate(demand.model_dump(mode="json"))
    assert filled(result, [ANA, CAT]).sentence == "1 more person from <!subteam^S0DBA>"
    assert filled(result, [ANA, BEN]).done


def test_a_result_is_the_same_after_it_was_json() -> None:
    result = evaluate(policy(ESCALATING, OFFICE, LEADS), FACTS)
    assert Demand.model_validate_json(result.model_dump_json()) == result


def test_the_groups_to_look_up_are_those_of_the_rules_that_match() -> None:
    rules = policy(ESCALATING, rule(approvers=["S0OTHER"], plans=["other"]))
    assert wanted_groups(rules, replace(FACTS, members={})) == {"S0DBA", "S0SRE", "S0LEADS"}
    assert wanted_groups(rules, replace(FACTS, members={}, risks=frozenset())) == {"S0DBA"}
    assert ever_approving(rules) == ("S0DBA", "S0SRE", "S0LEADS", "S0OTHER")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ((), (THREE,), "The policy now asks for 3 approvals, not 2."),
        ((), (DENY,), "The policy no longer allows this: Not in this life."),
        ((), (PRODUCTION,), "The policy now asks for 1 of <!subteam^S0SRE>, which it did not before."),
        ((PRODUCTION,), (PRODUCTION, LEADS), "The policy now asks for 3 approvals, not 2."),
        ((PRODUCTION,), (), ""),
        ((PRODUCTION,), (PRODUCTION.replace("production retention", "renamed"),), ""),
        ((LEADS,), (PRODUCTION,), "The policy now asks for 1 of <!subteam^S0DBA>, which it did not before."),
        ((THREE,), (rule(approvals=1),), ""),
    ],
)
def test_a_policy_that_asks_for_more_than_when_it_was_requested_says_what(
    before: tuple[str, ...], after: tuple[str, ...], said: str
) -> None:
    assert tightened_since(evaluate(policy(*after), FACTS), evaluate(policy(*before), FACTS)) == said


def test_a_rule_that_the_plan_leaves_by_its_new_name_is_marked() -> None:
    """It applies all the same, and whoever decides sees it."""
    found = evaluate(policy(PRODUCTION, THREE), replace(FACTS, new_name="test"))
    assert {one.name: one.left for one in found.rules} == {"production retention": True, "three": False}
    stays = evaluate(policy(PRODUCTION, THREE), replace(FACTS, new_name="dbs-prod-2"))
    assert not any(one.left for one in stays.rules)
    assert not any(one.left for one in evaluate(policy(PRODUCTION), FACTS).rules)


MISTAKES: list[tuple[str, str]] = [
    (rule(plan=["x"]), "rules[0].plan: unknown key"),
    ("reason = 'x'\n", "rules[0].name: is missing"),
    (rule(name=""), "rules[0].name: must not be empty"),
    (rule(name="a <!channel>"), "rules[0].name: must do without '<'"),
    (rule(reason="a\nb"), "rules[0].reason: must be one line"),
    (rule(plans=[]), "rules[0].plans: must not be empty"),
    (rule(plans=["ok", ""]), "rules[0].plans[1]: must not be empty"),
    (rule(plans=["dbs[1"]), "rules[0].plans[0]: 'dbs[1' has a '[' that no ']' closes"),
    (rule(channels=["#inc-*"]), "rules[0].channels[0]: '#inc-*' matches nothing"),
    (rule(engines=[" MySQL"]), "rules[0].engines[0]: must be one line"),
    (rule(when=["status"]), "rules[0].when[0]: 'status' is no risk"),
    (rule(when=[]), "rules[0].when: must not be empty"),
    (rule(approvals=0), "rules[0].approvals: "),
    (rule(approvals=True), "rules[0].approvals: "),
    (rule(approvers=[]), "rules[0].approvers: must not be empty"),
    (rule(approvers=["S0DBA", "@ana"]), "rules[0].approvers[1]: '@ana' is not a user id"),
    (rule() + "approvers = [{ from = [] }]\n", "rules[0].approvers[0].from: must not be empty"),
    (rule() + "approvers = [{ at_least = 1 }]\n", "rules[0].approvers[0].from: is missing"),
    (rule() + 'approvers = [{ from = ["S0DBA"], at_least = 0 }]\n', "rules[0].approvers[0].at_least: "),
    (rule() + 'approvers = [{ from = ["S0DBA"], atleast = 1 }]\n', "rules[0].approvers[0].atleast: unknown key"),
    (rule() + 'approvers = [{ from = ["ana"] }]\n', "rules[0].approvers[0].from[0]: 'ana' is not a user id"),
    (rule() + 'approvers = [{ from = ["S0DBA"] }, "U0ANA"]\n', "rules[0].approvers: lists ids beside tables"),
    (rule(approvers=["U0ANA"]), "rules[0].approvers: the people listed can take only 1 of 2 places"),
    (
        rule() + 'approvers = [{ from = ["U0ANA", "U0BEN"], at_least = 2 }, { from = ["U0BEN"] }]\n',
        "rules[0].approvers: the people listed can take only 2 of 3 places",
    ),
    (rule() + 'approvers = [{ from = ["U0ANA"] }]\n', "rules[0].approvers: lists 1 people, but 2 have to approve"),
    (rule(windows=["Mon-Fri 09:00-18:00"]), "rules[0].windows[0]: 'Mon-Fri 09:00-18:00' is no window"),
    (rule(windows=["daily 00:00-24:00 UTC", "daily 9:00-18:00 UTC"]), "rules[0].windows[1]: "),
    (rule(windows=["Mon-Foo 09:00-18:00 UTC"]), "rules[0].windows[0]: 'Mon-Foo' is no day"),
    (rule(windows=["mon 09:00-18:00 UTC"]), "rules[0].windows[0]: 'mon' is no day"),
    (rule(windows=["Mon, 09:00-18:00 UTC"]), "rules[0].windows[0]: '' is no day"),
    (rule(windows=["Mon 09:60-18:00 UTC"]), "rules[0].windows[0]: 'Mon 09:60-18:00 UTC' has a time that no clock"),
    (rule(windows=["Mon 24:00-18:00 UTC"]), "rules[0].windows[0]: 'Mon 24:00-18:00 UTC' has a time that no clock"),
    (rule(windows=["Mon 09:00-24:01 UTC"]), "rules[0].windows[0]: 'Mon 09:00-24:01 UTC' has a time that no clock"),
    (rule(windows=["Mon 09:00-09:00 UTC"]), "rules[0].windows[0]: 'Mon 09:00-09:00 UTC' begins when it ends"),
    *((rule(windows=[f"Mon 09:00-10:00 {zone}"]), f"rules[0].windows[0]: '{zone}' is no time zone") for zone in
      ("Asia/Atlantis", "Asia", "../../etc/passwd", "/etc/localtime", "localtime", "+08:00")),
    (rule(windows=[]), "rules[0].windows: must not be empty"),
    (rule(freezes=["2026-12-24"]), "rules[0].freezes[0]: '2026-12-24' is no freeze"),
    (rule(freezes=["2026-12-24/2026-02-30"]), "rules[0].freezes[0]: '2026-12-24/2026-02-30' has a day that no"),
    (rule(freezes=["2026-12-24/2026-12-23"]), "rules[0].freezes[0]: '2026-12-24/2026-12-23' ends before it begins"),
    (rule(freezes=["2026-12-24/2026-12-25 Mars"]), "rules[0].freezes[0]: 'Mars' is no time zone"),
    (rule(remind_after=["10 minutes"]), "rules[0].remind_after[0]: must be a whole number"),
    (rule(remind_after=["10m", "4h"]), "rules[0].remind_after[1]: is not before the change expires"),
    (rule(remind_after=["1h"], expires_after="1h"), "rules[0].remind_after[0]: is not before the change expires"),
    (rule(escalate_to=["S0LEADS"]), "rules[0].escalate_to: is told with the last reminder"),
    (rule(notify=["#audit"]), "rules[0].notify[0]: '#audit' is not a channel id"),
    (rule(deny="yes"), "rules[0].deny: "),
    (rule() + 'except_channels = [{ name = "inc-*" }]\n', "rules[0].except_channels[0].created_by: is missing"),
    (rule() + "channels = [{ created_by = [] }]\n", "rules[0].channels[0].created_by: must not be empty"),
    (
        rule() + 'channels = [{ created_by = ["S0DBA"] }]\n',
        "rules[0].channels[0].created_by[0]: 'S0DBA' is not a user id",
    ),
    (rule(expires_after="0m"), "rules[0].expires_after: must be a whole number"),
    (rule() + "[[rules]]\n" + rule(), "rules[1].name: there is a rule 'r' already"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "problem"), MISTAKES)
def test_a_mistake_in_a_rule_refuses_to_start_and_names_its_key(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        policy(text)
    assert any(one.startswith(problem) for one in caught.value.problems), caught.value.problems


@pytest.mark.parametrize(
    ("defaults", "rules", "problem"),
    [
        ('approvers = ["U0ANA", "U0BEN"]', (THREE,), "rules[0].approvals: asks for 3, but defaults.approvers lists 2"),
        ('approvers = ["S0DBA"]\noperators = "#ops"', (), "defaults.operators: '#ops' is not a channel id"),
    ],
)
def test_a_rule_and_the_defaults_must_fit_together(defaults: str, rules: tuple[str, ...], problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        policy(*rules, defaults=f"[defaults]\n{defaults}\n")
    assert any(one.startswith(problem) for one in caught.value.problems), caught.value.problems


GROUPS = [*MEMBERS, "S0GONE", *EVERYBODY]
who = st.lists(st.sampled_from(GROUPS), min_size=1, max_size=3)
durations = st.sampled_from(["1m", "3m", "10m", "30m", "1h", "4h"])
windows = st.sampled_from(
    [
        "Mon-Fri 09:00-18:00 Asia/Shanghai",
        "daily 22:00-02:00 UTC",
        "Sat,Sun 00:00-24:00 Europe/Berlin",
        "daily 01:00-04:00 America/New_York",
    ]
)
freezes = st.sampled_from(["2026-05-06/2026-05-07", "2026-05-01/2026-05-09 Asia/Shanghai", "2026-12-24/2027-01-02"])
slot_tables = st.fixed_dictionaries({"from": who, "at_least": st.integers(1, 2)})


BY_THE_BOT: Any = {"name": "inc-*", "created_by": ["U0IRBOT"]}


def some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(strategy, min_size=1, max_size=2)


rule_tables = st.fixed_dictionaries(
    {},
    optional={
        "plans": some(st.sampled_from(["dbs-prod-*", "dbs1abc", "other*"])),
        "regions": some(st.sampled_from(["cn-*", "eu-*"])),
        "engines": some(st.sampled_from(["mysql", "MSSQL"])),
        "channels": some(st.sampled_from(["ops", "C0OPS", "inc-*", BY_THE_BOT])),
        "except_channels": some(st.sampled_from(["C0OPS", "inc-*", BY_THE_BOT])),
        "when": some(st.sampled_from(list(RISKS))),
        "approvals": st.integers(1, 4),
        "approvers": who | st.lists(slot_tables, min_size=1, max_size=2),
        "windows": some(windows),
        "freezes": some(freezes),
        "remind_after": some(durations),
        "escalate_to": who,
        "notify": some(st.sampled_from(["C0AUDIT", "C0DBA"])),
        "incident": st.booleans(),
        "on_call": who,
        "expires_after": durations,
        "execute_within": durations,
        "deny": st.sampled_from([False, False, False, True]),
        "dm": st.booleans(),
    },
)
facts_of_some_change = st.builds(
    replace,
    st.just(FACTS),
    plan_name=st.sampled_from(["dbs-prod-orders", "dbs-test"]),
    region=st.sampled_from(["cn-shanghai", "eu-west-1", ""]),
    channel_name=st.sampled_from(["ops", "inc-7", ""]),
    channel_creator=st.sampled_from([None, "", "U0IRBOT", RITA]),
    new_name=st.sampled_from(["", "dbs-test-2"]),
    risks=st.frozensets(st.sampled_from([*RISKS, "status"])),
    requester=st.sampled_from(EVERYBODY),
)


@st.composite
def policies(draw: st.DrawFn, least: int = 0) -> Policy:
    """Draw a policy that `read_policy` would take."""
    tables = draw(st.lists(rule_tables, min_size=least, max_size=4))
    for index, table in enumerate(tables):
        table["name"] = f"rule {index}"
        if "remind_after" not in table:
            table.pop("escalate_to", None)
    defaults = {"approvals": draw(st.integers(1, 3)), "approvers": draw(who)}
    try:
        return Policy.model_validate({"defaults": defaults, "rules": tables})
    except ValidationError:
        reject()


def groups_of_people() -> Iterator[tuple[str, ...]]:
    return chain.from_iterable(combinations(EVERYBODY, size) for size in range(len(EVERYBODY) + 1))


def moments() -> Iterator[datetime]:
    return (utc("2026-05-04T00:30") + timedelta(hours=hours) for hours in range(0, 24 * 8, 3))


def places_all_taken(result: Demand, voters: tuple[str, ...], *, escalated: bool) -> bool:
    """Whether the places of the rules are taken, however many people it takes in all."""
    slots = tuple(slot for slot in result.slots if slot.rule)
    return (
        not slots
        or filled(result.model_copy(update={"slots": slots, "approvals": 1}), voters, escalated=escalated).done
    )


def places(result: Demand) -> Counter[tuple[str, tuple[str, ...], int]]:
    return Counter((slot.rule, slot.who, slot.at_least) for slot in result.slots if slot.rule)


@settings(deadline=None)  # each example tries every set of people
@given(policies(least=1), facts_of_some_change, st.data())
def test_adding_a_rule_never_makes_anything_easier(whole: Policy, facts: Facts, data: st.DataObject) -> None:
    """Easier would be: fewer people, more time, a wider window, a denial or a place less, or another set of people.

    The number never falls and times never grow; what is closed or denied stays so; every place that a rule wants
    stays, so whoever satisfies the longer policy fills the places of the shorter one too, with as many people. Who
    may be the people beyond all places is the one thing a rule can widen, by naming approvers: where the rules had
    named some and there were places for all, each set of people that is enough after was enough before. (From the
    defaults' approvers to those of a first rule is a replacement, which the policy is meant to allow.)
    """
    added = data.draw(st.integers(0, len(whole.rules) - 1))
    fewer = whole.model_copy(update={"rules": [rule for index, rule in enumerate(whole.rules) if index != added]})
    before, after = evaluate(fewer, facts), evaluate(whole, facts)

    assert after.approvals >= before.approvals
    assert after.expires_after <= before.expires_after
    assert after.execute_within <= before.execute_within
    assert bool(after.denied) >= bool(before.denied)
    assert {*after.windows} >= {*before.windows}
    assert {*after.freezes} >= {*before.freezes}
    assert all(
        is_open(before.windows, before.freezes, at) for at in moments() if is_open(after.windows, after.freezes, at)
    )
    wanted = [slot for slot in before.slots if slot.rule]
    assert places(before) <= places(after)
    assert {*after.notify} >= {*before.notify}
    assert {*after.on_call} >= {*before.on_call}
    assert after.dm >= before.dm
    assert after.incident >= before.incident
    places_for_all = wanted and before.approvals == sum(slot.at_least for slot in wanted)
    for voters in groups_of_people():
        for escalated in (False, True):
            if filled(after, voters, escalated=escalated).done:
                assert places_all_taken(before, voters, escalated=escalated)
                assert len({*voters} & {*after.pool, *after.escalate_pool}) >= before.approvals
                assert not places_for_all or filled(before, voters, escalated=escalated).done


@given(policies(), facts_of_some_change)
def test_no_policy_lets_one_person_act_alone(rules: Policy, facts: Facts) -> None:
    result = evaluate(rules, facts)
    assert result.approvals >= 1
    assert facts.requester not in {*result.pool, *result.escalate_pool}
    for escalated in (False, True):
        assert not filled(result, [facts.requester], escalated=escalated).done
        assert not filled(result.model_copy(update={"approvals": 0}), [facts.requester], escalated=escalated).done


@given(policies(), facts_of_some_change, st.randoms())
def test_evaluation_never_fails_and_does_not_depend_on_the_order_of_the_rules(
    rules: Policy, facts: Facts, random: Random
) -> None:
    result = evaluate(rules, facts)
    shuffled = rules.model_copy(update={"rules": random.sample(rules.rules, len(rules.rules))})
    assert evaluate(shuffled, facts).model_copy(update={"policy": result.policy}) == result
    assert Demand.model_validate_json(result.model_dump_json()) == result
    assert all(explain(result, WEDNESDAY))
    assert evaluate(rules, replace(facts, members={})).approvals == result.approvals


@given(policies())
def test_evaluation_needs_no_more_than_a_plan(rules: Policy) -> None:
    assert evaluate(rules, Facts("dbs1")).approvals >= rules.defaults.approvals
