"""What the documents say of the code is so: commands, settings, parameters, promises, messages, files and links."""

import json
import re
import sys
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import click
import pytest
from pydantic_core import PydanticUndefined
from restated import PARTS, restated

from bot.cli import main
from bot.config import Config
from bot.core.change import State
from bot.core.demand import Demand
from bot.core.duration import parse_duration, say_duration
from bot.core.evaluation import evaluate
from bot.core.plan import parameters
from bot.core.policy import Defaults, read_policy
from bot.core.policy_rule import Facts, Rule
from bot.core.risk_codes import RISKS
from bot.playground.script import play
from bot.slack.listeners import HELP

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
OPERATING = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
DOCUMENTS = {
    "README.md": README,
    "CHANGELOG.md": CHANGELOG,
    "docs/architecture.md": ARCHITECTURE,
    "docs/operating.md": OPERATING,
}
SOURCE = "\n".join(file.read_text(encoding="utf-8") for file in sorted((ROOT / "bot").rglob("*.py")))
JOINED = re.sub(r'"\s+f?"', "", SOURCE)
"""The source with its string literals put together again."""


def fenced(language: str, text: str = README) -> list[str]:
    """Return the fenced blocks of a language, "" for those without one."""
    return [
        body for name, body in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) if name == language
    ]


def section(title: str) -> str:
    """Return a chapter of the README, without those below it."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", README, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def rows(text: str) -> list[list[str]]:
    """Return the rows of the Markdown tables in a text, without headings."""
    lines = [line.strip().strip("|").split(" | ") for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line] for line in lines]
    rules = [number for number, line in enumerate(cells) if set("".join(line)) <= set("-|")]
    return [line for number, line in enumerate(cells) if number not in rules and number + 1 not in rules]


@pytest.mark.parametrize("document", PARTS)
def test_what_a_document_restates_is_as_the_code_has_it(document: str) -> None:
    """`python tests/restated.py` mends it."""
    assert DOCUMENTS[document] == restated(document, DOCUMENTS[document])


def test_every_parameter_is_in_the_table() -> None:
    assert [row[0] for row in rows(section("Parameters"))] == [f"`{one.name}`" for one in parameters()]
    assert f"All {len(parameters())} parameters" in section("Parameters")


def commands() -> list[list[str]]:
    """Return the words of every backup-plan-bot command in the README's shell blocks and sentences."""
    shell = "\n".join(fenced("sh"))
    called = re.findall(r"backup-plan-bot ((?:[a-z]+ ?)+(?:--[a-z]+)?)", shell)
    called += re.findall(r"-m bot ((?:[a-z]+ ?)+)$", README, re.MULTILINE)
    called += re.findall(
        r"`(?:backup-plan-bot )?((?:serve|demo|plan|policy|ledger)(?: [a-z]+)*(?: --[a-z]+)?)[^`]*`", README
    )
    return [line.split() for line in called]


def test_every_command_named_exists_with_its_options() -> None:
    found = commands()
    assert len(found) > 10
    for words in found:
        command: click.Command = main
        for word in words:
            if word.startswith("--"):
                assert any(word in parameter.opts for parameter in command.params), words
            elif isinstance(command, click.Group):
                assert word in command.commands, words
                command = command.commands[word]


