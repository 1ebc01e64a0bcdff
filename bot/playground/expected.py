"""What the people of the demo type, what they must be shown, and what DBS must receive of it: written out, not asked.

A demo that asked the bot what is right would agree with every mistake of the bot.
"""

from bot.playground.stage import PASSWORD

PLAN = "dbsmysqlrds01"
SECRET = "SourceEndpointPassword"  # noqa: S105 - a parameter's name
REASON = "Finance has to restore 400 days back, not two years; payments moved onto this instance."
OBJECTS = "orders\n!orders.audit_*\ninvoices\npayments"
TYPED = {
    SECRET: "orders-db",
    "BackupObjects": "orders\n!orders.audit_*\ninvoices payments",
    "BackupStrategyType": "simple",
    "BackupPeriod": "Monday,Wednesday,Friday,Sunday",
    "BackupStartTime": "18:30",
    "BackupRetentionPeriod": "400",
    "AutoStartBackup": "true",
    "CrossRoleName": "backup-reader",
}
MENDED = {"BackupObjects": OBJECTS, "CrossRoleName": ""}
MISTAKES = {
    "BackupObjects": "Backup objects are wrong in line 3: write one pattern, without blanks, commas or quotes.",
    "CrossAliyunId": "Source account is required together with RAM role.",
}
CHANGES = [
    ("Parameter", "Now", "Proposed"),
    ("Database password", "unknown", "orders-db"),
    (
        "Backup objects",
        "orders: whole database except audit_*\ninvoices: whole database",
        "orders: whole database except audit_*\ninvoices: whole database\npayments: whole database",
    ),
    ("Backup strategy", "unknown", "simple"),
    ("Backup days", "Monday, Thursday", "Monday, Wednesday, Friday, Sunday"),
    ("Start time", "14:22 UTC", "18:30 UTC"),
    ("Backup retention", "730 days", "400 days"),
    ("Start by itself", "unknown", "on"),
]
SENT = {
    "BackupPlanId": PLAN,
    "BackupPlanName": "orders nightly",
    "SourceEndpointInstanceType": "RDS",
    "SourceEndpointRegion": "cn-hangzhou",
    "SourceEndpointInstanceID": "rm-uf6orders01",
    "SourceEndpointUserName": "backup",
    SECRET: PASSWORD,
    "BackupObjects": '[{"DBName":"orders","TableExcludes":[{"TableName":"audit_*"}]},{"DBName":"invoices"},'
    '{"DBName":"payments"}]',
    "BackupStrategyType": "simple",
    "BackupPeriod": "Monday,Wednesday,Friday,Sunday",
    "BackupStartTime": "18:30",
    "EnableBackupLog": "true",
    "BackupRetentionPeriod": "400",
    "DuplicationInfrequentAccessPeriod": "180",
    "DuplicationArchivePeriod": "365",
    "BackupStorageType": "",
    "OSSBucketName": f"dbs-{PLAN}",
    "AutoStartBackup": "true",
    "ResourceGroupId": "rg-acfmzawhxxcorzi",
}
VERIFIED = "1 change, 10 events: every event is signed, every hash follows from the one before."
MASK = "(the password behind orders-db; shown to nobody)"
