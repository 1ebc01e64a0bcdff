"""The manifest asks Slack for exactly what the code uses."""

import ast
import importlib
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import fastjsonschema
import pytest
import yaml
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.listeners import SHORTCUT

ROOT = Path(__file__).parents[1]

SCOPES: dict[str, set[str]] = {
    "apps_connections_open": set(),  # the app-level token's connections:write, which no manifest can ask for
    "auth_test": set(),
    "chat_getPermalink": set(),
    "chat_postMessage": {"chat:write"},
    "chat_update": {"chat:write"},
    "conversations_history": {"channels:history", "groups:history"},
    "conversations_info": {"channels:read", "groups:read"},
    "conversations_open": {"im:write"},
    "conversations_replies": {"channels:history", "groups:history"},
    "usergroups_users_list": {"usergroups:read"},
    "users_info": {"users:read"},
    "views_open": set(),
    "views_update": set(),
}
"""Method of slack_sdk's client → the scopes it needs for what the bot does: channels, public and private, and DMs."""

METHODS = {
    name
    for name, member in inspect.getmembers(AsyncWebClient, inspect.iscoroutinefunction)
    if "_" in name and not name.startswith("_")
}


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text())
    return loaded


def calls() -> Iterator[tuple[Path, str, ast.Call]]:
    """Every call of an attribute in the code that talks to Slack."""
    for path in [*sorted((ROOT / "bot/slack").rglob("*.py")), *sorted((ROOT / "bot").glob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield path, node.func.attr, node


def test_the_manifest_is_valid(manifest: dict[str, Any]) -> None:
    schema = json.loads((ROOT / "tests/data/manifest.schema.json").read_text())
    fastjsonschema.compile(schema)(manifest)


def test_the_schema_would_notice(manifest: dict[str, Any]) -> None:
    schema = json.loads((ROOT / "tests/data/manifest.schema.json").read_text())
    validate = fastjsonschema.compile(schema)
    with pytest.raises(fastjsonschema.JsonSchemaException):
        validate({**manifest, "oauth_config": {"scopes": {"bot": ["chat:wite"]}}})


def test_scopes_are_those_of_the_methods_that_the_code_calls(manifest: dict[str, Any]) -> None:
    called = {attribute for _, attribute, _ in calls() if attribute in METHODS}
    assert called <= SCOPES.keys()
    needed = {"commands"}.union(*(SCOPES[method] for method in called))
    asked = manifest["oauth_config"]["scopes"]["bot"]
    assert sorted(asked) == sorted(needed)
    assert set(manifest["oauth_config"]["scopes"]) == {"bot"}


def test_commands_are_those_that_the_code_answers(manifest: dict[str, Any]) -> None:
    registered = []
    for path, attribute, call in calls():
        if attribute == "command" and path.name == "listeners.py":
            (argument,) = call.args
            assert isinstance(argument, ast.Name)
            module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            registered.append(getattr(module, argument.id))
    assert [command["command"] for command in manifest["features"]["slash_commands"]] == registered


def test_shortcuts_are_those_that_the_code_answers(manifest: dict[str, Any]) -> None:
    registered = [call.args[0] for _, attribute, call in calls() if attribute == "message_shortcut"]
    assert [ast.unparse(argument) for argument in registered] == ["SHORTCUT"]
    (shortcut,) = manifest["features"]["shortcuts"]
    assert (shortcut["type"], shortcut["callback_id"]) == ("message", SHORTCUT)


def test_there_are_no_events(manifest: dict[str, Any]) -> None:
    listened = {attribute for _, attribute, call in calls() if _on_app(call)}
    assert listened.isdisjoint({"event", "message", "shortcut", "global_shortcut", "function"})
    assert "event_subscriptions" not in manifest["settings"]


def test_every_address_is_the_one_route(manifest: dict[str, Any]) -> None:
    interactivity = manifest["settings"]["interactivity"]
    command = manifest["features"]["slash_commands"][0]
    addresses = {command["url"], interactivity["request_url"], interactivity["message_menu_options_url"]}
    assert len(addresses) == 1
    assert urlsplit(addresses.pop()).path == "/slack/events"


def test_texts_fit_slack_s_limits(manifest: dict[str, Any]) -> None:
    display = manifest["display_information"]
    assert len(display["name"]) <= 35
    assert len(display["description"]) <= 140
    assert 175 <= len(display["long_description"]) <= 4000
    for shortcut in manifest["features"]["shortcuts"]:
        assert len(shortcut["name"]) <= 24
        assert len(shortcut["description"]) <= 150


def _on_app(call: ast.Call) -> bool:
    return (
        isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id == "app"
    )
