"""The examples in docs/operating.md are ones that this bot would start with."""

import configparser
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from bot.app import FINISH_ANSWERS, FINISH_CHANGES
from bot.cli import main
from bot.config import Config
from bot.core.policy import Policy, read_policy
from bot.ledger.pooled import AT_ONCE, IDLE
from bot.serve import GRACE_SECONDS
from bot.slack.edge import AGE_SECONDS
from bot.slack.socket import CONNECTIONS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPERATING = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
SLACKS_CONNECTIONS = 10
VARIABLES = {str(field.validation_alias or name.upper()) for name, field in Config.model_fields.items()}
SECRETS = {
    "DATABASE_URL": "postgresql://bot@db.example/bot", "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s",
    "SLACK_APP_TOKEN": "xapp-1", "ORDERS_DB_PASSWORD": "p",
}  # fmt: skip


def fenced(language: str, text: str = OPERATING) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def manifest(kind: str) -> dict[str, Any]:
    """Return the one Kubernetes object of a kind."""
    (found,) = [one for block in fenced("yaml") for one in yaml.safe_load_all(block) if one.get("kind") == kind]
    assert isinstance(found, dict)
    return found


def pod() -> dict[str, Any]:
    spec = manifest("Deployment")["spec"]["template"]["spec"]
    assert isinstance(spec, dict)
    return spec


def container() -> dict[str, Any]:
    (found,) = pod()["containers"]
    assert isinstance(found, dict)
    return found


