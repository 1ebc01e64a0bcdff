"""Backup plans in the shape in which DescribeBackupPlanList reports them: one builder for every kind worth testing."""

from typing import Any

Plan = dict[str, Any]

ORDERS = '[{"DBName":"orders","TableExcludes":[{"TableName":"audit_*"}]},{"DBName":"invoices"}]'
ESCAPED = '[{\\"DBName\\":\\"shop\\",\\"SchemaName\\":\\"dbo\\"}]'
"""As in the documented sample reply: quotes inside the string are escaped once more."""

REST: Plan = {
    "BackupGatewayIdentifier": "",
    "BackupSetDownloadDir": "",
    "BackupSetDownloadFullDataFormat": "",
    "BackupSetDownloadGatewayId": 0,
    "BackupSetDownloadIncrementDataFormat": "",
    "BackupSetDownloadTargetType": "",
    "BeginTimestampForRestore": 1793000000000,
    "CrossAliyunId": "",
    "CrossRoleName": "",
    "EnableMysqlPhysicalBackupBinLog": False,
    "EndTimestampForRestore": 1795600000000,
    "IncrementBackupRetentionPeriod": 730,
    "IncrementDuplicationArchivePeriod": 365,
    "IncrementDuplicationInfrequentAccessPeriod": 180,
    "InstanceExpiredTimestamp": 4102444800000,
    "LogBackupRetentionPeriod": 30,
    "LogDuplicationArchivePeriod": 0,
    "LogDuplicationInfrequentAccessPeriod": 0,
    "OpenBackupSetAutoDownload": False,
    "SourceEndpointDatabaseName": "",
    "SourceEndpointEnableSsl": "",
    "SourceEndpointOracleSID": "",
    "StorageEncryptMethod": "",
}
"""The other fields of the reply, which ConfigureBackupPlan does not take or few plans have; subscribed until 2100."""


def plan(plan_id: str, name: str, engine: str, method: str, source: str, **fields: Any) -> Plan:
    """Build a plan that runs nightly; `source` is the instance type, `fields` replace or add reply fields."""
    return {
        "BackupPlanId": plan_id,
        "BackupPlanName": name,
        "DatabaseType": engine,
        "BackupMethod": method,
        "BackupPlanStatus": "running",
        "BackupPlanRegion": "cn-hangzhou",
        "BackupPlanCreateTime": 1735689600000,
        "InstanceClass": "small",
        "InstanceChargeType": "PREPAY",
        "ErrMessage": "",
        "SourceEndpointInstanceType": source,
        "SourceEndpointRegion": "cn-hangzhou",
        "SourceEndpointUserName": "backup",
        "BackupGatewayId": 0,
        "BackupObjects": ORDERS,
        "BackupPeriod": "MONDAY,THURSDAY",
        "BackupStartTime": "14:22",
        "EnableBackupLog": True,
        "BackupRetentionPeriod": 730,
        "DuplicationInfrequentAccessPeriod": 180,
        "DuplicationArchivePeriod": 365,
        "BackupStorageType": "",
        "OSSBucketName": f"dbs-{plan_id}",
        "OSSBucketRegion": "cn-hangzhou",
        "ResourceGroupId": "rg-acfmzawhxxcorzi",
        **REST,
    } | fields


def mysql_on_rds(plan_id: str = "dbsmysqlrds01", **fields: Any) -> Plan:
    """MySQL on RDS, logical."""
    known = {"SourceEndpointInstanceID": "rm-uf6orders01", "SourceEndpointIpPort": "rm-uf6orders01.mysql.rds:3306"}
    return plan(plan_id, "orders nightly", "MySQL", "logical", "rds", **(known | fields))


def mysql_on_ecs(plan_id: str = "dbsmysqlecs01", **fields: Any) -> Plan:
    """MySQL on a machine of one's own, physical."""
    known = {"SourceEndpointInstanceID": "i-bp1mysql01", "SourceEndpointIpPort": "10.0.3.7:3306"}
    return plan(plan_id, "ledger physical", "MySQL", "physical", "ecs", **(known | fields))


def postgresql_by_gateway(plan_id: str = "dbspgexpress1", **fields: Any) -> Plan:
    """PostgreSQL in a data centre, reached over Express Connect and a backup gateway."""
    known = {
        "SourceEndpointInstanceID": "vpc-bp1dc01",
        "SourceEndpointIpPort": "192.168.40.12:5432",
        "SourceEndpointHost": "192.168.40.12",
        "SourceEndpointPort": "5432",
        "SourceEndpointDatabaseName": "warehouse",
        "BackupGatewayId": 23313123312,
        "BackupObjects": '[{"DBName":"warehouse"}]',
    }
    return plan(plan_id, "warehouse", "PostgreSQL", "logical", "express", **(known | fields))


