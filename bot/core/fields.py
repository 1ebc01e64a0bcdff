"""Every parameter of a backup plan, stated once: its type, text form, label, group, rule and meaning.

Validation, the modal, inline errors, hints, the diff, the request and the README's table all ask these fields. It is
long because it is one list, in the order of the form.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bot.core.conditions import (
    ALWAYS,
    BackupMethod,
    BackupStorageType,
    BackupStrategyType,
    DatabaseType,
    Rule,
    Unless,
    When,
    Word,
)
from bot.core.conditions import SourceEndpointInstanceType as Source
from bot.core.objects import BackupObjectsText
from bot.core.parameters import Group, Input
from bot.core.text import MAX_64, AccountId, AnyWord, Kind, Line, OneOf, OnOff, SomeOf, TimeOfDay, WholeNumber


class Day(Word):
    """Days of the week."""

    MONDAY = "Monday"
    TUESDAY = "Tuesday"
    WEDNESDAY = "Wednesday"
    THURSDAY = "Thursday"
    FRIDAY = "Friday"
    SATURDAY = "Saturday"
    SUNDAY = "Sunday"


_DERIVED = When(Source.RDS, Source.DDS)
_SIGNED_IN = Unless(When(DatabaseType.REDIS), When(Source.AGENT, DatabaseType.MSSQL))
_MADE_BY_RDS = When(Source.RDS)
_BUILT_IN = When(BackupStorageType.SYSTEM)
_SIMPLE = When(BackupStrategyType.SIMPLE)
_MYSQL_PHYSICAL = When(DatabaseType.MYSQL, BackupMethod.PHYSICAL)


class PlanFacts(BaseModel):
    """What steers the rules and belongs to the existing plan: being of this class, it is never sent."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    database_type: Annotated[
        str | None, AnyWord(DatabaseType), Input(Group.PLAN, "Engine", "The database engine, MSSQL for SQL Server.")
    ] = Field(default=None, alias="DatabaseType")
    backup_method: Annotated[
        str | None,
        AnyWord(BackupMethod),
        Input(Group.PLAN, "Backup method", "How the plan backs up: logical or physical."),
    ] = Field(default=None, alias="BackupMethod")