def starts(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Config:
    """Read the settings as `serve` would where these variables are all there is."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Config.from_environment()


def leads_to_a_command(words: list[str]) -> bool:
    command: click.Command = main
    for word in words:
        if not isinstance(command, click.Group) or word not in command.commands:
            return False
        command = command.commands[word]
    return not isinstance(command, click.Group)


def units() -> list[configparser.ConfigParser]:
    read = []
    for text in fenced("ini") + fenced("ini", README):
        unit = configparser.ConfigParser(strict=False, interpolation=None, dict_type=_Repeated)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string(text)
        read.append(unit)
    return read


class _Repeated(dict[str, Any]):
    """Several lines of one name, as systemd reads them: one value after another."""

    def __setitem__(self, key: str, value: Any) -> None:
        if isinstance(value, list) and isinstance(self.get(key), list):
            self[key].extend(value)
        else:
            super().__setitem__(key, value)


@pytest.mark.parametrize("number", [0, 1])
def test_a_unit_starts_the_bot_with_settings_that_exist_and_waits_until_it_has_ended(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    unit = units()[number]
    service = unit["Service"]
    told = dict(line.split("=", 1) for line in service["Environment"].splitlines())
    assert set(told) <= VARIABLES
    config = starts({name: text.replace("%i", "3001") for name, text in told.items()} | SECRETS | {
        "DATABASE_URL": told["DATABASE_URL"], "SLACK_APP_TOKEN": "",
    }, monkeypatch)  # fmt: skip
    assert str(config.ledger_address).startswith(f"/var/lib/{service['StateDirectory']}/")
    for name in ("ExecStart", "ExecStartPre"):
        python, flag, module, *words = shlex.split(service[name])
        assert (Path(python).name, flag, module) == ("python", "-m", "bot")
        assert leads_to_a_command(words)
    assert int(service["TimeoutStopSec"]) > GRACE_SECONDS
    assert service["RestartPreventExitStatus"] == "2"
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"


def test_the_pod_starts_with_its_variables_its_secrets_and_its_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {one["name"]: one.get("value") for one in container()["env"]}
    policy_text = manifest("ConfigMap")["data"]["policy.toml"]
    policy: Policy = read_policy(policy_text)
    needed = {secret.ref.removeprefix("env:") for secret in policy.secrets.values() if secret.ref.startswith("env:")}
    assert set(told) <= VARIABLES | needed | {"ALIBABA_CLOUD_ECS_METADATA_DISABLED"}
    assert needed <= set(told)
    for one in container()["env"]:
        if "valueFrom" in one:
            assert one["valueFrom"]["secretKeyRef"] == {"name": "backup-plan-bot", "key": one["name"]}
    config = starts({name: value or SECRETS[name] for name, value in told.items()}, monkeypatch)
    mount, key_mount = container()["volumeMounts"]
    assert config.policy_file == Path(mount["mountPath"]) / "policy.toml"
    assert "subPath" not in mount
    volume, key_volume = pod()["volumes"]
    assert (mount["name"], volume["configMap"]["name"]) == (volume["name"], manifest("ConfigMap")["metadata"]["name"])
    assert (key_mount["name"], key_mount["readOnly"]) == (key_volume["name"], True)
    assert config.key_file.parent == Path(key_mount["mountPath"])
    assert f"--from-file={config.key_file.name}" in OPERATING
    # a mounted secret is root's, and read by the group: what the bot accepts of such a file
    assert key_volume["secret"]["defaultMode"] == 0o440
    assert pod()["securityContext"]["fsGroup"] == pod()["securityContext"]["runAsUser"]


def test_the_pod_is_asked_where_it_answers_and_is_not_restarted_for_waiting() -> None:
    (port,) = container()["ports"]
    assert port["containerPort"] == Config.model_fields["port"].default
    assert container()["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": port["name"]}
    assert container()["livenessProbe"]["tcpSocket"] == {"port": port["name"]}
    assert '"/healthz"' in (ROOT / "bot/slack/edge.py").read_text(encoding="utf-8")
    (served,) = manifest("Service")["spec"]["ports"]
    assert served["targetPort"] == port["name"]


def test_the_pod_has_the_time_that_the_bot_takes_to_end_and_as_many_connections_as_slack_allows() -> None:
    command, seconds = container()["lifecycle"]["preStop"]["exec"]["command"]
    assert command == "sleep"
    assert pod()["terminationGracePeriodSeconds"] > int(seconds) + GRACE_SECONDS
    assert GRACE_SECONDS > FINISH_ANSWERS + FINISH_CHANGES
    deployment = manifest("Deployment")["spec"]
    surge = deployment["strategy"]["rollingUpdate"]["maxSurge"]
    assert deployment["replicas"] + surge <= 4
    assert 4 * CONNECTIONS + CONNECTIONS <= SLACKS_CONNECTIONS, "each of them is replaced before it goes"
    assert manifest("PodDisruptionBudget")["spec"]["minAvailable"] < deployment["replicas"]


def test_every_selector_finds_the_pod() -> None:
    labels = manifest("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert manifest("Deployment")["spec"]["selector"]["matchLabels"] == labels
    assert manifest("Service")["spec"]["selector"] == labels
    assert manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels


def test_the_image_starts_the_bot_and_passes_signals_on() -> None:
    (recipe,) = fenced("dockerfile")
    (started,) = re.findall(r"^CMD (\[.*\])$", recipe, re.MULTILINE)
    python, flag, module, *words = yaml.safe_load(started)
    assert (python, flag, module) == ("python", "-m", "bot")
    assert leads_to_a_command(words)
    (user,) = re.findall(r"^USER (\d+)$", recipe, re.MULTILINE)
    assert int(user) == pod()["securityContext"]["runAsUser"]


def test_litestream_copies_the_file_that_the_unit_names() -> None:
    (shown,) = [one for block in fenced("yaml") for one in yaml.safe_load_all(block) if "dbs" in one]
    (database,) = shown["dbs"]
    assert f"DATABASE_URL=sqlite:///{database['path']}" in fenced("ini")[0]
    assert set(database["replica"]) == {"type", "bucket", "path", "endpoint", "region"}


def test_every_command_shown_exists() -> None:
    called = re.findall(r"backup-plan-bot ((?:policy|ledger key|ledger) [a-z]+)", OPERATING)
    assert len(called) >= 4
    assert all(leads_to_a_command(words.split()) for words in called)


def test_the_numbers_named_are_those_of_the_code() -> None:
    assert f"longer than {GRACE_SECONDS:.0f} seconds" in OPERATING
    assert (AGE_SECONDS, IDLE, AT_ONCE, CONNECTIONS) == (300, 3.0, 4, 2)
    for said in ("Beyond five minutes", "for three seconds is ended", "one to four connections", "two connections"):
        assert said in OPERATING