def test_every_command_there_is_is_named() -> None:
    def paths(command: click.Command, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
        if isinstance(command, click.Group):
            return set().union(*(paths(one, (*path, name)) for name, one in command.commands.items()))
        return {path}

    named = {tuple(word for word in words if not word.startswith("--")) for words in commands()}
    assert [path for path in sorted(paths(main)) if not any(words[: len(path)] == path for words in named)] == []


def test_every_make_target_named_exists_and_every_one_there_is_is_named() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    named = set(re.findall(r"^make ([a-z-]+)", "\n".join(fenced("sh")), re.MULTILINE))
    assert named <= targets
    assert [target for target in sorted(targets) if target not in README] == []


def default_of(name: str) -> str:
    """Return a setting's default as the README writes it."""
    field = Config.model_fields[name]
    value: Any = field.default
    if value is PydanticUndefined:
        return "required"
    if value is None:
        return "–"
    if isinstance(value, timedelta):
        return f"`{say_duration(value)}`"
    return f"`sqlite:///{value}`" if name == "ledger_address" else f"`{value}`"


def shortest(cell: str) -> str:
    """Return a duration as `say_duration` writes it, and anything else as it is."""
    found = re.fullmatch(r"`([0-9]+[smhd])`", cell)
    return f"`{say_duration(parse_duration(found[1]))}`" if found else cell


def test_the_configuration_table_is_the_configuration() -> None:
    table = {row[0]: shortest(row[1]) for row in rows(section("Configuration"))}
    assert table.pop("`ALIBABA_CLOUD_*`") == "–"
    variables = {name: str(field.validation_alias or name.upper()) for name, field in Config.model_fields.items()}
    assert table == {f"`{variable}`": default_of(name) for name, variable in variables.items()}


def test_the_policy_shown_is_one_and_every_key_is_explained() -> None:
    (shown,) = fenced("toml", section("Policy"))
    policy = read_policy(shown)
    assert list(tomllib.loads(shown)["defaults"]) == list(Defaults.model_fields)
    explained = {row[0].strip("`"): row[1].strip("`") for row in rows(section("Policy"))}
    assert list(explained) == [*Defaults.model_fields, "[secrets.NAME]", "[[rules]]"]
    for name in ("expires_after", "execute_within"):
        assert explained[name] == say_duration(Defaults.model_fields[name].default)
    assert explained["approvals"] == str(policy.defaults.approvals) == str(Defaults.model_fields["approvals"].default)


def test_every_key_of_a_rule_is_explained_and_every_risk_named() -> None:
    explained = {row[0].strip("`"): row for row in rows(section("Rules"))}
    assert list(explained) == list(Rule.model_fields)
    required = [name for name, row in explained.items() if row[1] == "required"]
    assert required == [name for name, field in Rule.model_fields.items() if field.is_required()]
    assert [row[0].strip("`") for row in rows(section("Risks"))] == list(RISKS)


@pytest.mark.parametrize("title", ["A team of three", "A team of twelve", "Incidents"])
def test_a_policy_shown_for_a_team_is_one(title: str) -> None:
    (shown,) = fenced("toml", section(title))
    assert read_policy(shown).rules


def test_the_policies_shown_do_what_is_said_of_them() -> None:
    members = {"S0DBA": frozenset({"U1", "U2"}), "S0SRE": frozenset({"U3"}), "S0LEADS": frozenset({"U4"})}

    def asks(title: str, **facts: Any) -> Demand:
        (shown,) = fenced("toml", section(title))
        return evaluate(read_policy(shown), Facts(**({"plan_id": "dbs1", "members": members} | facts)))

    shorter = frozenset({"retention-shortened"})
    three, fewer = asks("A team of three"), asks("A team of three", risks=shorter, requester="U0RITA")
    assert (three.approvals, fewer.approvals, fewer.pool) == (1, 2, ("U0ANA", "U0BEN"))
    production = asks("A team of twelve", plan_name="dbs-prod-1", risks=shorter)
    assert [slot.who for slot in production.slots] == [("S0DBA",), ("S0SRE",)]
    assert (bool(production.windows), bool(production.freezes)) == (True, True)
    assert asks("A team of twelve", plan_name="orders-hold").denied
    incident, daily = (
        asks("Incidents", channel_id="C1", channel_name="inc-42", channel_creator=creator)
        for creator in ("U0IRBOT", "U0RITA")
    )
    assert (incident.approvals, incident.incident, incident.expires_after) == (1, True, 3600)
    assert (daily.approvals, daily.approvers, daily.incident) == (2, ("S0DBA",), False)


def test_the_ram_policy_allows_what_the_code_calls_and_no_more() -> None:
    (shown,) = fenced("json")
    allowed: dict[str, str] = {}
    for statement in json.loads(shown)["Statement"]:
        actions = statement["Action"]
        allowed |= dict.fromkeys([actions] if isinstance(actions, str) else actions, statement["Resource"])
    alibaba = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "bot/alibaba").glob("*.py"))
    called = set(re.findall(r'\.call\(\s*"(\w+)"', alibaba)) | set(re.findall(r'_check\(reply, "(\w+)"', alibaba))
    assert {action.partition(":")[2] for action in allowed} == called
    assert {action: resource.split(":")[1] for action, resource in allowed.items()} == {
        action: action.partition(":")[0] for action in allowed
    }


