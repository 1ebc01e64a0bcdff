"""Every parameter of a backup plan, stated once: its type, text form, label, group, rule and meaning.

Validation, the modal, inline errors, hints, the diff, the request and the README's table all ask these fields.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bot.core.conditions import ALWAYS, BackupMethod, BackupStrategyType, DatabaseType, Rule, Unless, When, Word
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


class Storage(Word):
    """Whose storage keeps the backups; DBS spells `own` by an empty value."""

    OWN = "own"
    SYSTEM = "system"

    @property
    def words(self) -> str:
        """Say what the words mean."""
        return "own (your OSS bucket)" if self == "own" else "system (built into DBS)"


_DERIVED = When(Source.RDS, Source.DDS)
_SIGNED_IN = Unless(When(DatabaseType.REDIS), When(Source.AGENT, DatabaseType.MSSQL))
_SIMPLE = When(BackupStrategyType.SIMPLE)
_MYSQL_PHYSICAL = When(DatabaseType.MYSQL, BackupMethod.PHYSICAL)


class PlanFacts(BaseModel):
    """What steers the rules and belongs to the existing plan: being of this class, it is never sent."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True)

    database_type: Annotated[str | None, AnyWord(DatabaseType), Input(Group.PLAN, "Engine")] = Field(
        default=None, alias="DatabaseType"
    )
    """The database engine, MSSQL for SQL Server."""
    backup_method: Annotated[str | None, AnyWord(BackupMethod), Input(Group.PLAN, "Backup method")] = Field(
        default=None, alias="BackupMethod"
    )
    """How the plan backs up: logical or physical."""


