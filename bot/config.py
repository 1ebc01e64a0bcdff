"""The only reader of the environment: every setting, its default and its shape, with all problems told at once.

A command takes the smallest class that holds what it needs, so that `ledger verify` does not ask for a Slack token.
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import AliasGenerator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.core.duration import Duration
from bot.errors import ConfigError
from bot.shapes import AppToken, BotToken, Endpoint, LedgerAddress, Level, Port, SlackApi, Word

HOST_REGIONS = {
    "cn-hangzhou": "cn-hangzhou",
    "cn-shanghai": "cn-hangzhou",
    "cn-beijing": "cn-hangzhou",
    "cn-shenzhen": "cn-hangzhou",
    "cn-qingdao": "cn-hangzhou",
    "cn-hongkong": "cn-hangzhou",
    "us-east-1": "cn-hangzhou",
    "us-west-1": "cn-hangzhou",
    "cn-hangzhou-finance": "cn-hangzhou",
    "cn-shanghai-finance-1": "cn-hangzhou",
    "cn-shenzhen-finance-1": "cn-hangzhou",
    "cn-chengdu": "cn-chengdu",
    "cn-huhehaote": "cn-huhehaote",
    "cn-zhangjiakou": "cn-zhangjiakou",
    "cn-wulanchabu": "cn-wulanchabu",
    "ap-southeast-1": "ap-southeast-1",
    "ap-southeast-2": "ap-southeast-2",
    "ap-southeast-3": "ap-southeast-3",
    "ap-southeast-5": "ap-southeast-5",
    "ap-northeast-1": "ap-northeast-1",
    "ap-south-1": "ap-south-1",
    "me-east-1": "me-east-1",
    "eu-central-1": "eu-central-1",
    "eu-west-1": "eu-west-1",
}
"""Region → the region whose DBS host serves it."""


KEY_FILE_NEEDED = (
    "is not set: with PostgreSQL name the file with the ledger's key, the same for every replica;"
    " `backup-plan-bot ledger key make` makes one."
)


class Settings(BaseSettings):
    """A set of variables; a field's variable is its name in capitals, and an empty variable counts as not set."""

    model_config = SettingsConfigDict(
        alias_generator=AliasGenerator(validation_alias=str.upper),
        case_sensitive=True,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        # pydantic would print the neighbours of a missing variable: the other tokens
        hide_input_in_errors=True,
        validate_default=True,
    )

    @classmethod
    def from_environment(cls) -> Self:
        """Read the environment; raises ConfigError with one sentence for each variable that is missing or wrong."""
        try:
            return cls()
        except ValidationError as error:
            problems = [cls._sentence(found) for found in error.errors(include_url=False, include_input=False)]
        raise ConfigError(problems)

    @classmethod
    def _sentence(cls, problem: ErrorDetails) -> str:
        """Say what is wrong with which variable; the value itself is never repeated, for it may be a secret."""
        variable = str(problem["loc"][0]).upper()  # where a default is wrong, pydantic names the field
        if problem["type"] == "missing":
            return f"{variable} is not set: {cls.model_fields[variable.lower()].description}."
        said = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be", 1)
        return f"{variable} {said.rstrip('.')}."


class LogSettings(Settings):
    """How the log is written."""

    log_level: Level = "info"
    log_format: Literal["text", "json"] = "text"


class LedgerSettings(Settings):
    """Where the ledger is kept."""

    ledger_address: LedgerAddress = Field(Path("backup-plan-bot.db"), validation_alias="DATABASE_URL")
    """A SQLite file, whose relative path starts in the working folder, or the URL of a PostgreSQL database."""
    ledger_key_file: Path | None = None

    @property
    def key_file(self) -> Path:
        """The file with the key that signs the ledger. Raises ConfigError where it has to be named, and is not."""
        if self.ledger_key_file is not None:
            return self.ledger_key_file
        if isinstance(self.ledger_address, Path):
            return self.ledger_address.with_name(f"{self.ledger_address.name}.key")
        raise ConfigError([f"LEDGER_KEY_FILE {KEY_FILE_NEEDED}"])


class PolicySettings(Settings):
    """Where the policy is read from."""

    policy_file: Path = Path("policy.toml")


class SlackSettings(Settings):
    """What calling Slack needs."""

    slack_bot_token: BotToken = Field(
        description="copy the Bot User OAuth Token from OAuth & Permissions of the Slack app"
    )
    slack_api_url: SlackApi = "https://slack.com/api/"


class DeliverySettings(Settings):
    """How Slack reaches the bot: signed requests over HTTP, or Socket Mode where SLACK_APP_TOKEN is set."""

    slack_app_token: AppToken | None = None
    slack_signing_secret: SecretStr | None = None
    host: Word = "0.0.0.0"  # noqa: S104 - a container is reached from outside; HOST narrows it
    port: Port = 3000

    @field_validator("slack_signing_secret")
    @classmethod
    def _needed_over_http(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        # an app token that is there but wrong is missing from info.data, and is told of by itself
        if secret is None and "slack_app_token" in info.data and info.data["slack_app_token"] is None:
            raise ValueError(
                "is not set: copy the Signing Secret from Basic Information of the Slack app,"
                " or set SLACK_APP_TOKEN to use Socket Mode."
            )
        return secret


class DbsSettings(Settings):
    """Where DBS and KMS are, and how parameters are sent."""

    dbs_endpoint: Endpoint | None = None
    dbs_region: Word = "cn-hangzhou"
    kms_endpoint: Endpoint | None = None
    dbs_parameters: Literal["body", "query"] = "body"

    @field_validator("dbs_region")
    @classmethod
    def _served(cls, region: str, info: ValidationInfo) -> str:
        if region not in HOST_REGIONS and info.data.get("dbs_endpoint", "") is None:
            raise ValueError("is not a region whose DBS host is known: correct it, or set DBS_ENDPOINT as well.")
        return region

    @property
    def dbs_url(self) -> str:
        """DBS's address: scheme, host and, where it is not the default, port; no path."""
        return self.dbs_endpoint or f"https://dbs-api.{HOST_REGIONS[self.dbs_region]}.aliyuncs.com"

    @property
    def kms_url(self) -> str:
        """KMS's address, in the same form."""
        return self.kms_endpoint or f"https://kms.{self.dbs_region}.aliyuncs.com"


class PaceSettings(Settings):
    """How long things may take."""

    execution_lease: Duration = timedelta(seconds=60)
    sweep_interval: Duration = timedelta(seconds=5)
    tell_grace: Duration = timedelta(seconds=15)
    dbs_timeout: Duration = timedelta(seconds=20)
    """A call to DBS in all, connecting and reading."""

    @field_validator("dbs_timeout")
    @classmethod
    def _below_the_lease(cls, timeout: timedelta, info: ValidationInfo) -> timedelta:
        if timeout >= info.data.get("execution_lease", timedelta.max):
            raise ValueError(
                "must be below EXECUTION_LEASE: a call that outlives its lease could be made a second time."
            )
        return timeout


def environment() -> Mapping[str, str]:
    """Return the process's variables, for secrets that the policy refers to as `env:NAME`."""
    return os.environ


class Config(LogSettings, LedgerSettings, PolicySettings, SlackSettings, DeliverySettings, DbsSettings, PaceSettings):
    """Everything that `serve` needs."""

    @field_validator("ledger_key_file")
    @classmethod
    def _named_for_postgres(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        if file is None and isinstance(info.data.get("ledger_address"), SecretStr):
            raise ValueError(KEY_FILE_NEEDED)
        return file