def promised() -> list[str]:
    """Return the tests that the promises name."""
    return re.findall(r"`(tests/[\w/]+\.py::\w+)`", section("Promises and their limits"))


@pytest.mark.parametrize("test", sorted(set(promised())))
def test_every_promise_names_tests_that_exist(test: str) -> None:
    file, _, name = test.partition("::")
    assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_each_promise_names_a_limit_and_a_test() -> None:
    listed, _, _ = section("Promises and their limits").partition("Further limits")
    promises = re.split(r"^\d\. ", listed, flags=re.MULTILINE)[1:]
    assert len(promises) == 9
    for promise in promises:
        assert "Limit: " in promise
        assert "::test_" in promise


def test_every_outcome_is_explained() -> None:
    explained = {word for row in rows(section("What people see")) for word in row[0].split(", ")}
    assert explained == {state.value for state in State} - {"pending", "approved", "executing"}


def test_every_slash_command_is_explained() -> None:
    assert set(re.findall(r"/backup-plan \w+", HELP)) == set(
        re.findall(r"`(/backup-plan \w+)", section("What people see"))
    )


def test_every_message_and_event_quoted_is_one_that_is_said() -> None:
    quoted = [
        cell for row in rows(section("When something is wrong")) for cell in re.findall(r'[`"]([^`"]+)[`"]', row[0])
    ]
    # what stands in its place differs: a variable's name, a key's path
    words = [part.strip(" :") for one in quoted for part in re.split(r"…|^[A-Z_]+ (?=is not set)|defaults\.\w+", one)]
    not_ours = {"dispatch_failed"}
    assert [word for word in words if word and word not in JOINED and word not in not_ours] == []


def test_the_tree_is_as_it_is_drawn() -> None:
    drawn = [line.split()[0] for line in fenced("", section("Development"))[-1].splitlines()]
    assert len(drawn) > 10
    assert [path for path in drawn if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_named_exists(document: str) -> None:
    named = re.findall(r"`((?:bot|tests|docs)/[\w/.]*?)(?:::\w+)?`", DOCUMENTS[document])
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", DOCUMENTS[document]):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (ROOT / document).parent.joinpath(path).resolve() if path else ROOT / document
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(DOCUMENTS[str(there.relative_to(ROOT))]), target


def anchors(text: str) -> set[str]:
    """Return what can be linked to in a document."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_picture_is_well_formed_and_says_in_words_what_it_shows() -> None:
    picture = ET.parse(ROOT / "docs/flow.svg").getroot()  # noqa: S314 - our own file
    said = {child.tag.rpartition("}")[2]: child.text or "" for child in picture}
    assert said["title"]
    assert "sends it to DBS once" in said["desc"].replace("\n", " ")
    assert "http" not in " ".join(picture.attrib.values())


def test_the_changelog_names_the_version_to_come() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"[{version}]" in CHANGELOG or f"To become {version}," in CHANGELOG


async def test_the_transcript_is_what_the_demo_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert await play(sys.stdout) == 0
    printed = iter(capsys.readouterr().out.splitlines())
    (transcript,) = fenced("text")
    for part in transcript.split("…\n"):
        lines = part.splitlines()
        assert any(line == lines[0] for line in printed), f"not printed there: {lines[0]}"
        for line in lines[1:]:
            assert next(printed) == line
