"""The environment is read in one place, strictly, and complained about once."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.config import HOST_REGIONS, KEY_FILE_NEEDED, Config, LedgerSettings, LogSettings, PolicySettings, SlackSettings
from bot.errors import ConfigError

EVERYWHERE = "0.0.0.0"  # noqa: S104 - the default, only compared
ENOUGH = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s1gn1ng"}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Config:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Config.from_environment()


def problems(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(monkeypatch, **variables)
    return caught.value.problems


def test_the_two_secrets_are_all_that_must_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    config = read(monkeypatch, **ENOUGH)
    assert config.slack_bot_token.get_secret_value() == "xoxb-1"
    assert config.slack_signing_secret is not None
    assert config.slack_app_token is None
    assert config.slack_api_url == "https://slack.com/api/"
    assert config.ledger_address == Path("backup-plan-bot.db")
    assert config.policy_file == Path("policy.toml")
    assert (config.host, config.port) == (EVERYWHERE, 3000)
    assert (config.log_level, config.log_format) == ("info", "text")
    assert config.execution_lease == timedelta(seconds=60)
    assert config.sweep_interval == timedelta(seconds=5)
    assert config.tell_grace == timedelta(seconds=15)
    assert config.dbs_timeout == timedelta(seconds=20)
    assert config.dbs_parameters == "body"
    assert config.dbs_url == "https://dbs-api.cn-hangzhou.aliyuncs.com"
    assert config.kms_url == "https://kms.cn-hangzhou.aliyuncs.com"


def test_every_problem_is_told_at_once_and_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "SLACK_APP_TOKEN": "xoxb-2",
        "SLACK_API_URL": "http://slack.example/api",
        "DATABASE_URL": "mysql://db",
        "DBS_REGION": "cn-nowhere",
        "KMS_ENDPOINT": "https://kms.example/path",
        "DBS_PARAMETERS": "header",
        "HOST": "two words",
        "PORT": "70000",
        "LOG_LEVEL": "loud",
        "LOG_FORMAT": "xml",
        "EXECUTION_LEASE": "1 minute",
        "SWEEP_INTERVAL": "0s",
        "TELL_GRACE": "-1s",
        "DBS_TIMEOUT": "20",
    }
    told = problems(monkeypatch, **wrong)
    assert {sentence.split(" ")[0] for sentence in told} == {"SLACK_BOT_TOKEN", *wrong}
    assert len(told) == len(wrong) + 1
    assert all(sentence.endswith(".") for sentence in told)


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, **ENOUGH, SLACK_APP_TOKEN="", HOST="", LOG_LEVEL="").host == EVERYWHERE


def test_the_signing_secret_is_needed_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    (told,) = problems(monkeypatch, SLACK_BOT_TOKEN="xoxb-1")
    assert told.startswith("SLACK_SIGNING_SECRET is not set")


def test_the_signing_secret_is_not_needed_in_socket_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, SLACK_BOT_TOKEN="xoxb-1", SLACK_APP_TOKEN="xapp-1").slack_signing_secret is None


@pytest.mark.parametrize("token", ["xoxp-1", "xapp-1", "xoxb-", "xoxb-with space", "xoxb-line\n", "Bearer xoxb-1"])
def test_a_bot_token_begins_with_xoxb(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    (told,) = problems(monkeypatch, **{**ENOUGH, "SLACK_BOT_TOKEN": token})
    assert told.startswith("SLACK_BOT_TOKEN must be a bot token, which begins with xoxb-")


@given(
    value=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=8).map("marked-{}".format)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_no_problem_repeats_a_value(value: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "DATABASE_URL", "SLACK_API_URL", "PORT", "DBS_TIMEOUT"):
            patch.setenv(name, value)
        with pytest.raises(ConfigError) as caught:
            Config.from_environment()
    assert "marked-" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_tokens_are_not_shown_with_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = repr(read(monkeypatch, **ENOUGH, SLACK_APP_TOKEN="xapp-1"))
    assert not any(secret in shown for secret in ("xoxb-1", "xapp-1", "s1gn1ng"))


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///bot.db", "bot.db"),
        ("sqlite:///data/bot.db", "data/bot.db"),
        ("sqlite:////data/bot.db", "/data/bot.db"),
    ],
)
def test_the_ledger_is_a_file(monkeypatch: pytest.MonkeyPatch, url: str, file: str) -> None:
    assert read(monkeypatch, **ENOUGH, DATABASE_URL=url).ledger_address == Path(file)


@pytest.mark.parametrize(
    "url", ["bot.db", "sqlite://bot.db", "sqlite:///", "sqlite:///data/", "sqlite:///:memory:", "sqlite:///a?mode=ro"]
)
def test_a_ledger_that_is_no_file_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert problems(monkeypatch, **ENOUGH, DATABASE_URL=url) == [
        "DATABASE_URL must be sqlite:///relative/file, sqlite:////absolute/file or postgresql://user:password@host/database."
    ]


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_the_ledger_is_a_database_whose_url_is_not_shown(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    url = f"{scheme}://bot:s3same@db/bot?sslmode=require"
    config = read(monkeypatch, **ENOUGH, DATABASE_URL=url, LEDGER_KEY_FILE="ledger.key")
    assert isinstance(config.ledger_address, SecretStr)
    assert config.ledger_address.get_secret_value() == url
    assert "s3same" not in repr(config)


def test_the_ledgers_key_is_beside_its_file_unless_another_place_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, **ENOUGH, DATABASE_URL="sqlite:////data/bot.db").key_file == Path("/data/bot.db.key")
    named = read(monkeypatch, **ENOUGH, DATABASE_URL="sqlite:////data/bot.db", LEDGER_KEY_FILE="/run/key")
    assert named.key_file == Path("/run/key")


def test_a_database_has_no_place_beside_it_for_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems(monkeypatch, **ENOUGH, DATABASE_URL="postgresql://db/bot") == [f"LEDGER_KEY_FILE {KEY_FILE_NEEDED}"]


@pytest.mark.parametrize("password", ["s3@same", "s3/same", "s3@sa/me", "s3/sa@me"])
def test_a_password_that_the_driver_would_take_for_a_host_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    assert problems(monkeypatch, **ENOUGH, DATABASE_URL=f"postgresql://bot:{password}@db/bot") == [
        "DATABASE_URL must have each @ and / of user and password written as %40 and %2F."
    ]


@pytest.mark.parametrize("rest", ["bot:s%403@db/bot", "/bot?host=/run/pg", "bot:@/bot?host=/run/pg&user=a@b", "db/bot"])
def test_a_url_whose_parts_can_be_told_apart_is_taken(monkeypatch: pytest.MonkeyPatch, rest: str) -> None:
    address = read(
        monkeypatch, **ENOUGH, DATABASE_URL=f"postgresql://{rest}", LEDGER_KEY_FILE="ledger.key"
    ).ledger_address
    assert isinstance(address, SecretStr)


@pytest.mark.parametrize("url", ["postgresql:db", "postgresql://", "postgres://bot:pass word@db/bot"])
def test_a_broken_url_is_not_repeated(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert problems(monkeypatch, **ENOUGH, DATABASE_URL=url) == [
        "DATABASE_URL must be postgresql://user:password@host/database, without spaces."
    ]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("dbs.example", "https://dbs.example"),
        ("dbs.example:8443", "https://dbs.example:8443"),
        ("https://dbs.example/", "https://dbs.example"),
        ("http://127.0.0.1:81", "http://127.0.0.1:81"),
        ("http://localhost:81/", "http://localhost:81"),
        ("http://[::1]:81", "http://[::1]:81"),
    ],
)
def test_an_endpoint_is_a_url_or_a_bare_host(monkeypatch: pytest.MonkeyPatch, written: str, meant: str) -> None:
    config = read(monkeypatch, **ENOUGH, DBS_ENDPOINT=written, KMS_ENDPOINT=written)
    assert (config.dbs_url, config.kms_url) == (meant, meant)


@pytest.mark.parametrize(
    "written",
    [
        "http://dbs.example",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "http://127.0.0.1@dbs.example",
        "https://ak:sk@dbs.example",
        "ftp://dbs.example",
        "https://",
        "https://dbs.example:port",
        "https://dbs.example:99999",
        "https://dbs.example?a=b",
        "https://dbs.example#a",
        "https://dbs.example/path",
        "https://dbs.example\\@other.example",
        "dbs example",
    ],
)
def test_an_endpoint_that_would_send_secrets_astray_is_refused(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    (told,) = problems(monkeypatch, **ENOUGH, DBS_ENDPOINT=written)
    assert told.startswith("DBS_ENDPOINT must be")


def test_the_address_of_slack_ends_in_a_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    read_back = read(monkeypatch, **ENOUGH, SLACK_API_URL="http://127.0.0.1:81/api").slack_api_url
    assert read_back == "http://127.0.0.1:81/api/"


@pytest.mark.parametrize(("region", "host"), [("us-east-1", "cn-hangzhou"), ("eu-central-1", "eu-central-1")])
def test_the_region_chooses_the_hosts(monkeypatch: pytest.MonkeyPatch, region: str, host: str) -> None:
    config = read(monkeypatch, **ENOUGH, DBS_REGION=region)
    assert config.dbs_url == f"https://dbs-api.{host}.aliyuncs.com"
    assert config.kms_url == f"https://kms.{region}.aliyuncs.com"


def test_every_serving_region_serves_itself() -> None:
    assert {HOST_REGIONS[host] for host in HOST_REGIONS.values()} == set(HOST_REGIONS.values())


def test_a_region_unknown_here_needs_an_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    (told,) = problems(monkeypatch, **ENOUGH, DBS_REGION="xx-new-1")
    assert told.startswith("DBS_REGION is not a region whose DBS host is known")
    assert read(monkeypatch, DBS_ENDPOINT="dbs.example").dbs_url == "https://dbs.example"


@pytest.mark.parametrize(("timeout", "lease"), [("60s", "60s"), ("2m", "90s"), ("60s", None)])
def test_a_call_ends_before_its_lease(monkeypatch: pytest.MonkeyPatch, timeout: str, lease: str | None) -> None:
    extra = {"EXECUTION_LEASE": lease} if lease else {}
    (told,) = problems(monkeypatch, **ENOUGH, DBS_TIMEOUT=timeout, **extra)
    assert told.startswith("DBS_TIMEOUT must be below EXECUTION_LEASE")


def test_a_command_asks_only_for_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "not a number")
    assert LedgerSettings.from_environment().ledger_address == Path("backup-plan-bot.db")
    assert PolicySettings.from_environment().policy_file == Path("policy.toml")
    assert LogSettings.from_environment().log_level == "info"
    with pytest.raises(ConfigError, match="SLACK_BOT_TOKEN is not set"):
        SlackSettings.from_environment()


def test_nothing_is_read_from_the_working_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HOST=10.0.0.1\nSLACK_BOT_TOKEN=xoxb-file\n")
    assert read(monkeypatch, **ENOUGH).host == EVERYWHERE


def test_names_are_written_in_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, **ENOUGH, host="10.0.0.1").host == EVERYWHERE