class PlanFields(PlanFacts):
    """What ConfigureBackupPlan is given, but for ClientToken, in the order of the form."""

    backup_plan_id: Annotated[
        str,
        Line(Kind.PLAN),
        Input(Group.PLAN, "Backup plan", "The plan to change.", identifies=True),
        Rule(required=ALWAYS),
    ] = Field(alias="BackupPlanId")
    backup_plan_name: Annotated[
        str, Line(), Input(Group.PLAN, "Plan name", "What the plan is called.", identifies=True), Rule(required=ALWAYS)
    ] = Field(alias="BackupPlanName")

    source_endpoint_instance_type: Annotated[
        Word,
        OneOf(Source),
        Input(
            Group.SOURCE,
            "Source type",
            "RDS, ECS, DDS (MongoDB), Express (leased line or VPN), Agent (backup gateway), Other (by host and port).",
            identifies=True,
        ),
        Rule(required=ALWAYS),
    ] = Field(alias="SourceEndpointInstanceType")
    source_endpoint_region: Annotated[
        str | None,
        Line(),
        Input(Group.SOURCE, "Source region", "The database's region, for example cn-hangzhou.", identifies=True),
        Rule(required=When(Source.RDS, Source.ECS, Source.DDS, Source.EXPRESS, Source.AGENT)),
    ] = Field(default=None, alias="SourceEndpointRegion")
    source_endpoint_instance_id: Annotated[
        str | None,
        Line(),
        Input(Group.SOURCE, "Source instance", "The instance's id, for example rm-uf6wjk5orders.", identifies=True),
        Rule(required=When(Source.RDS, Source.ECS, Source.DDS, Source.EXPRESS)),
    ] = Field(default=None, alias="SourceEndpointInstanceID")
    backup_gateway_id: Annotated[
        int | None,
        WholeNumber(1, MAX_64, kind=Kind.ID64),
        Input(
            Group.SOURCE,
            "Backup gateway",
            "The id of the gateway through which DBS reaches the database.",
            identifies=True,
        ),
        Rule(required=When(Source.AGENT)),
    ] = Field(default=None, alias="BackupGatewayId")
    source_endpoint_ip: Annotated[
        str | None,
        Line(),
        Input(Group.SOURCE, "Source host", "The database's address or host name.", identifies=True),
        Rule(required=When(Source.EXPRESS, Source.AGENT, Source.OTHER), derived=_DERIVED),
    ] = Field(default=None, alias="SourceEndpointIP")
    source_endpoint_port: Annotated[
        int | None,
        WholeNumber(1, 65535),
        Input(Group.SOURCE, "Source port", "The database's port.", identifies=True),
        Rule(required=When(Source.EXPRESS, Source.AGENT, Source.OTHER, Source.ECS), derived=_DERIVED),
    ] = Field(default=None, alias="SourceEndpointPort")
    source_endpoint_database_name: Annotated[
        str | None,
        Line(),
        Input(Group.SOURCE, "Database name", "The database to sign in to.", identifies=True),
        Rule(required=When(DatabaseType.POSTGRESQL, DatabaseType.MONGODB)),
    ] = Field(default=None, alias="SourceEndpointDatabaseName")
    source_endpoint_oracle_sid: Annotated[
        str | None,
        Line(),
        Input(Group.SOURCE, "Oracle SID", "The SID of an Oracle database.", identifies=True),
        Rule(required=When(DatabaseType.ORACLE)),
    ] = Field(default=None, alias="SourceEndpointOracleSID")
    source_endpoint_user_name: Annotated[
        str | None,
        Line(),
        Input(Group.SOURCE, "Database user", "The account that DBS signs in with.", identifies=True),
        Rule(required=_SIGNED_IN, spared=_MADE_BY_RDS, spared_with="SourceEndpointUserName"),
    ] = Field(default=None, alias="SourceEndpointUserName")
    source_endpoint_password: Annotated[
        str | None,
        Line(Kind.SECRET),
        Input(
            Group.SOURCE,
            "Database password",
            "The name of the secret that holds the password; its value is fetched when the change is sent.",
            readable=False,
            identifies=True,
        ),
        Rule(required=_SIGNED_IN, spared=_MADE_BY_RDS, spared_with="SourceEndpointUserName"),
    ] = Field(default=None, alias="SourceEndpointPassword")

    backup_objects: Annotated[
        str | None,
        BackupObjectsText(),
        Input(
            Group.OBJECTS,
            "Backup objects",
            "One pattern a line (shop, shop.orders, !shop.audit), or JSON. "
            "Where a table is named, only named ones count.",
            identifies=True,
        ),
    ] = Field(default=None, alias="BackupObjects")

    backup_strategy_type: Annotated[
        Word | None,
        OneOf(BackupStrategyType),
        Input(
            Group.SCHEDULE,
            "Backup strategy",
            "Simple: on the chosen days. Manual: nothing is backed up until somebody starts it.",
            default="simple",
            readable=False,
        ),
    ] = Field(default=None, alias="BackupStrategyType")
    backup_period: Annotated[
        tuple[Word, ...] | None,
        SomeOf(Day),
        Input(Group.SCHEDULE, "Backup days", "The days of the week on which a full backup is made."),
        Rule(applies=_SIMPLE),
    ] = Field(default=None, alias="BackupPeriod")
    backup_start_time: Annotated[
        str | None,
        TimeOfDay(),
        Input(Group.SCHEDULE, "Start time", "When the full backup starts, in UTC."),
        Rule(applies=_SIMPLE),
    ] = Field(default=None, alias="BackupStartTime")
    enable_backup_log: Annotated[
        bool | None,
        OnOff(),
        Input(
            Group.SCHEDULE,
            "Log backup",
            "Whether changes between full backups are backed up: without it there is no restore to a point in time.",
        ),
    ] = Field(default=None, alias="EnableBackupLog")
    backup_log_interval_seconds: Annotated[
        int | None,
        WholeNumber(unit="seconds"),
        Input(Group.SCHEDULE, "Log backup interval", "How often the log is backed up.", readable=False),
        Rule(applies=When(BackupMethod.PHYSICAL)),
    ] = Field(default=None, alias="BackupLogIntervalSeconds")

    backup_retention_period: Annotated[
        int | None,
        WholeNumber(0, 1825, "days"),
        Input(Group.STORAGE, "Backup retention", "How long a backup is kept.", default="730"),
    ] = Field(default=None, alias="BackupRetentionPeriod")
    duplication_infrequent_access_period: Annotated[
        int | None,
        WholeNumber(unit="days", zero="never"),
        Input(
            Group.STORAGE,
            "Infrequent access after",
            "When a backup moves to infrequent access storage; 0 means never.",
            default="180",
        ),
    ] = Field(default=None, alias="DuplicationInfrequentAccessPeriod")
    duplication_archive_period: Annotated[
        int | None,
        WholeNumber(unit="days", zero="never"),
        Input(Group.STORAGE, "Archive after", "When a backup moves to archive storage; 0 means never.", default="365"),
    ] = Field(default=None, alias="DuplicationArchivePeriod")
    backup_storage_type: Annotated[
        Word | None,
        OneOf(BackupStorageType, empty="own"),
        Input(
            Group.STORAGE,
            "Backup storage",
            "Where backups are kept: in your own OSS, or in the storage built into DBS.",
            default="own",
        ),
    ] = Field(default=None, alias="BackupStorageType")
    oss_bucket_name: Annotated[
        str | None,
        Line(),
        Input(
            Group.STORAGE,
            "OSS bucket",
            "The bucket for backups in your own OSS; without one DBS makes up a name.",
            identifies=True,
        ),
        Rule(derived=_BUILT_IN),
    ] = Field(default=None, alias="OSSBucketName")

    backup_rate_limit: Annotated[
        int | None,
        WholeNumber(0, 10 * 1024 * 1024, "KB/s"),
        Input(Group.LIMITS, "Network limit", "The most network bandwidth a backup may use.", readable=False),
        Rule(applies=_MYSQL_PHYSICAL),
    ] = Field(default=None, alias="BackupRateLimit")
    backup_speed_limit: Annotated[
        int | None,
        WholeNumber(0, MAX_64, "KB/s"),
        Input(Group.LIMITS, "Disk limit", "The most disk I/O a backup may use.", readable=False),
        Rule(applies=_MYSQL_PHYSICAL),
    ] = Field(default=None, alias="BackupSpeedLimit")

    cross_aliyun_id: Annotated[
        str | None,
        AccountId(),
        Input(
            Group.CROSS_ACCOUNT,
            "Source account",
            "The id of the other Alibaba Cloud account whose database is backed up.",
            identifies=True,
        ),
        Rule(together="CrossRoleName"),
    ] = Field(default=None, alias="CrossAliyunId")
    cross_role_name: Annotated[
        str | None,
        Line(),
        Input(Group.CROSS_ACCOUNT, "RAM role", "The RAM role that lets this account in over there.", identifies=True),
        Rule(together="CrossAliyunId"),
    ] = Field(default=None, alias="CrossRoleName")

    auto_start_backup: Annotated[
        bool | None,
        OnOff(),
        Input(
            Group.OTHER,
            "Start by itself",
            "Whether the plan starts once its precheck passes; otherwise somebody starts it.",
            readable=False,
        ),
    ] = Field(default=None, alias="AutoStartBackup")
    resource_group_id: Annotated[
        str | None,
        Line(),
        Input(
            Group.OTHER,
            "Resource group",
            "The resource group the plan belongs to.",
            identifies=True,
            always_shown=False,
        ),
    ] = Field(default=None, alias="ResourceGroupId")