def mysql_by_rds(plan_id: str = "dbsmadebyrds1", **fields: Any) -> Plan:
    """A plan that RDS made by itself: without a user's name, address or resource group, on built-in storage."""
    bare = {"SourceEndpointUserName": "", "SourceEndpointIpPort": "", "ResourceGroupId": ""}
    kept = {"BackupStorageType": "system", "OSSBucketName": "dbs-made-up-by-rds", "BackupRetentionPeriod": 3650}
    return mysql_on_rds(plan_id, **(bare | kept | {"BackupPlanName": "made by RDS"} | fields))


def redis_on_ecs(plan_id: str = "dbsredisecs01", **fields: Any) -> Plan:
    """Redis, which needs neither user nor password."""
    known = {
        "SourceEndpointInstanceID": "i-bp1redis01",
        "SourceEndpointIpPort": "10.0.3.9:6379",
        "SourceEndpointUserName": "",
        "EnableBackupLog": False,
        "BackupObjects": '[{"DBName":"0"}]',
    }
    return plan(plan_id, "session cache", "Redis", "logical", "ecs", **(known | fields))


def mongodb_on_dds(plan_id: str = "dbsmongodds01", **fields: Any) -> Plan:
    """MongoDB as a service."""
    known = {
        "SourceEndpointInstanceID": "dds-bp1events",
        "SourceEndpointIpPort": "dds-bp1events.mongodb.rds:3717",
        "SourceEndpointDatabaseName": "admin",
        "BackupStorageType": "system",
        "BackupObjects": '[{"DBName":"events"}]',
    }
    return plan(plan_id, "events", "MongoDB", "logical", "dds", **(known | fields))


def sqlserver_by_agent(plan_id: str = "dbsmssqlagent", **fields: Any) -> Plan:
    """SQL Server through an agent on a gateway, which needs neither user nor password."""
    known = {
        "SourceEndpointInstanceID": "",
        "SourceEndpointIpPort": "172.16.8.4:1433",
        "SourceEndpointUserName": "",
        "BackupGatewayId": 23313123999,
        "BackupObjects": ESCAPED,
    }
    return plan(plan_id, "shop floor", "MSSQL", "physical", "agent", **(known | fields))


def oracle_on_ecs(plan_id: str = "dbsoracleecs1", **fields: Any) -> Plan:
    """Oracle on a machine of one's own, kept in another account."""
    known = {
        "SourceEndpointInstanceID": "i-bp1oracle01",
        "SourceEndpointIpPort": "10.0.3.20:1521",
        "SourceEndpointOracleSID": "ORCL",
        "CrossAliyunId": "2694410000000001",
        "CrossRoleName": "backup-reader",
        "BackupObjects": '[{"DBName":"PAYROLL"}]',
    }
    return plan(plan_id, "payroll", "Oracle", "physical", "ecs", **(known | fields))


def locked(plan_id: str = "dbslocked0001", **fields: Any) -> Plan:
    """A plan whose subscription ended."""
    return mysql_on_rds(plan_id, **({"BackupPlanName": "ended", "BackupPlanStatus": "locked"} | fields))


def forbidden(plan_id: str = "dbsforbidden1", **fields: Any) -> Plan:
    """A plan of the account that RAM keeps from the bot; `FakeDbs.forbidden` names it."""
    return mysql_on_rds(plan_id, **({"BackupPlanName": "somebody else's"} | fields))


def unconfigured(plan_id: str = "dbswait000001", **fields: Any) -> Plan:
    """A plan that was bought and never configured."""
    bare = mysql_on_rds(plan_id, BackupPlanName="fresh", BackupPlanStatus="wait", EnableBackupLog=False)
    kept = {name: value for name, value in bare.items() if not name.startswith(("SourceEndpoint", "Duplication"))}
    kept |= {"BackupObjects": None, "BackupPeriod": "", "BackupStartTime": "", "OSSBucketName": ""}
    return kept | fields


def catalogue() -> list[Plan]:
    """Return one plan of every kind."""
    return [
        mysql_on_rds(),
        mysql_on_ecs(),
        postgresql_by_gateway(),
        redis_on_ecs(),
        mongodb_on_dds(),
        sqlserver_by_agent(),
        oracle_on_ecs(),
        locked(),
        forbidden(),
        unconfigured(),
    ]


def crowd(count: int) -> list[Plan]:
    """Return `count` plans, for lists that are too long to be shown."""
    return [mysql_on_rds(f"dbscrowd{n:05}", BackupPlanName=f"shard {n:05}") for n in range(count)]
