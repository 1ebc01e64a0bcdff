"""The risks that a rule of the policy can be about: what each is, as a clause and a sentence, and what can bring it."""

from collections.abc import Mapping
from dataclasses import dataclass

ANY = ""
"""A value of a parameter: whichever it is."""

SOURCE = (
    "SourceEndpointInstanceType",
    "SourceEndpointRegion",
    "SourceEndpointInstanceID",
    "BackupGatewayId",
    "SourceEndpointIP",
    "SourceEndpointPort",
    "SourceEndpointDatabaseName",
    "SourceEndpointOracleSID",
)
STORAGE = ("BackupStorageType", "OSSBucketName")
ACCOUNT = ("CrossAliyunId", "CrossRoleName")
NAMES = (
    "BackupPlanName",
    "SourceEndpointRegion",
    "SourceEndpointInstanceID",
    "SourceEndpointIP",
    "SourceEndpointDatabaseName",
    "SourceEndpointOracleSID",
    "SourceEndpointUserName",
    "SourceEndpointPassword",
    "BackupObjects",
    "OSSBucketName",
    "CrossRoleName",
    "ResourceGroupId",
)
"""What may be called like something else."""
LIFECYCLE = ("DuplicationInfrequentAccessPeriod", "DuplicationArchivePeriod")


@dataclass(frozen=True, slots=True)
class About:
    """One risk."""

    clause: str
    """What is the case then: the end of a sentence that begins with "if"."""
    sentence: str
    """What people who decide read; what is in braces differs from change to change."""
    brought_by: Mapping[str, str]
    """The parameters that can bring it, by API name, each with the only value that does, or ANY.

    Empty where any parameter can.
    """
    left_out: bool = True
    """Whether leaving such a parameter out counts as it, whatever the value."""


def _any_of(*names: str) -> Mapping[str, str]:
    return dict.fromkeys(names, ANY)


RISKS: Mapping[str, About] = {
    "retention-shortened": About(
        "backups are kept for less time",
        "Backups are kept for {after} days instead of {before}: older ones may be deleted.",
        _any_of("BackupRetentionPeriod"),
    ),
    "log-backup-off": About(
        "log backup is turned off",
        "Log backup is turned off: no restore to a point between two full backups.",
        {"EnableBackupLog": "false"},
    ),
    "days-fewer": About(
        "full backups are made on fewer days",
        "Full backups are made on {after} instead of {before} days of the week.",
        {"BackupPeriod": ANY, "BackupStrategyType": "manual"},
    ),
    "objects-reduced": About(
        "something that is backed up may no longer be",
        "Something that is backed up now may no longer be: see Backup objects.",
        _any_of("BackupObjects"),
    ),
    "objects-changed": About(
        "what is backed up changes", "What is backed up changes: see Backup objects.", _any_of("BackupObjects")
    ),
    "schedule-manual": About(
        "the strategy is manual",
        "The strategy {becomes} manual: no full backup is made until somebody starts one.",
        {"BackupStrategyType": "manual"},
    ),
    "source-changed": About("the source changes", "The source changes: {labels}.", _any_of(*SOURCE)),
    "storage-changed": About(
        "the place where backups are kept changes",
        "The place where backups are kept changes: {labels}.",
        _any_of(*STORAGE),
    ),
    "account-changed": About(
        "the account whose database is backed up changes",
        "The account whose database is backed up changes: {labels}.",
        _any_of(*ACCOUNT),
    ),
    "secret-changed": About(
        "the password comes from another secret than before",
        "The password comes from another secret: {after} instead of {before}.",
        _any_of("SourceEndpointPassword"),
    ),
    "lifecycle-changed": About(
        "backups move to cheaper storage at another time",
        "Backups move to cheaper storage at another time: {labels}.",
        _any_of(*LIFECYCLE),
    ),
    "cleared": About(
        "a present value is left out",
        "{label}: the present value is no longer sent. DBS decides whether that stays or falls back to a default.",
        {},
    ),
    "renamed": About(
        "the plan is renamed",
        "The plan is renamed; it was called “{before}”. Rules are asked about both names.",
        _any_of("BackupPlanName"),
    ),
    "look-alike": About(
        "a new name looks like another one",
        "{label}: {name} {looks}.",
        _any_of(*NAMES),
        left_out=False,
    ),
    "unknown-now": About(
        "a present value is not known",
        "Nobody knows the present value of {labels}: DBS does not show it.",
        {},
    ),
}  # fmt: skip
"""By the code that a rule names in `when`."""


def brought_by(name: str) -> tuple[str, ...]:
    """Return every risk that leaving a parameter out counts as: those that its values can bring."""
    return tuple(code for code, about in RISKS.items() if name in about.brought_by and about.left_out)


def clauses(codes: tuple[str, ...]) -> list[str]:
    """Return what each of these risks is, as clauses."""
    return [RISKS[code].clause for code in codes]