class PlanFields(PlanFacts):
    """What ConfigureBackupPlan is given, but for ClientToken, in the order of the form."""

    backup_plan_id: Annotated[str, Line(Kind.PLAN), Input(Group.PLAN, "Backup plan"), Rule(required=ALWAYS)] = Field(
        alias="BackupPlanId"
    )
    """The plan to change."""
    backup_plan_name: Annotated[str, Line(), Input(Group.PLAN, "Plan name"), Rule(required=ALWAYS)] = Field(
        alias="BackupPlanName"
    )
    """What the plan is called."""

    source_endpoint_instance_type: Annotated[
        Word, OneOf(Source), Input(Group.SOURCE, "Source type"), Rule(required=ALWAYS)
    ] = Field(alias="SourceEndpointInstanceType")
    """RDS, ECS, DDS (MongoDB), Express (leased line or VPN), Agent (backup gateway), Other (by host and port)."""
    source_endpoint_region: Annotated[
        str | None,
        Line(),
        Input(Group.SOURCE, "Source region"),
        Rule(required=When(Source.RDS, Source.ECS, Source.DDS, Source.EXPRESS, Source.AGENT)),
    ] = Field(default=None, alias="SourceEndpointRegion")
    """The database's region, for example cn-hangzhou."""
    source_endpoint_instance_id: Annotated[
        str | None,
        Line(),
        Input(Group.SOURCE, "Source instance"),
        Rule(required=When(Source.RDS, Source.ECS, Source.DDS, Source.EXPRESS)),
    ] = Field(default=None, alias="SourceEndpointInstanceID")
    """The instance's id, for example rm-uf6wjk5orders."""
    backup_gateway_id: Annotated[
        int | None,
        WholeNumber(1, MAX_64, kind=Kind.ID64),
        Input(Group.SOURCE, "Backup gateway"),
        Rule(required=When(Source.AGENT)),
    ] = Field(default=None, alias="BackupGatewayId")
    """The id of the gateway through which DBS reaches the database."""
    source_endpoint_ip: Annotated[
        str | None,
        Line(),
        Input(Group.SOURCE, "Source host"),
        Rule(required=When(Source.EXPRESS, Source.AGENT, Source.OTHER), derived=_DERIVED),
    ] = Field(default=None, alias="SourceEndpointIP")
    """The database's address or host name."""
    source_endpoint_port: Annotated[
        int | None,
        WholeNumber(1, 65535),
        Input(Group.SOURCE, "Source port"),
        Rule(required=When(Source.EXPRESS, Source.AGENT, Source.OTHER, Source.ECS), derived=_DERIVED),
    ] = Field(default=None, alias="SourceEndpointPort")
    """The database's port."""
    source_endpoint_database_name: Annotated[
        str | None,
        Line(),
        Input(Group.SOURCE, "Database name"),
        Rule(required=When(DatabaseType.POSTGRESQL, DatabaseType.MONGODB)),
    ] = Field(default=None, alias="SourceEndpointDatabaseName")
    """The database to sign in to."""
    source_endpoint_oracle_sid: Annotated[
        str | None, Line(), Input(Group.SOURCE, "Oracle SID"), Rule(required=When(DatabaseType.ORACLE))
    ] = Field(default=None, alias="SourceEndpointOracleSID")
    """The SID of an Oracle database."""
    source_endpoint_user_name: Annotated[
        str | None, Line(), Input(Group.SOURCE, "Database user"), Rule(required=_SIGNED_IN)
    ] = Field(default=None, alias="SourceEndpointUserName")
    """The account that DBS signs in with."""
    source_endpoint_password: Annotated[
        str | None,
        Line(Kind.SECRET),
        Input(Group.SOURCE, "Database password", readable=False),
        Rule(required=_SIGNED_IN),
    ] = Field(default=None, alias="SourceEndpointPassword")
    """The name of the secret that holds the password; its value is fetched when the change is sent."""

    backup_objects: Annotated[str | None, BackupObjectsText(), Input(Group.OBJECTS, "Backup objects")] = Field(
        default=None, alias="BackupObjects"
    )
    """One pattern a line (shop, shop.orders, !shop.audit), or JSON. Where a table is named, only named ones count."""

    backup_strategy_type: Annotated[
        Word | None,
        OneOf(BackupStrategyType),
        Input(Group.SCHEDULE, "Backup strategy", default="simple", readable=False),
    ] = Field(default=None, alias="BackupStrategyType")
    """Simple: on the chosen days. Manual: nothing is backed up until somebody starts it."""
    backup_period: Annotated[
        tuple[Word, ...] | None, SomeOf(Day), Input(Group.SCHEDULE, "Backup days"), Rule(applies=_SIMPLE)
    ] = Field(default=None, alias="BackupPeriod")
    """The days of the week on which a full backup is made."""
    backup_start_time: Annotated[
        str | None, TimeOfDay(), Input(Group.SCHEDULE, "Start time"), Rule(applies=_SIMPLE)
    ] = Field(default=None, alias="BackupStartTime")
    """When the full backup starts, in UTC."""
    enable_backup_log: Annotated[bool | None, OnOff(), Input(Group.SCHEDULE, "Log backup")] = Field(
        default=None, alias="EnableBackupLog"
    )
    """Whether changes between full backups are backed up: without it there is no restore to a point in time."""
    backup_log_interval_seconds: Annotated[
        int | None,
        WholeNumber(unit="seconds"),
        Input(Group.SCHEDULE, "Log backup interval", readable=False),
        Rule(applies=When(BackupMethod.PHYSICAL)),
    ] = Field(default=None, alias="BackupLogIntervalSeconds")
    """How often the log is backed up."""

    backup_retention_period: Annotated[
        int | None, WholeNumber(0, 1825, "days"), Input(Group.STORAGE, "Backup retention", default="730")
    ] = Field(default=None, alias="BackupRetentionPeriod")
    """How long a backup is kept."""
    duplication_infrequent_access_period: Annotated[
        int | None, WholeNumber(unit="days"), Input(Group.STORAGE, "Infrequent access after", default="180")
    ] = Field(default=None, alias="DuplicationInfrequentAccessPeriod")
    """When a backup moves to infrequent access storage."""
    duplication_archive_period: Annotated[
        int | None, WholeNumber(unit="days"), Input(Group.STORAGE, "Archive after", default="365")
    ] = Field(default=None, alias="DuplicationArchivePeriod")
    """When a backup moves to archive storage."""
    backup_storage_type: Annotated[
        Word | None, OneOf(Storage, empty="own"), Input(Group.STORAGE, "Backup storage", default="own")
    ] = Field(default=None, alias="BackupStorageType")
    """Where backups are kept: in your own OSS, or in the storage built into DBS."""
    oss_bucket_name: Annotated[str | None, Line(), Input(Group.STORAGE, "OSS bucket")] = Field(
        default=None, alias="OSSBucketName"
    )
    """The bucket for backups in your own OSS; without one DBS makes up a name."""

    backup_rate_limit: Annotated[
        int | None,
        WholeNumber(0, 10 * 1024 * 1024, "KB/s"),
        Input(Group.LIMITS, "Network limit", readable=False),
        Rule(applies=_MYSQL_PHYSICAL),
    ] = Field(default=None, alias="BackupRateLimit")
    """The most network bandwidth a backup may use."""
    backup_speed_limit: Annotated[
        int | None,
        WholeNumber(0, MAX_64, "KB/s"),
        Input(Group.LIMITS, "Disk limit", readable=False),
        Rule(applies=_MYSQL_PHYSICAL),
    ] = Field(default=None, alias="BackupSpeedLimit")
    """The most disk I/O a backup may use."""

    cross_aliyun_id: Annotated[
        str | None, AccountId(), Input(Group.CROSS_ACCOUNT, "Source account"), Rule(together="CrossRoleName")
    ] = Field(default=None, alias="CrossAliyunId")
    """The id of the other Alibaba Cloud account whose database is backed up."""
    cross_role_name: Annotated[
        str | None, Line(), Input(Group.CROSS_ACCOUNT, "RAM role"), Rule(together="CrossAliyunId")
    ] = Field(default=None, alias="CrossRoleName")
    """The RAM role that lets this account in over there."""

    auto_start_backup: Annotated[bool | None, OnOff(), Input(Group.OTHER, "Start by itself", readable=False)] = Field(
        default=None, alias="AutoStartBackup"
    )
    """Whether the plan starts once its precheck passes; otherwise somebody starts it."""
    resource_group_id: Annotated[str | None, Line(), Input(Group.OTHER, "Resource group")] = Field(
        default=None, alias="ResourceGroupId"
    )
    """The resource group the plan belongs to."""
