"""The demo's workspace is one that the bot, its manifest and its policy know."""

from pathlib import Path

import pytest
import yaml

from bot.playground.acts import ask, open_form, outcome
from bot.playground.page.setting import COMMANDS, GROUPS, ROLES, SHORTCUTS, Setting
from bot.playground.page.upsets import UPSETS, Upsets
from bot.policy_file import load_policy

pytestmark = pytest.mark.usefixtures("forked")

MANIFEST = yaml.safe_load((Path(__file__).parents[3] / "manifest.yml").read_text("utf-8"))["features"]
SECRETS = {
    "dbsmysqlrds01": "orders-db",
    "dbsmysqlecs01": "orders-db",
    "dbspgexpress1": "warehouse-db",
    "dbsmongodds01": "events-db",
    "dbsoracleecs1": "payroll-db",
}
OTHERS = {"dbslocked0001": ["orders-db"], "dbswait000001": ["orders-db"]}


def test_the_composer_completes_the_commands_of_the_manifest() -> None:
    keys = ("command", "description", "usage_hint")
    assert [{key: one[key] for key in keys} for one in MANIFEST["slash_commands"]] == COMMANDS


def test_the_menu_of_a_message_has_the_shortcuts_of_the_manifest() -> None:
    declared = [one for one in MANIFEST.get("shortcuts", []) if one["type"] == "message"]
    assert [{key: one[key] for key in ("name", "callback_id")} for one in declared] == SHORTCUTS


def test_everybody_has_a_role_and_every_group_a_name(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    assert set(setting.slack.people) == set(ROLES)
    assert set(setting.slack.world.workspace.groups) == set(GROUPS)


def test_the_policy_offers_each_plan_the_one_secret_that_it_needs(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    policy = load_policy(setting.policy_file)
    for plan in setting.dbs.plans:
        assert list(policy.secrets_for(plan)) == ([SECRETS[plan]] if plan in SECRETS else OTHERS.get(plan, []))
    assert {use.ref.removeprefix("env:") for use in policy.secrets.values()} <= setting.environment(0).keys()


async def test_every_plan_that_can_be_changed_is_changed_with_what_the_policy_offers(tmp_path: Path) -> None:
    async with Setting(tmp_path) as setting:
        await setting.start_bot()
        for plan in [*SECRETS, "dbsredisecs01", "dbsmssqlagent"]:
            values = {"BackupRetentionPeriod": "400"}
            if plan in SECRETS:
                values["SourceEndpointPassword"] = SECRETS[plan]
            card = await ask(setting.slack, setting.rita, plan, values)
            await setting.ana.click(card, "approve")
            await setting.ben.click(card, "approve")
            await outcome(setting.slack, card)
        assert [effect.plan_id for effect in setting.dbs.effects] == [*SECRETS, "dbsredisecs01", "dbsmssqlagent"]
        await setting.mila.command("/backup-plan configure dbsmysqlrds01", channel="C0ACME")
        await setting.mila.wait_for_view(lambda view: "workspace" in str(view["blocks"]))
        await open_form(setting.olga, "dbsmysqlrds01")
        assert setting.slack.violations == []


@pytest.mark.parametrize("name", [upset.name for upset in UPSETS if upset.name != "shared"])
def test_every_upset_says_what_it_did_and_what_is_still_to_come(tmp_path: Path, name: str) -> None:
    setting = Setting(tmp_path)
    upsets = Upsets(setting)
    before = dict(setting.dbs.plans["dbsmysqlrds01"])
    said = upsets.happen(name, "dbsmysqlrds01")
    assert "dbsmysqlrds01" in said
    label = next(upset.label for upset in UPSETS if upset.name == name)
    assert all(line == f"{label}: the next change of dbsmysqlrds01" for line in upsets.queued)
    assert bool(upsets.queued) != (setting.dbs.plans["dbsmysqlrds01"] != before)
    upsets.forget()
    assert upsets.queued == []


def test_the_retention_can_be_moved_again_and_again_within_what_dbs_allows(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    upsets = Upsets(setting)
    seen = set()
    for _ in range(70):
        upsets.happen("stale", "dbsmysqlrds01")
        days = setting.dbs.plans["dbsmysqlrds01"]["BackupRetentionPeriod"]
        assert 0 < days <= 1825
        seen.add(days)
    assert len(seen) > 30
